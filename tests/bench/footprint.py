#!/usr/bin/env python3
"""What the agent costs a host before it does anything: how long it takes to start, what
memory it holds while it is idle, how large its program is. With budgets.

    tests/bench/footprint.py build/release/pitot            a table
    tests/bench/footprint.py build/release/pitot --check    exit code 1 above a budget

Start is from the moment before the program is executed to the moment at which a datagram is
counted, with the default configuration: the datagram is sent as soon as port 8125 is bound,
and counted when it has left the socket's receive queue (/proc/net/udp), for the shard that
takes it out parses it before anything else. The account at the stop says that it was that
one line. Polling makes this time longer, never shorter.

Idle memory is what /proc/PID/status says once three intervals have been flushed and /metrics
has been read: the default configuration but for an interval of a fifth of a second. VmRSS
holds the pages of shared libraries too, which other processes use; RssAnon is ours alone.

Runs in a network namespace of its own, where the default ports are free.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))
import loopback_only  # noqa: E402

STATSD_PORT, METRICS_PORT = 8125, 9125
DEADLINE_S = 30.0
# Often enough for a figure in milliseconds, and little enough to leave the processors alone.
POLL_S = 0.0001
FLUSHES = 3
MIB = 1024 * 1024


@dataclass
class Figure:
    """One line of the table."""

    what: str
    unit: str
    values: list[float]
    budget: float | None = None

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.values)

    @property
    def is_over(self) -> bool:
        """Whether the median is above the budget."""
        return self.budget is not None and self.median > self.budget

    def line(self) -> str:
        """As it stands in the table."""
        budget = "" if self.budget is None else f"{self.budget:g}"
        verdict = "OVER" if self.is_over else ("ok" if budget else "")
        return (f"{self.what:<42}{self.median:>9.2f}{min(self.values):>9.2f}"
                f"{max(self.values):>9.2f} {self.unit:<4}{budget:>8} {verdict}").rstrip()


def until(what: str, fact: Callable[[], object], pause_s: float) -> None:
    """Waits for something that no process announces."""
    deadline = time.monotonic() + DEADLINE_S
    while not fact():
        if time.monotonic() > deadline:
            sys.exit(f"not within {DEADLINE_S:g} s: {what}")
        if pause_s:
            time.sleep(pause_s)  # lint: allow(sleep) another process announces nothing to us


class Agent:
    """`pitot run` without a file; its output is nobody's."""

    def __init__(self, binary: Path, folder: Path, *arguments: str) -> None:
        self.ledger = folder / "ledger"
        self.ledger.unlink(missing_ok=True)
        command = [str(binary), "run", "--ledger-file", str(self.ledger), *arguments]
        nowhere = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0)
                   for descriptor in (0, 1, 2)]
        self.started_s = time.perf_counter()
        self.pid = os.posix_spawn(command[0], command, os.environ, file_actions=nowhere)

    def stop(self) -> int:
        """SIGTERM; gives the lines that were counted."""
        os.kill(self.pid, signal.SIGTERM)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if status != 0:
            sys.exit(f"pitot ended with {status}")
        account = json.loads(self.ledger.read_text())
        lines = account["lines"]["accepted"]
        return int(lines)


def bound_sockets() -> list[int]:
    """The receive queues, in bytes, of all UDP sockets on the agent's port."""
    queues = []
    for row in Path("/proc/self/net/udp").read_text().splitlines()[1:]:
        fields = row.split()
        if int(fields[1].rsplit(":", 1)[1], 16) == STATSD_PORT:
            queues.append(int(fields[4].split(":")[1], 16))
    return queues


@dataclass
class Start:
    """In milliseconds."""

    took: float  # from before the execution to the first datagram counted
    processor: float  # used until then, by all threads
    waited: float  # for a processor until then, by the thread that starts all others


