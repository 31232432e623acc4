#!/usr/bin/env python3
"""Stopping the agent loses nothing: a hundred times a known sum is sent, the agent is told
to stop right after the last send, and the exact sum must be at the Pushgateway.

The interval is longer than a round, so what arrives is what the stop flushed; over all
rounds a few flushes fall due by themselves, which then must not count anything twice.
Transports take turns. Nothing tells a client of a datagram or a stream when its bytes have
been read: with the signal they are still in the socket, and have to be drained. And senders
who do not stop cannot hold the agent: what it accepted until then arrives.
"""

from __future__ import annotations

import random
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import (DEADLINE_S, Agent, Pushgateway, Scene, Server, binary, expect, expect_equal,
                     main, wait_until)

ROUNDS = 100
TRANSPORTS = ("udp", "tcp", "unix", "unix-stream")
DATAGRAM_BYTES_MAX = 1400


def settings(scene: Scene, gateway: Pushgateway, instance: str) -> dict[str, object]:
    """One listener of each kind, and two shards, so that their tables must be merged."""
    return {
        "interval": "10s",
        "shards": 2,
        "listeners": {
            "udp": {"type": "udp", "address": "127.0.0.1:0"},
            "tcp": {"type": "tcp", "address": "127.0.0.1:0"},
            "unix": {"type": "unix", "path": str(scene.folder / "d.sock")},
            "unix-stream": {"type": "unix-stream", "path": str(scene.folder / "s.sock")},
        },
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": instance}},
    }


def connect(scene: Scene, agent: Agent, transport: str) -> socket.socket:
    """A client's socket, connected to the listener of this name."""
    is_unix = transport.startswith("unix")
    kind = socket.SOCK_DGRAM if transport in ("udp", "unix") else socket.SOCK_STREAM
    client = scene.socket(socket.AF_UNIX if is_unix else socket.AF_INET, kind)
    client.connect(agent.path(transport) if is_unix else agent.address(transport))
    return client


