#!/usr/bin/env python3
"""Trouble at the destination stays there: under a steady load the Pushgateway is killed and
comes back empty, or hangs and goes on; intake is untouched, flushes keep their time, every
point that did not arrive is accounted for, and in the end every sum is exact, because what
is pushed is the state since the start.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from harness import Ledger, Pushgateway, Scene, expect, expect_equal, main, wait_until
from traffic import SERIES_PREFIX, PacedSender, Source, expected, mixed_lines, pack

LINES_PER_S = 20_000
INTERVAL_S = 0.5
# An attempt to push is given up after this. A flush that waited for one would be as late;
# half of that is far more than a busy machine delays one.
ATTEMPT_S = 2
LATE_S_MAX = ATTEMPT_S / 2
# How long the gateway is away: several intervals and several attempts. In lines, since the
# sender keeps the time.
OUTAGE_LINES = 3 * LINES_PER_S
# The sender's own bound. Trials to reach the gateway may by then be half a minute apart.
SECONDS_MAX = 90
SERIES = 300
SOURCES = 4
LINES_PER_CYCLE = 2000
# Of the counters alone, which are a good third of all lines.
HITS = f"{SERIES_PREFIX}_hits_total"


def outage(scene: Scene, begin: Callable[[Pushgateway], None],
           end: Callable[[Pushgateway], None]) -> tuple[str, Ledger]:
    """Load before, during and after an outage; returns a report and the account."""
    gateway = scene.pushgateway()
    agent = scene.agent({
        "interval": f"{INTERVAL_S:g}s",
        "shards": 2,
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": "outage",
                           "timeout": f"{ATTEMPT_S}s"}},
    })
    agent.require_receive_buffer()
    sources = []
    for number in range(SOURCES):
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(agent.address("udp"))
        lines = mixed_lines(number, SOURCES, LINES_PER_CYCLE, SERIES)
        sources.append(Source(client.send, pack(lines)))

    with PacedSender(sources, LINES_PER_S, SECONDS_MAX) as sender:
        wait_until(lambda: gateway.group("outage").sum(HITS) > 0, "a first push")
        began_at = sender.lines_sent()
        begin(gateway)
        wait_until(lambda: sender.lines_sent() > began_at + OUTAGE_LINES, "the outage's length")
        hits_before_end = sum(expected(sources).counters.values())
        end(gateway)
        wait_until(lambda: gateway.group("outage").sum(HITS) >= hits_before_end,
                   "a push of all that came in during the outage", SECONDS_MAX / 2)
        sender.stop()
    ledger = agent.stop({"udp": sum(source.sent for source in sources)})

    expect_equal("kernel drops", ledger.kernel_drops, 0)
    expect_equal("accepted lines", ledger.accepted, sender.lines_sent())
    expect_steady_flushes(ledger, sender.elapsed_s)
    compared = expected(sources).compare(gateway.group("outage"))
    return f"{sender.report()}; {compared} values exact", ledger


def expect_steady_flushes(ledger: Ledger, elapsed_s: float) -> None:
    """One for each interval, and none that waited for the destination."""
    wanted = int(elapsed_s / INTERVAL_S) - 1
    expect(ledger.flush["flushes"] >= wanted, f"{wanted} flushes must be, got {ledger.flush}")
    expect(ledger.flush["late_s_max"] < LATE_S_MAX, f"a flush must not wait: {ledger.flush}")
    expect_equal("shards that did not answer a flush", ledger.flush["silent_shards"], 0)


def describe(ledger: Ledger) -> str:
    """What became of the points."""
    sink = ledger.sinks["push"]
    return (f"{sink['offered']} points offered, {sink['delivered']} delivered, "
            f"{sink['superseded']} superseded, lost {sink['lost'] or 0}")


def test_gateway_killed(scene: Scene) -> str:
    """SIGKILL, and a new one without any data."""
    report, ledger = outage(scene, Pushgateway.kill, Pushgateway.start)
    sink = ledger.sinks["push"]
    expect(sink["superseded"] > 0, f"newer states must have replaced older ones, got {sink}")
    expect_equal("lost points", sink["lost"], {})
    return f"{report}; {describe(ledger)}"


def test_gateway_hangs(scene: Scene) -> str:
    """SIGSTOP: connections are accepted by the kernel, and nobody answers."""
    report, ledger = outage(scene, Pushgateway.pause, Pushgateway.resume)
    sink = ledger.sinks["push"]
    expect(sink["superseded"] > 0, f"newer states must have replaced older ones, got {sink}")
    expect_equal("lost points", sink["lost"], {})
    return f"{report}; {describe(ledger)}"


def test_stop_while_gateway_is_away(scene: Scene) -> str:
    """Nobody waits for ever: after the deadline the agent ends, and says what it lost."""
    outcomes = []
    for trouble in (Pushgateway.pause, Pushgateway.kill):
        gateway = scene.pushgateway()
        agent = scene.agent({
            "interval": "10s",
            "shutdown_deadline": "1s",
            "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": {"push": {"type": "pushgateway", "url": gateway.url}},
        })
        trouble(gateway)
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(b"late:1|c\nlevel:2|g\ntime:3|ms", agent.address("udp"))
        ledger = agent.stop({"udp": 1})
        sink = ledger.sinks["push"]
        expect_equal("lost points", sink["lost"], {"shutdown": 3})
        outcomes.append(sink.get("last_error", "no answer"))
    return f"3 points lost to the stop each time, after: {'; '.join(outcomes)}"


if __name__ == "__main__":
    main(test_gateway_killed, test_gateway_hangs, test_stop_while_gateway_is_away)
