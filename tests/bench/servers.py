"""What whole_process.py measures: a server process, its processor time, its memory, its account.

Three kinds: Null (null_receiver), Pitot (a release binary), and Other (any StatsD server that can
be started by a command and listens to UDP). All are started on the same cores, fed by the same
load_generator, and asked the same questions of /proc; what they say of themselves must agree with
what was sent and with what the kernel counted, or the run is void.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))
import harness  # noqa: E402

# After the last datagram: for what waits in a receive queue to be read. Many times the pause
# between two looks of a paced reader, and no load at all.
SETTLE_S = 0.05


class Void(Exception):
    """Why a run says nothing."""


@dataclass(frozen=True)
class Load:
    """What is sent: arguments of load_generator."""

    name: str
    what: str
    lines_per_s: float = 0  # 0: as fast as it goes
    series: int = 10_000
    tags: int = 0
    datagram_bytes: int = 1432  # 0: one line each
    types: str = "counters"
    short_names: bool = True
    sources: int = 1
    shards: int = 1  # of pitot
    is_unix: bool = False

    def shape(self) -> list[str]:
        """Which lines, in which datagrams."""
        return ["--series", str(self.series), "--tags", str(self.tags),
                "--datagram-bytes", str(self.datagram_bytes), "--types", self.types,
                "--sources", str(self.sources), *(["--short-names"] if self.short_names else [])]


@dataclass
class Tools:
    """Where things are, and on which cores they run."""

    binary: Path
    folder: Path  # of load_generator and null_receiver
    server_cores: set[int]
    sender_cores: set[int]
    settings: Mapping[str, Any] = field(default_factory=dict)  # of pitot, besides a Load's

    @contextmanager
    def on(self, cores: set[int]) -> Iterator[None]:
        """What is started inside inherits these cores."""
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, mine)


@dataclass
class Cpu:
    """Processor time of a process up to now, in nanoseconds."""

    total: int
    user: int  # by the kernel's accounting: in steps of 10 ms, often sampled
    system: int

    @staticmethod
    def of(pid: int) -> Cpu:
        """Of all its threads. The sum is exact, to the nanosecond."""
        total = 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):  # it ended just now
                continue
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return Cpu(total, int(fields[11]) * tick_ns, int(fields[12]) * tick_ns)

    def since(self, before: Cpu) -> Cpu:
        """What was used between the two; the parts scaled to add up to the exact sum."""
        total = self.total - before.total
        user, system = self.user - before.user, self.system - before.system
        share = user / (user + system) if user + system > 0 else 0.0
        return Cpu(total, round(total * share), round(total * (1 - share)))


def thread_cpu_ns(pid: int, name: str) -> int:
    """Of the threads of this name."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text().strip() == name)


def resident_bytes(pid: int) -> tuple[int, int]:
    """Now, and at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.M))
    return int(found["VmRSS"]) * 1024, int(found["VmHWM"]) * 1024


def udp_sockets(port: int) -> list[list[str]]:
    """The rows of /proc/net/udp and udp6 of all sockets bound to this port."""
    rows = [row.split() for file in ("udp", "udp6")
            for row in Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    return [row for row in rows if int(row[1].rsplit(":", 1)[1], 16) == port]


def udp_drops(port: int) -> int:
    """What the kernel dropped at all sockets of this port: its own count, not the server's."""
    return sum(int(row[-1]) for row in udp_sockets(port))


