"""The agent and a real Pushgateway, started for one test and ended with it.

A test file is a list of functions that are handed a Scene and return a sentence on what
they showed, and a last line `harness.main(test_this, test_that)`. The scene starts agents
and gateways in a temporary folder of its own; whatever still runs when the function is
done is ended, by its process id. An agent that is stopped is asked for its account, which
must be closed: check_equations() adds it up by itself and does not believe the agent.

Waiting is in one place: wait_until(), which asks for a fact until a deadline.

The binary is PITOT_BINARY, or build/dev/pitot in this tree.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import exposition

ROOT = Path(__file__).resolve().parents[2]
# Variables of the tests. The agent takes what begins with PITOT_ for options, so that no
# process started here must see them.
VARIABLES = {name: os.environ.pop(name) for name in list(os.environ)
             if name.startswith("PITOT_")}
EXIT_SKIPPED = 77  # ctest: this machine cannot run it

# Between two questions of wait_until(): well below what any test bounds, and a hundred
# questions a second cost nothing.
POLL_INTERVAL_S = 0.01
# For a server to be ready or to end. Far above what a loaded machine needs; only failures
# take as long.
DEADLINE_S = 120.0
# For one file of tests, unless main() is told otherwise.
FILE_LIMIT_S = 600

Settings = Mapping[str, Any]
T = TypeVar("T")


class Failure(AssertionError):
    """What a test expected and did not find."""


class Skipped(Exception):
    """Why this machine cannot run a test."""


def expect(is_true: object, message: str) -> None:
    """An assertion that stays in place under python -O."""
    if not is_true:
        raise Failure(message)


def expect_equal(what: str, got: object, wanted: object) -> None:
    """Exactly: sums of whole numbers are whole numbers."""
    expect(got == wanted, f"{what}: must be {wanted}, got {got}")


def wait_until(fact: Callable[[], T], what: str, seconds: float = DEADLINE_S) -> T:
    """The first answer of `fact` that is true; Failure when there is none in time."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while True:
        answer = fact()
        if answer:
            return answer
        expect(time.monotonic() < deadline, f"not within {seconds:g} s: {what}")
        pause.wait(POLL_INTERVAL_S)


def ask(port: int, path: str, method: str = "GET", body: str | None = None) -> tuple[int, str]:
    """Status and body of an answer on loopback; status 0 when it is not reached."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def toml(settings: Settings, path: str = "") -> str:
    """Nested dictionaries as TOML; strings, numbers, booleans and lists of them."""
    own = [f"{key} = {json.dumps(value)}" for key, value in settings.items()
           if not isinstance(value, Mapping)]
    tables = [toml(value, f"{path}.{key}" if path else key)
              for key, value in settings.items() if isinstance(value, Mapping)]
    head = [f"[{path}]"] if path and own else []
    return "\n".join(head + own + tables)


def no_flush_by_itself() -> dict[str, str]:
    """Settings under which nothing is flushed for half an hour but by the stop.

    Percentiles and sets are those of an interval: a test that states them must know what
    is in it.
    """
    offset_s = int(time.time() + 1800) % 3600
    return {"interval": "1h", "flush_offset": f"{offset_s}s"}


_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In a new process: it ends with this one, however this one ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Ledger:
    """What an agent wrote about itself when it stopped."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        self.account = account
        self.lines: int = account["lines"]["total"]
        self.accepted: int = account["lines"]["accepted"]
        self.rejected: dict[str, int] = account["lines"]["rejected"]
        self.samples: int = account["samples"]["total"]
        self.aggregated: int = account["samples"]["aggregated"]
        self.limited: dict[str, int] = account["samples"]["limited"]
        self.flush: dict[str, float] = account["flush"]
        self.series: dict[str, int] = account["series"]
        self.listeners: dict[str, dict[str, int]] = account["listeners"]
        self.sinks: dict[str, dict[str, Any]] = account["sinks"]

    @property
    def kernel_drops(self) -> int:
        """Over all listeners."""
        return sum(listener["kernel_drops"] for listener in self.listeners.values())