def datagrams(lines: list[str]) -> list[bytes]:
    """The lines in as few datagrams as clients would use."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= DATAGRAM_BYTES_MAX:
            packed[-1] += "\n" + line
        else:
            packed.append(line)
    return [text.encode() for text in packed]


def send(scene: Scene, agent: Agent, transport: str, lines: list[str]) -> dict[str, int]:
    """Everything at once, over one socket; returns the number of datagrams by listener.

    Streams stay open: the agent cannot wait for their end.
    """
    client = connect(scene, agent, transport)
    if transport in ("udp", "unix"):
        packed = datagrams(lines)
        for datagram in packed:
            client.send(datagram)
        return {transport: len(packed)}
    client.sendall("".join(line + "\n" for line in lines).encode())
    return {}


def one_round(scene: Scene, gateway: Pushgateway, number: int) -> int:
    """Start, send, stop, compare; returns the sum."""
    chance = random.Random(number)
    counts = [chance.randint(1, 1000) for _ in range(200)]
    timings = [chance.randint(1, 5000) for _ in range(100)]
    lines = [f"orders:{count}|c|#lane:{count % 3}" for count in counts]
    lines += [f"checkout:{timing}|ms" for timing in timings]
    lines.append(f"round:{number}|g")

    instance = f"round-{number}"
    agent = scene.agent(settings(scene, gateway, instance))
    sent = send(scene, agent, TRANSPORTS[number % len(TRANSPORTS)], lines)
    ledger = agent.stop(sent)

    where = f"round {number}"
    expect_equal(f"{where}: lines", ledger.accepted, len(lines))
    group = gateway.group(instance)
    for lane in range(3):
        expect_equal(f"{where}: orders on lane {lane}",
                     group.value("orders_total", lane=str(lane)),
                     sum(count for count in counts if count % 3 == lane))
    expect_equal(f"{where}: timings", group.value("checkout_seconds_count"), len(timings))
    expect_equal(f"{where}: their sum", group.value("checkout_seconds_sum"), sum(timings) / 1000)
    expect_equal(f"{where}: gauge", group.value("round"), number)
    return sum(counts)


def test_stop_in_mid_interval(scene: Scene) -> str:
    """The hundred rounds, against one gateway."""
    gateway = scene.pushgateway()
    total = sum(one_round(scene, gateway, number) for number in range(ROUNDS))
    return (f"{ROUNDS} stops in mid-interval over {', '.join(TRANSPORTS)}: "
            f"each of the {ROUNDS} sums, {total} together, is at the gateway")


@contextmanager
def senders_without_end(clients: list[socket.socket], payload: bytes) -> Iterator[None]:
    """Each sends as fast as it can, until its socket is closed to it or this ends."""
    over = threading.Event()

    def send_on(client: socket.socket) -> None:
        try:
            while not over.is_set():
                client.sendall(payload)
        except OSError:
            return  # the agent is gone

    threads = [threading.Thread(target=send_on, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.close()
        for thread in threads:
            thread.join()


def test_stop_among_senders(scene: Scene) -> str:
    """Over each transport a sender goes on through the stop. There is no saying where they
    are cut off, at most each stream within a line, but what the account calls accepted is
    what the gateway has."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings(scene, gateway, "flooded"))
    clients = [connect(scene, agent, transport) for transport in TRANSPORTS]
    with senders_without_end(clients, b"flood:1|c\n" * 100):
        wait_until(lambda: agent.cpu_s() > 0.2, "work for the agent")
        ledger = agent.stop()
    streams = sum(client.type == socket.SOCK_STREAM for client in clients)
    expect(sum(ledger.rejected.values()) <= streams,
           f"only what is cut off may be refused, got {ledger.rejected}")
    expect(ledger.accepted > 0, "lines must have been accepted")
    expect_equal("the total at the gateway", gateway.group("flooded").value("flood_total"),
                 ledger.accepted)
    return f"{ledger.accepted} lines accepted until the stop, and as many at the gateway"


def test_terminal_closed_while_stopping(scene: Scene) -> str:
    """SIGHUP between SIGTERM and the end neither ends the agent nor its account."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings(scene, gateway, "closed"))
    client = connect(scene, agent, "udp")
    client.send(b"late:1|c")
    gateway.pause()
    agent.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping on SIGTERM" in agent.said(), "the stop to begin")
    agent.process.send_signal(signal.SIGHUP)
    gateway.resume()
    ledger = agent.stopped()
    expect_equal("accepted lines", ledger.accepted, 1)
    expect_equal("the total at the gateway", gateway.group("closed").value("late_total"), 1)
    return "SIGHUP while stopping: the point is delivered, the account closed"


def test_without_standard_descriptors(scene: Scene) -> str:
    """Started without standard input, output and error: their numbers are nobody else's."""
    ready = scene.folder / "bare.ready"
    command = [str(binary()), "run", "--set", 'http.address="127.0.0.1:0"', "--set",
               'listeners.udp={type="udp",address="127.0.0.1:0"}', "--set",
               'sinks.out.type="console"', "--ready-file", str(ready)]
    agent = Server(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command],
                   scene.folder / "bare.log")
    scene.ends_with(agent.kill)
    agent.wait_ready(ready.exists, "readiness")
    descriptors = Path(f"/proc/{agent.process.pid}/fd")
    for number in range(3):
        expect_equal(f"descriptor {number}", str((descriptors / str(number)).readlink()),
                     "/dev/null")
    agent.process.terminate()
    expect_equal("the exit code", agent.process.wait(DEADLINE_S), 0)
    return "0, 1 and 2 lead to /dev/null"


if __name__ == "__main__":
    main(test_stop_in_mid_interval, test_stop_among_senders,
         test_terminal_closed_while_stopping, test_without_standard_descriptors)