def start(binary: Path, folder: Path) -> Start:
    """One start, measured."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", STATSD_PORT))
        agent = Agent(binary, folder)

        def is_taken() -> bool:
            # Over loopback the refusal of an unbound port is there when send() returns.
            try:
                client.send(b"start:1|c")
            except ConnectionRefusedError:
                return False
            return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

        until("a bound port", is_taken, POLL_S)
        until("a counted datagram", lambda: sum(bound_sockets()) == 0, POLL_S)
        took_ms = (time.perf_counter() - agent.started_s) * 1e3
        # Of each thread: nanoseconds on a processor, and waiting for one.
        stats = {task.name: [int(field) / 1e6 for field in
                             (task / "schedstat").read_text().split()[:2]]
                 for task in Path(f"/proc/{agent.pid}/task").iterdir()}
        lines = agent.stop()
        if lines != 1:
            sys.exit(f"one line was sent, and {lines} were counted")
        return Start(took_ms, sum(ran for ran, _ in stats.values()), stats[str(agent.pid)][1])


def flushes_on_page() -> int:
    """How many the agent tells of; 0 while there is no page."""
    connection = http.client.HTTPConnection("127.0.0.1", METRICS_PORT, timeout=DEADLINE_S)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    except OSError:
        return 0
    finally:
        connection.close()
    found = re.search(r"^pitot_flushes_total (\d+)", page, re.MULTILINE)
    return int(found[1]) if found else 0


def idle_memory_mib(binary: Path, folder: Path) -> dict[str, float]:
    """VmRSS and its parts."""
    agent = Agent(binary, folder, "--set", 'interval="200ms"')
    until("some flushes", lambda: flushes_on_page() >= FLUSHES, 0.02)
    status = Path(f"/proc/{agent.pid}/status").read_text()
    agent.stop()
    return {name: int(size) / 1024
            for name, size in re.findall(r"^(VmRSS|RssAnon|RssFile):\s+(\d+) kB", status, re.M)}


def stripped_mib(binary: Path, folder: Path) -> float:
    """The program as a package ships it."""
    stripped = folder / "stripped"
    subprocess.run(["strip", "-o", str(stripped), str(binary)], check=True)
    return stripped.stat().st_size / MIB


def measure(binary: Path, rounds: int) -> list[Figure]:
    """All figures, in the order of the table."""
    with tempfile.TemporaryDirectory(prefix="pitot-") as name:
        folder = Path(name)
        program = folder / "pitot"
        if shutil.which("strip") is None:
            sys.exit("strip (binutils) is not installed")
        size = stripped_mib(binary, folder)
        # What is measured is what is shipped, at a path that no build touches meanwhile.
        shutil.copy(folder / "stripped", program)
        starts = [start(program, folder) for _ in range(rounds)]
        memory = [idle_memory_mib(program, folder) for _ in range(rounds)]
    return [
        Figure("start to first datagram counted", "ms", [each.took for each in starts], 10),
        Figure("  of it waiting for a processor", "ms", [each.waited for each in starts]),
        Figure("  processor time until then", "ms", [each.processor for each in starts]),
        Figure("idle memory: VmRSS", "MiB", [each["VmRSS"] for each in memory], 10),
        Figure("  of it our own: RssAnon", "MiB", [each["RssAnon"] for each in memory]),
        Figure("  of it files, shared or not: RssFile", "MiB",
               [each["RssFile"] for each in memory]),
        Figure("program, stripped", "MiB", [size], 8),
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Start, idle memory and size of pitot.")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--check", action="store_true", help="exit code 1 above a budget")
    arguments = parser.parse_args()
    loopback_only.enter()
    figures = measure(arguments.binary.resolve(), arguments.rounds)
    print(f"{'':<42}{'median':>9}{'least':>9}{'most':>9}     {'budget':>8}")
    for figure in figures:
        print(figure.line())
    if arguments.check and any(figure.is_over for figure in figures):
        sys.exit("above budget")


if __name__ == "__main__":
    main()