def check_equations(ledger: Ledger, datagrams_sent: Mapping[str, int]) -> None:
    """The equations of the account; `datagrams_sent` by listener, where it is known."""
    for name, sent in datagrams_sent.items():
        listener = ledger.listeners[name]
        expect_equal(f"listeners.{name}: datagrams + kernel drops",
                     listener["datagrams"] + listener["kernel_drops"], sent)
    expect_equal("lines accepted + rejected",
                 ledger.accepted + sum(ledger.rejected.values()), ledger.lines)
    # Samples in an overflow series are aggregated, under another name.
    lost = sum(count for reason, count in ledger.limited.items() if reason != "overflow_series")
    expect_equal("samples aggregated + limited", ledger.aggregated + lost, ledger.samples)
    for name, sink in ledger.sinks.items():
        places = [sink[place] for place in ("delivered", "queued", "in_flight", "superseded")]
        reasons = [*sink["lost"].values(), *sink["skipped"].values()]
        expect_equal(f"sinks.{name}: points in all places", sum(places) + sum(reasons),
                     sink["offered"])
        expect_equal(f"sinks.{name}: still on their way", sink["queued"] + sink["in_flight"], 0)
    expect(ledger.account["closed"], "the agent must find its own account closed")


class Server:
    """A process with its output in a file.

    `variables` are added to its environment; `sockets` are its descriptors from 3 on, passed
    as a service manager passes them.
    """

    def __init__(self, command: list[str], log: Path,
                 variables: Mapping[str, str] | None = None,
                 sockets: Sequence[socket.socket] = ()) -> None:
        self.log = log
        environment = {**os.environ, **(variables or {})}
        if sockets:
            # The process cannot know its number before it is started.
            command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command]
            environment["LISTEN_FDS"] = str(len(sockets))

        def before() -> None:
            end_with_parent()
            # Out of the way first: their numbers may be among those to be given.
            high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 100) for each in sockets]
            for number, descriptor in enumerate(high, start=3):
                os.dup2(descriptor, number)

        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=log.parent, preexec_fn=before, close_fds=not sockets, env=environment)

    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def listening_port(self, protocol: str = "tcp") -> int:
        """The port that it listens to, where its log has the 0 that it was given; 0 as long as
        there is none."""
        process = Path(f"/proc/{self.process.pid}")
        targets = set()
        for link in process.glob("fd/*"):
            with suppress(FileNotFoundError):  # closed since it was listed
                targets.add(link.readlink().name)
        for line in (process / "net" / protocol).read_text().splitlines()[1:]:
            fields = line.split()
            is_listening = protocol == "udp" or fields[3] == "0A"
            if is_listening and f"socket:[{fields[9]}]" in targets:
                return int(fields[1].split(":")[1], 16)
        return 0

    def wait_ready(self, fact: Callable[[], T], what: str) -> T:
        """As wait_until(), but not for a process that has ended."""
        def fact_or_end() -> T:
            code = self.process.poll()
            expect(code is None, f"ended with {code}, but {what} was expected:\n{self.said()}")
            return fact()
        return wait_until(fact_or_end, what)

    def kill(self) -> None:
        """At once and without a farewell, whether it runs, is stopped, or is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)

    def pause(self) -> None:
        """SIGSTOP. The signal takes a moment to reach every thread, and one of them could still
        answer: returns when it has."""
        self.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: set(self._thread_states()) == {"T"}, "all its threads to stop")

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def _thread_states(self) -> list[str]:
        """As proc(5) has them: "T" is stopped by a signal."""
        states = []
        for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            # A thread may end between two looks.
            with suppress(FileNotFoundError, ProcessLookupError):
                states.append(stat.read_text().rsplit(")", 1)[1].split()[0])
        return states


class Troubled:
    """A real server that tests start, and let fail. Each kind says how it starts.

    Its port is the kernel's choice at first and kept from then on, so that whoever talks to it
    finds it again.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._server: Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Without a path; known once it was started."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL; also what the scene ends it with."""
        if self._server is not None:
            self._server.kill()

    def pause(self) -> None:
        """It accepts connections, through the kernel's backlog, and says nothing."""
        assert self._server is not None
        self._server.pause()

    def resume(self) -> None:
        """It goes on where it was."""
        assert self._server is not None
        self._server.resume()


