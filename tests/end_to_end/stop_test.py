#!/usr/bin/env python3
"""Stopping the agent loses nothing: a hundred times a known sum is sent, the agent is told
to stop right after the last send, and the exact sum must be at the Pushgateway.

The interval is longer than a round, so what arrives is what the stop flushed; over all
rounds a few flushes fall due by themselves, which then must not count anything twice.
Transports take turns. Nothing tells a client of a datagram or a stream when its bytes have
been read: with the signal they are still in the socket, and have to be drained.
"""

from __future__ import annotations

import random
import socket

from harness import Agent, Pushgateway, Scene, expect_equal, main

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
    if transport in ("udp", "unix"):
        family = socket.AF_INET if transport == "udp" else socket.AF_UNIX
        target = agent.address("udp") if transport == "udp" else agent.path("unix")
        client = scene.socket(family, socket.SOCK_DGRAM)
        packed = datagrams(lines)
        for datagram in packed:
            client.sendto(datagram, target)
        return {transport: len(packed)}
    family = socket.AF_INET if transport == "tcp" else socket.AF_UNIX
    client = scene.socket(family, socket.SOCK_STREAM)
    client.connect(agent.address("tcp") if transport == "tcp" else agent.path("unix-stream"))
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


if __name__ == "__main__":
    main(test_stop_in_mid_interval)