@dataclass
class Machine:
    """Of all cores, in ticks: what was used, and what the host below took away; and when."""

    busy: int
    stolen: int
    at_s: float

    @staticmethod
    def now() -> Machine:
        """Up to now."""
        user, nice, system, _, _, irq, soft, steal = (
            int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
        return Machine(user + nice + system + irq + soft, steal, time.monotonic())


def pause(seconds: float = SETTLE_S) -> None:
    """For something that no process announces."""
    threading.Event().wait(seconds)


class Server:
    """One process. `address` is as load_generator wants it; `port` is 0 for a Unix socket."""

    kind = ""
    address = ""
    port = 0
    pid = 0
    receive_buffer = 0

    def stop(self, datagrams: int, lines: int) -> dict[str, Any]:
        """Ends it, and gives its account; Void when that does not add up to what was sent."""
        raise NotImplementedError

    def kill(self) -> None:
        """For when something failed; does nothing to a process that is gone."""
        raise NotImplementedError

    def drops(self) -> int:
        """The kernel's count; a Unix socket has none: its senders wait."""
        return udp_drops(self.port) if self.port else 0


class Null(Server):
    """The loop that receives and throws away; `wait_us` after a batch that was not full."""

    def __init__(self, tools: Tools, load: Load, folder: Path, wait_us: int = 0) -> None:
        self.kind = f"null, waits {wait_us} us" if wait_us else "null"
        where = str(folder / "null.sock") if load.is_unix else "127.0.0.1:0"
        Path(where).unlink(missing_ok=True)
        with tools.on(tools.server_cores):
            self._process = subprocess.Popen(
                [str(tools.folder / "null_receiver"), where, "--wait-us", str(wait_us)],
                stdout=subprocess.PIPE, text=True, preexec_fn=harness.end_with_parent)
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.address, self.receive_buffer = said["address"], said["receive_buffer"]
        self.port = 0 if load.is_unix else int(self.address.rsplit(":", 1)[1])
        self.pid = self._process.pid

    def stop(self, datagrams: int, lines: int) -> dict[str, Any]:
        self._process.send_signal(signal.SIGTERM)
        account: dict[str, Any] = json.loads(self._process.communicate(timeout=30)[0])
        if account["datagrams"] + account["kernel_drops"] != datagrams:
            raise Void(f"{datagrams} datagrams were sent, but the null receiver has {account}")
        return account

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


class Pitot(Server):
    """As it is shipped, with one listener, and a page of metrics as its only sink."""

    kind = "pitot"

    def __init__(self, tools: Tools, load: Load, folder: Path, **settings: Any) -> None:
        harness.VARIABLES["PITOT_BINARY"] = str(tools.binary)
        listener = ({"type": "unix", "path": str(folder / "pitot.sock")} if load.is_unix
                    else {"type": "udp", "address": "127.0.0.1:0"})
        merged = {"shards": load.shards, "self_metrics": {"enabled": True},
                  "limits": {"series": 2 * max(load.series, 100_000),
                             "series_per_metric": 2 * max(load.series, 100_000)},
                  "listeners": {"in": listener}, "sinks": {"page": {"type": "prometheus"}},
                  **tools.settings, **settings}
        with tools.on(tools.server_cores):
            self.agent = harness.Agent(folder, f"pitot-{time.monotonic_ns()}", merged)
        self.pid = self.agent.process.pid
        if load.is_unix:
            self.address = self.agent.path("in")
        else:
            self.address = "{}:{}".format(*self.agent.address("in"))
            self.port = self.agent.address("in")[1]
        granted = re.search(r"receive buffer (\d+) of", self.agent.said())
        self.receive_buffer = int(granted[1]) if granted else 0

    def flushes(self) -> int:
        """How many are done."""
        status, body = self.agent.ask("/api/v1/status")
        if status != 200:
            raise Void(f"/api/v1/status answered {status}")
        return int(json.loads(body)["flush"].get("flushes", 0))  # none before the first

    def wait_for_flush(self) -> None:
        """Returns right after the next one."""
        before = self.flushes()
        harness.wait_until(lambda: self.flushes() > before, "a flush", 120)

    def scrape(self) -> None:
        """Reads the page of metrics, whole."""
        status, body = self.agent.ask("/metrics")
        if status != 200 or not body:
            raise Void(f"/metrics answered {status}")

    def stop(self, datagrams: int, lines: int) -> dict[str, Any]:
        try:
            ledger = self.agent.stop({"in": datagrams})
        except harness.Failure as failure:
            raise Void(str(failure)) from failure
        if ledger.rejected or (ledger.kernel_drops == 0 and ledger.accepted != lines):
            raise Void(f"{lines} lines were sent, {ledger.accepted} accepted, {ledger.rejected}")
        return {**ledger.account, "kernel_drops": ledger.kernel_drops}

    def kill(self) -> None:
        self.agent.kill()


class Other(Server):
    """Any other server: the command starts it in the foreground, listening to this UDP port.

    Of it only what the kernel knows is believed: processor time, memory, and drops.
    """

    def __init__(self, tools: Tools, name: str, command: str, port: int, log: Path) -> None:
        self.kind = name
        self.port = port
        self.address = f"127.0.0.1:{port}"
        if udp_sockets(port):
            sys.exit(f"UDP port {port} is in use already; {name} must be started by this program")
        with tools.on(tools.server_cores), log.open("ab") as output:
            self._process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=harness.end_with_parent)
        self.pid = self._process.pid
        harness.wait_until(lambda: udp_sockets(port), f"{name} on UDP port {port}", 30)

    def stop(self, datagrams: int, lines: int) -> dict[str, Any]:
        account = {"kernel_drops": self.drops()}
        self.kill()
        return account

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


class Generator:
    """load_generator, prepared and waiting; go() lets it run to its end."""

    def __init__(self, tools: Tools, load: Load, server: Server, *arguments: str) -> None:
        self.command = [str(tools.folder / "load_generator"), server.address, "--wait",
                        *load.shape(), *arguments]
        with tools.on(tools.sender_cores):
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                preexec_fn=harness.end_with_parent)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "prepared\n":
            raise Void(f"{shlex.join(self.command)} did not start")

    def go(self) -> dict[str, Any]:
        """What it sent."""
        said, _ = self._process.communicate("\n")
        if not said:
            raise Void(f"{shlex.join(self.command)} ended with {self._process.returncode}")
        sent: dict[str, Any] = json.loads(said)
        return sent
