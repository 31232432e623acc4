#!/usr/bin/env python3
"""The agent under a service manager: what it is told through its socket, the sockets it is
handed, and what happens to datagrams while it restarts. The manager is played by this test,
with systemd's protocols.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import (ROOT, Agent, Scene, Skipped, binary, expect, expect_equal, main,
                     wait_until)

WATCHDOG_S = 2
EXPOSURE_TENTHS_MAX = 15  # as systemd-analyze counts: 0 is nothing, 100 all


def readable(each: socket.socket) -> bool:
    """Whether something waits to be read from the socket."""
    return bool(select.select([each], [], [], 0)[0])


class Manager:
    """The receiving end of the notification protocol."""

    def __init__(self, scene: Scene) -> None:
        self.path = scene.folder / "notify.sock"
        self._socket = scene.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))

    def next(self) -> dict[str, str]:
        """The next message, waited for."""
        text = self._socket.recv(65536).decode()
        return dict(line.split("=", 1) for line in text.split("\n"))

    def wait_for(self, name: str) -> dict[str, str]:
        """The next message that has this variable."""
        while name not in (message := self.next()):
            pass
        return message

    def empty(self) -> None:
        """Reads what waits."""
        while readable(self._socket):
            self._socket.recv(65536)

    def is_silent_for(self, seconds: float) -> bool:
        """Whether nothing comes in that time."""
        return not select.select([self._socket], [], [], seconds)[0]

    def variables(self, watchdog_s: float | None = None) -> dict[str, str]:
        """What the service finds in its environment."""
        found = {"NOTIFY_SOCKET": str(self.path)}
        if watchdog_s is not None:
            found["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        return found


def bound(scene: Scene, family: int, kind: int, address: object) -> socket.socket:
    """A socket as a manager opens it."""
    opened = scene.socket(family, kind)
    opened.bind(address)
    if kind == socket.SOCK_STREAM:
        opened.listen()
    return opened


def test_told_in_order(scene: Scene) -> str:
    """READY when lines are counted, STATUS and WATCHDOG meanwhile, STOPPING at the end."""
    manager = Manager(scene)
    agent = scene.agent({"listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
                         "sinks": {"out": {"type": "console"}}},
                        manager.variables(WATCHDOG_S))
    ready = manager.next()
    expect_equal("the first message", ready["READY"], "1")
    fed = [manager.wait_for("WATCHDOG") for _ in range(3)]
    expect("out: " in fed[-1]["STATUS"], f"the status must name the sinks, got {fed[-1]}")
    agent.process.send_signal(signal.SIGTERM)
    stopping = manager.wait_for("STOPPING")
    expect(int(stopping["EXTEND_TIMEOUT_USEC"]) >= 5_000_000,
           f"the stop may take its deadline, got {stopping}")
    agent.stopped()
    return f"READY, then WATCHDOG with `{fed[-1]['STATUS']}`, then STOPPING"


_libc = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000  # waitpid(): threads too


def ptrace(request: int, thread: int) -> None:
    """One that has no operands."""
    if _libc.ptrace(request, thread, None, None) != 0:
        raise Skipped(f"ptrace: {os.strerror(ctypes.get_errno())}")


@contextmanager
def held(agent: Agent, name: str) -> Iterator[None]:
    """The one thread of this name does not get on; all others do."""
    tasks = Path(f"/proc/{agent.process.pid}/task")
    found = [int(task.name) for task in tasks.iterdir()
             if (task / "comm").read_text().strip() == name]
    expect_equal(f"threads named {name}", len(found), 1)
    ptrace(_PTRACE_SEIZE, found[0])
    ptrace(_PTRACE_INTERRUPT, found[0])
    os.waitpid(found[0], _WALL)
    try:
        yield
    finally:
        ptrace(_PTRACE_DETACH, found[0])


def test_watchdog_is_not_a_timer(scene: Scene) -> str:
    """One thread that is stuck is enough: the watchdog hears nothing more, the log says which
    one it is, and all is well when it goes on."""
    manager = Manager(scene)
    agent = scene.agent({"shards": 2, "listeners": {"udp": {"type": "udp",
                                                            "address": "127.0.0.1:0"}}},
                        manager.variables(WATCHDOG_S))
    loops = {"pitot-shard-0": "shard 0", "pitot-shard-1": "shard 1", "pitot-flush": "flush",
             "pitot-sinks": "delivery"}
    for thread, loop in loops.items():
        with held(agent, thread):
            wait_until(lambda stuck=loop: f"'{stuck}' has not answered for" in agent.said(),
                       f"the log to name {loop}")
            manager.empty()
            # Two looks later still nothing: what was said before has been read.
            expect(manager.is_silent_for(WATCHDOG_S / 2), f"{loop} is stuck, yet all is well")
        manager.wait_for("WATCHDOG")
    agent.stop()
    return f"stuck and noticed, each alone: {', '.join(loops.values())}"


def test_sockets_of_every_kind(scene: Scene) -> str:
    """Seven sockets without any listener configured: each becomes one, and is read."""
    folder = scene.folder
    inet, inet6, unix = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
    passed = [bound(scene, inet, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
              bound(scene, inet6, socket.SOCK_DGRAM, ("::1", 0)),
              bound(scene, inet, socket.SOCK_STREAM, ("127.0.0.1", 0)),
              bound(scene, inet6, socket.SOCK_STREAM, ("::1", 0)),
              bound(scene, unix, socket.SOCK_DGRAM, str(folder / "d.sock")),
              bound(scene, unix, socket.SOCK_STREAM, str(folder / "s.sock")),
              bound(scene, unix, socket.SOCK_DGRAM, f"\0{folder}/abstract")]
    gateway = scene.pushgateway()
    agent = scene.agent({"sinks": {"push": {"type": "pushgateway", "url": gateway.url,
                                            "instance": "passed"}}},
                        {"LISTEN_FDNAMES": ":".join(["pitot.socket"] * len(passed))}, passed)
    for listening in passed:
        kind = listening.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        client = scene.socket(listening.family, kind)
        client.connect(listening.getsockname())
        client.sendall(b"passed:1|c\n")
        if kind == socket.SOCK_STREAM:
            client.close()
    # Nothing is told to the sender of a datagram; what the stop reads is what was sent.
    wait_until(lambda: not any(readable(each) for each in passed), "all sockets read")
    ledger = agent.stop()
    expect_equal("listeners", len(ledger.listeners), len(passed))
    expect_equal("accepted lines", ledger.accepted, len(passed))
    expect_equal("the sum", gateway.group("passed").value("passed_total"), len(passed))
    return f"{len(passed)} sockets: {', '.join(sorted(ledger.listeners))}"


def test_nothing_is_lost_over_a_restart(scene: Scene) -> str:
    """Datagrams sent while no agent runs are read by the next one."""
    held = bound(scene, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    gateway = scene.pushgateway()
    settings = {"listeners": {"apps": {"type": "udp", "address": "127.0.0.1:8125"}},
                "sinks": {"push": {"type": "pushgateway", "url": gateway.url,
                                   "instance": "restarted"}}}
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(held.getsockname())
    rounds, each = 5, 100
    accepted = []
    for _ in range(rounds):
        for _ in range(each):
            client.send(b"kept:1|c")
        agent = scene.agent(settings, {"LISTEN_FDNAMES": "apps"}, [held])
        expect_equal("where it listens", agent.address("apps"), held.getsockname())
        wait_until(lambda: not readable(held), "the queue read")
        accepted.append(agent.stop().accepted)
    expect_equal("accepted lines by round", accepted, [each] * rounds)
    return f"{rounds} restarts, {each} datagrams sent before each, all read"


def test_socket_nobody_reads(scene: Scene) -> str:
    """A start-up error that names the socket, not a socket that swallows what it gets."""
    held = bound(scene, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    said = ""
    try:
        scene.agent({"listeners": {"apps": {"type": "udp", "address": "127.0.0.1:0"}}},
                    {"LISTEN_FDNAMES": "web"}, [held])
    except AssertionError as failure:
        said = str(failure)
    expect(re.search(r'the socket 127\.0\.0\.1:\d+ \(.*web.*\) belongs to no listener', said),
           f"the start must fail with the socket's name, got {said}")
    return "refused at start, by name"


def test_units(scene: Scene) -> str:
    """systemd finds no fault with the shipped units, and little that is left open."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        raise Skipped("systemd-analyze is not installed")
    for unit in ("pitot.service", "pitot.socket"):
        text = (ROOT / "systemd" / unit).read_text().replace("/usr/bin/pitot", str(binary()))
        (scene.folder / unit).write_text(text)
    checked = subprocess.run([analyze, "verify", "--man=no", str(scene.folder / "pitot.service"),
                              str(scene.folder / "pitot.socket")],
                             capture_output=True, text=True, check=False)
    own = [line for line in checked.stderr.splitlines() if "pitot" in line]
    expect_equal("complaints of systemd-analyze verify", own, [])
    rated = subprocess.run([analyze, "security", "--offline=true",
                            f"--threshold={EXPOSURE_TENTHS_MAX}",
                            str(scene.folder / "pitot.service")],
                           capture_output=True, text=True, check=False)
    verdict = rated.stdout.strip().splitlines()[-1:]
    expect(rated.returncode == 0 and verdict, f"too much is left open: {verdict}{rated.stderr}")
    return f"{verdict[0].split(': ')[-1]} is left open"


if __name__ == "__main__":
    main(test_told_in_order, test_watchdog_is_not_a_timer, test_sockets_of_every_kind,
         test_nothing_is_lost_over_a_restart, test_socket_nobody_reads, test_units)