class Agent(Server):
    """`pitot run` with these settings.

    It does not tell of itself unless they say so: tests count points to the last one.
    """

    def __init__(self, folder: Path, name: str, settings: Settings,
                 variables: Mapping[str, str] | None = None,
                 sockets: Sequence[socket.socket] = ()) -> None:
        self._ready_file = folder / f"{name}.ready"
        self._ledger_file = folder / f"{name}.ledger"
        config = folder / f"{name}.toml"
        # Beside others on this machine, so the kernel chooses the port; what the agent tells of
        # itself would be among the points that tests count.
        config.write_text(toml({"http": {"address": "127.0.0.1:0"},
                                "self_metrics": {"enabled": False}, **settings}) + "\n")
        super().__init__([str(binary()), "run", "--config", str(config),
                          "--ready-file", str(self._ready_file),
                          "--ledger-file", str(self._ledger_file)], folder / f"{name}.log",
                         variables, sockets)
        self.wait_ready(self._ready_file.exists, "readiness")
        ready = json.loads(self._ready_file.read_text())
        self._where: dict[str, str] = ready["listeners"]
        self._sinks: dict[str, str] = ready["sinks"]
        # Of its own server: "127.0.0.1:34567"; "" when it has none.
        self.http: str = ready.get("http", "")

    def address(self, listener: str) -> tuple[str, int]:
        """Of a UDP or TCP listener."""
        host, port = self._where[listener].split(" ", 1)[1].rsplit(":", 1)
        return host.strip("[]"), int(port)

    def path(self, listener: str) -> str:
        """Of a Unix listener."""
        return self._where[listener].split(" ", 1)[1]

    def where(self, sink: str) -> str:
        """The URL of a sink that is asked rather than fed."""
        return self._sinks[sink]

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Status and body of a page of its own server."""
        connection = http.client.HTTPConnection(self.http, timeout=DEADLINE_S)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def require_receive_buffer(self) -> None:
        """Skips where the kernel grants less than was asked for: what is lost there is
        counted, but sums are not what was sent."""
        for granted, asked in re.findall(r"receive buffer (\d+) of (\d+) bytes", self.said()):
            if int(granted) < int(asked):
                raise Skipped(f"a receive buffer of {asked} bytes is not granted here "
                              f"(net.core.rmem_max), only {granted}")

    def cpu_s(self) -> float:
        """Processor time used so far, of the process and the kernel for it."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self, datagrams_sent: Mapping[str, int] | None = None) -> Ledger:
        """SIGTERM, exit code 0, and an account that is closed."""
        self.process.send_signal(signal.SIGTERM)
        return self.stopped(datagrams_sent)

    def stopped(self, datagrams_sent: Mapping[str, int] | None = None) -> Ledger:
        """Waits for the end of an agent that was told to stop."""
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"does not stop on SIGTERM:\n{self.said()}") from None
        expect(code == 0, f"exit code must be 0, got {code}:\n{self.said()}")
        ledger = Ledger(json.loads(self._ledger_file.read_text()))
        check_equations(ledger, datagrams_sent or {})
        return ledger


class Pushgateway(Troubled):
    """A real one without persistence: what it holds is gone with the process."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder / f"{name}.log")
        self._program = installed("prometheus-pushgateway")
        self.arguments: tuple[str, ...] = ()  # further ones of the program
        self.headers: dict[str, str] = {}  # of our own questions

    def start(self) -> None:
        """Returns when it answers."""
        self._log.unlink(missing_ok=True)
        self._server = Server(
            [self._program, "--persistence.file=", f"--web.listen-address=127.0.0.1:{self.port}",
             *self.arguments], self._log)
        self._server.wait_ready(self._find_port, "the gateway's port")
        self._server.wait_ready(lambda: self.get("/-/ready") is not None, "the gateway's answer")

    def _find_port(self) -> bool:
        assert self._server is not None
        found = re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)', self._server.said())
        if found:
            self.port = int(found[1])
        return found is not None

    def connection(self) -> http.client.HTTPConnection:
        """For a question of our own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)

    def get(self, path: str) -> str | None:
        """The body of a good answer; None when it is not reached."""
        connection = self.connection()
        try:
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if answer.status == 200 else None

    def group(self, instance: str) -> exposition.Group:
        """What it holds of one agent now; empty when it holds nothing or is not reached."""
        groups = exposition.read(self.get("/metrics") or "")
        return groups.get(instance, exposition.Group())


