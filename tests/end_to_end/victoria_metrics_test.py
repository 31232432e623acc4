#!/usr/bin/env python3
"""The binary in front of a real VictoriaMetrics, by its InfluxDB paths of version 1 and 2:
every sample that is exported is what was sent, to the unit.
"""

from __future__ import annotations

import socket

from harness import Scene, expect, expect_equal, main, no_flush_by_itself, wait_until
from victoria_metrics_server import VictoriaMetrics

HOST = "web-1"
TARGETS: dict[str, dict[str, object]] = {
    "version1": {"database": "metrics"},
    "version2": {"org": "any", "bucket": "metrics", "token": "any"},
}
# Without blanks, commas or equals behind a backslash: VictoriaMetrics takes "\\" for one.
ODD_TAGS = ["a b", "a=b", 'say "hi"', "C:\\dir\\file", "é ü 🦊", "%2C", "{}[]()", "#hash"]
SERIES = 200


def started(scene: Scene, name: str = "victoria") -> VictoriaMetrics:
    """A server without data."""
    victoria = VictoriaMetrics(scene.folder, name)
    scene.ends_with(victoria.kill)
    victoria.start()
    return victoria


def test_both_paths(scene: Scene) -> str:
    """Each kind, with tags that need escaping."""
    compared = 0
    for name, target in TARGETS.items():
        victoria = started(scene, name)
        agent = scene.agent({
            **no_flush_by_itself(),
            "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": {"history": {"type": "influxdb", "url": victoria.url, "host_tag": "",
                                  "tags": {"host": HOST}, "events": False, **target}},
        })
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(agent.address("udp"))
        lines = [f"hits:{number}|c|#n:{number}" for number in range(SERIES)]
        lines += [f"odd:{number + 1}|g|#odd:{value}" for number, value in enumerate(ODD_TAGS)]
        lines += ["load:12:18:15|ms", "users:a|s", "users:b|s"]
        for line in lines:
            client.send(line.encode())
        ledger = agent.stop({"udp": len(lines)})
        sink = ledger.sinks["history"]
        expect_equal("lost points", sink["lost"], {})

        # It answers before it has indexed what it took.
        wait_until(lambda: len(victoria.series('{__name__="hits_total"}')) == SERIES,
                   f"{name}: all series of hits")
        hits = victoria.series('{__name__="hits_total"}')
        for labels, samples in hits:
            expect_equal(f"{name}: hits of {labels}", [value for _, value in samples],
                         [int(labels["n"])])
            expect_equal("labels that are added", (labels["host"], labels["metric_type"]),
                         (HOST, "counter"))
        expect_equal("all hits", victoria.sum('{__name__="hits_delta"}'),
                     sum(range(SERIES)))
        odd = {labels["odd"]: samples[0][1] for labels, samples in
               victoria.series('{__name__="odd_value"}')}
        expect_equal("odd tags", odd, {value: number + 1 for number, value in enumerate(ODD_TAGS)})
        for field, wanted in {"count": 3, "sum": 45, "min": 12, "max": 18, "p50": 15}.items():
            expect_equal(f"load_{field}", victoria.sum(f'{{__name__="load_{field}"}}'), wanted)
        expect_equal("users", victoria.sum('{__name__="users_unique"}'), 2)
        compared += sink["delivered"]
    return f"{compared} points by {' and '.join(TARGETS)}"


def test_server_killed(scene: Scene) -> str:
    """SIGKILL under way: what comes after that is there, and the account says what became of
    the rest."""
    victoria = started(scene)
    agent = scene.agent({
        "interval": "100ms",
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"history": {"type": "influxdb", "url": victoria.url, "database": "metrics",
                              "timeout": "1s"}},
    })
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("udp"))
    sent = 0

    def send_until_there() -> bool:
        nonlocal sent
        client.send(b"hits:1|c")
        sent += 1
        return victoria.sum('{__name__="hits_delta"}') > 0

    wait_until(send_until_there, "a first point")
    victoria.kill()
    for _ in range(1000):
        client.send(b"while.away:1|c")
    victoria.start()
    wait_until(lambda: victoria.sum('{__name__="while.away_delta"}') == 1000,
               "what was sent while it was away")
    sink = agent.stop({"udp": sent + 1000}).sinks["history"]
    expect_equal("lost points", sink["lost"], {})
    expect(sink["delivered"] >= 2, f"points must have arrived, got {sink}")
    return f"{sink['delivered']} points delivered"


if __name__ == "__main__":
    main(test_both_paths, test_server_killed)
