#!/usr/bin/env python3
"""A steady 200,000 lines a second on two shards: nothing is lost, the account is closed, and
every sum at the Pushgateway is exact.

    tests/end_to_end/load_test.py [--seconds 60] [--lines-per-second 200000]

1,000 series of all kinds come in datagrams of 1,400 bytes from several sockets, so that the
kernel feeds both shards, and most series live in both and have to be merged. The sender
keeps to a schedule whatever the agent does and reports its own lateness: on a machine that
is busy with other things it may be the sender that falls behind.
"""

from __future__ import annotations

import argparse
import socket

from harness import Scene, expect, expect_equal, main
from traffic import PacedSender, Source, expected, mixed_lines, pack

SERIES = 1000
# That all of them land on one shard has a chance of 2 to the power of -15.
SOURCES = 16
LINES_PER_CYCLE = 4000


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="a steady load, and exact sums")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--lines-per-second", type=float, default=200_000)
    return parser.parse_args()


def load(scene: Scene, lines_per_s: float, seconds: float) -> str:
    """The load, a stop right after the last datagram, and the comparison."""
    gateway = scene.pushgateway()
    agent = scene.agent({
        "interval": "1s",
        "shards": 2,
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": "load"}},
    })
    agent.require_receive_buffer()

    sources = []
    for number in range(SOURCES):
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(agent.address("udp"))
        lines = mixed_lines(number, SOURCES, LINES_PER_CYCLE, SERIES)
        sources.append(Source(client.send, pack(lines)))
    with PacedSender(sources, lines_per_s, seconds) as sender:
        sender.join()
    cpu_s = agent.cpu_s()
    ledger = agent.stop({"udp": sum(source.sent for source in sources)})

    expect_equal("kernel drops", ledger.kernel_drops, 0)
    expect_equal("accepted lines", ledger.accepted, sender.lines_sent())
    expect(ledger.series["rows"] > ledger.series["alive"],
           f"both shards must have had work, got {ledger.series}")
    expect_equal("lost points", ledger.sinks["push"]["lost"], {})
    compared = expected(sources).compare(gateway.group("load"))
    return (f"{sender.report()}; {ledger.series['alive']} series, {compared} values exact; "
            f"{cpu_s / ledger.lines * 1e9:.0f} ns of processor time a line")


if __name__ == "__main__":
    arguments = parse_arguments()

    def test_steady_load(scene: Scene) -> str:
        """As the command line says."""
        return load(scene, arguments.lines_per_second, arguments.seconds)

    main(test_steady_load, limit_s=int(arguments.seconds) + 120)