class Scene:
    """The folder and the processes of one test."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._started = 0

    def _name(self, kind: str) -> str:
        self._started += 1
        return f"{kind}{self._started}"

    def agent(self, settings: Settings, variables: Mapping[str, str] | None = None,
              sockets: Sequence[socket.socket] = ()) -> Agent:
        """Runs when this returns."""
        agent = Agent(self.folder, self._name("agent"), settings, variables, sockets)
        self._stack.callback(agent.kill)
        return agent

    def pushgateway(self) -> Pushgateway:
        """Answers when this returns."""
        gateway = Pushgateway(self.folder, self._name("gateway"))
        self._stack.callback(gateway.kill)
        gateway.start()
        return gateway

    def ends_with(self, end: Callable[[], object]) -> None:
        """Called when the test is over, for what is started elsewhere."""
        self._stack.callback(end)

    def socket(self, family: int, kind: int) -> socket.socket:
        """A client's, closed with the scene. What it waits for, it waits for until the
        usual deadline."""
        client = self._stack.enter_context(socket.socket(family, kind))
        client.settimeout(DEADLINE_S)
        return client

    def logs(self, lines_max: int = 40) -> str:
        """The ends of what all processes said, for whoever looks into a failure."""
        parts = []
        for log in sorted(self.folder.glob("*.log")):
            parts.append(f"--- {log.name}")
            parts += log.read_text(errors="replace").splitlines()[-lines_max:]
        return "\n".join(parts)


Test = Callable[[Scene], str]


def installed(program: str, package: str = "") -> str:
    """Its path; Skipped where it is missing. Debian's package is named as it, or `package`."""
    path = shutil.which(program)
    if path is None:
        raise Skipped(f"{program} is not installed (Debian's package {package or program})")
    return path


def binary() -> Path:
    """The agent that is tested."""
    return Path(VARIABLES.get("PITOT_BINARY", ROOT / "build" / "dev" / "pitot")) \
        .resolve()


def out_of_time(*_: object) -> NoReturn:
    """The handler of SIGALRM."""
    raise Failure("the file's tests take too long")


def run_test(test: Test) -> None:
    """One test in a scene of its own; prints what it showed, or why it failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pitot-") as folder, ExitStack() as stack:
        scene = Scene(Path(folder), stack)
        try:
            shown = test(scene)
        except Skipped:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, Failure) else traceback.format_exc()
            # The reason comes last: the end of a long output is what gets read.
            print(f"{scene.logs()}\nFAILED {test.__name__}: {reason}", flush=True)
            raise
    print(f"ok {test.__name__} ({time.monotonic() - started:.1f} s): {shown}", flush=True)


def main(*tests: Test, limit_s: int = FILE_LIMIT_S) -> NoReturn:
    """Runs the tests and exits: 0 when all passed, 1, or 77 when none could run."""
    if not binary().is_file():
        sys.exit(f"{binary()} is not built; PITOT_BINARY may name another")
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(limit_s)
    passed, failed, skipped = 0, 0, []
    for test in tests:
        try:
            run_test(test)
            passed += 1
        except Skipped as reason:
            print(f"skipped {test.__name__}: {reason}", flush=True)
            skipped.append(str(reason))
        except Exception:
            failed += 1
    signal.alarm(0)
    if skipped and not passed and not failed:
        print(f"skipped: {skipped[0]}")
        sys.exit(EXIT_SKIPPED)
    print(f"{passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)
