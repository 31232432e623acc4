#!/usr/bin/env python3
"""Real client libraries fill a real Pushgateway through the agent, and what it then holds
equals what was called, to the unit.

Clients are those of PyPI (`datadog`, `statsd`), npm (`hot-shots`) and Go (`datadog-go`), in
the ways their users run them: over UDP, TCP and both Unix sockets, sending each call at
once, buffering, and aggregating on their side. What they are told to call, and what that
adds up to, is in clients/workload.py; how they are installed in clients/install.py.

Clients report on themselves through the same socket; their series are under names of their
own and disturb nothing. A client that cannot be installed fails the test in CI (CI=true) and
is left out elsewhere, with a word about it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from clients import install, workload
from clients.workload import Call, Features
from harness import (Agent, Failure, Pushgateway, Scene, Skipped, expect, expect_equal, main,
                     no_flush_by_itself, wait_until)

CLIENT_LIMIT_S = 60
# The first time, all clients are installed, and one is compiled.
FILE_LIMIT_S = 900

PLAIN_STATSD = Features(tags=False, types=("timing",), gauge_delta=True, sampled=True,
                        dogstatsd=False)


@dataclass(frozen=True)
class Case:
    """A client in one of its modes, over one transport."""

    client: str
    transport: str
    mode: str
    features: Features
    options: dict[str, Any] = field(default_factory=dict)
    # Listeners have the name of their transport, and "statsd-" before it where plain
    # StatsD is spoken.
    listener: str = ""

    def title(self) -> str:
        """For people."""
        return f"{self.client} over {self.transport}, {self.mode}"

    def prefix(self) -> str:
        """Of the names of its series."""
        return "_".join((self.client, self.transport, self.mode)).replace("-", "_") \
            .replace(" ", "_")


def datadog_python_cases() -> list[Case]:
    """PyPI: datadog."""
    every, aggregated = Features(sampled=True, unicode=True), Features(unicode=True)
    both = {"buffering": True, "aggregation": True}
    return [
        Case("datadog", "udp", "one by one", every),
        Case("datadog", "udp", "buffered", every, {"buffering": True}),
        Case("datadog", "udp", "aggregated", aggregated, both),
        Case("datadog", "unix", "buffered", every, {"buffering": True}),
        Case("datadog", "unix", "thinned out", aggregated, {**both, "samples_max": 8}),
        Case("datadog", "unix-stream", "one by one", every),
        Case("datadog", "unix-stream", "aggregated", aggregated, both),
    ]


def statsd_python_cases() -> list[Case]:
    """PyPI: statsd."""
    return [Case("statsd", transport, mode, PLAIN_STATSD, {"pipeline": mode == "pipeline"},
                 f"statsd-{transport}")
            for transport in ("udp", "tcp", "unix-stream")
            for mode in ("one by one", "pipeline")]


def hot_shots_cases() -> list[Case]:
    """npm: hot-shots. Sends ASCII only over TCP."""
    ascii_only, every = Features(sampled=True), Features(sampled=True, unicode=True)
    buffered = {"maxBufferSize": 1400}
    aggregated = {**buffered, "aggregation": True}
    cases = [
        Case("hot-shots", "udp", "one by one", every),
        Case("hot-shots", "udp", "buffered", every, buffered),
        Case("hot-shots", "udp", "aggregated", every, aggregated),
        Case("hot-shots", "tcp", "one by one", ascii_only),
        Case("hot-shots", "tcp", "aggregated", ascii_only, aggregated),
        Case("hot-shots", "unix-stream", "buffered", every, buffered),
        Case("hot-shots", "unix", "one by one", every),
        Case("hot-shots", "unix", "aggregated", every, aggregated),
    ]
    if install.node_has_unix_datagrams():
        return cases
    print("hot-shots over unix: left out, its module unix-dgram cannot be compiled here")
    return [case for case in cases if case.transport != "unix"]


def datadog_go_cases() -> list[Case]:
    """Go: datadog-go. Its chances cannot be foretold, so nothing is sampled."""
    every = Features(unicode=True)
    extended = {"aggregation": "extended"}
    return [
        Case("datadog-go", "udp", "aggregated", every),
        Case("datadog-go", "udp", "one by one", every, {"aggregation": "off"}),
        Case("datadog-go", "udp", "extended", every, extended),
        Case("datadog-go", "unix", "aggregated", every),
        Case("datadog-go", "unix", "thinned out", every, {**extended, "samples_max": 8}),
        Case("datadog-go", "unix-stream", "aggregated", every),
        Case("datadog-go", "unix-stream", "extended", every, extended),
    ]


def listeners(scene: Scene) -> dict[str, dict[str, str]]:
    """One of each kind for DogStatsD, and for plain StatsD those that it is sent to."""
    network = {"address": "127.0.0.1:0"}
    all_of_them = {
        "udp": {"type": "udp", **network},
        "tcp": {"type": "tcp", **network},
        "unix": {"type": "unix", "path": str(scene.folder / "d.sock")},
        "unix-stream": {"type": "unix-stream", "path": str(scene.folder / "s.sock")},
    }
    for name in ("udp", "tcp", "unix-stream"):
        plain = {**all_of_them[name], "dialect": "statsd"}
        if "path" in plain:
            plain["path"] = str(scene.folder / "plain.sock")
        all_of_them[f"statsd-{name}"] = plain
    return all_of_them


def start(scene: Scene, gateway: Pushgateway, **timing: str) -> Agent:
    """An agent with all listeners and two shards that pushes as instance "clients"."""
    return scene.agent({
        **timing, "shards": 2, "listeners": listeners(scene),
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": "clients"}}})


def run_client(command: list[str], agent: Agent, case: Case, calls: list[Call]) -> None:
    """Until it has sent everything and ended well."""
    listener = case.listener or case.transport
    is_unix = case.transport.startswith("unix")
    job = {"transport": case.transport,
           "address": agent.path(listener) if is_unix else agent.address(listener),
           "options": case.options,
           "chances": workload.CHANCES,
           "timestamp": workload.TIMESTAMP,
           "calls": [asdict(call) for call in calls]}
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("DD_", "DATADOG_"))}
    done = subprocess.run(command, input=json.dumps(job), env=environment, capture_output=True,
                          text=True, timeout=CLIENT_LIMIT_S, check=False)
    expect(done.returncode == 0, f"{case.title()}: the client failed:\n{done.stdout}{done.stderr}")


def of_client(get: Any) -> Any:
    """What an install function gives; skips where it cannot, but not in CI."""
    try:
        return get()
    except install.Unavailable as reason:
        if os.environ.get("CI") == "true":
            raise Failure(str(reason)) from None
        raise Skipped(str(reason)) from None


def show(scene: Scene, command: list[str], cases: list[Case]) -> str:
    """All cases of a client against one agent and one gateway, compared after the stop."""
    gateway = scene.pushgateway()
    agent = start(scene, gateway, **no_flush_by_itself())
    runs = [(case, workload.calls_of(case.prefix(), case.features)) for case in cases]
    for case, calls in runs:
        run_client(command, agent, case, calls)
    ledger = agent.stop()

    group = gateway.group("clients")
    compared = 0
    differences = []
    for case, calls in runs:
        result = workload.compare(group, calls, case.options.get("samples_max", 0))
        compared += result.compared
        differences += [f"{case.title()}: {difference}" for difference in result.differences]
    expect(not differences, "\n".join(differences))
    expect_equal("kernel drops", ledger.kernel_drops, 0)
    expect_equal("refused lines", ledger.rejected, {})
    expect_skipped(ledger.sinks["push"], [call for _, calls in runs for call in calls])
    modes = ", ".join(f"{case.transport} {case.mode}" for case in cases)
    return f"{compared} values equal in {len(cases)} runs: {modes}"


def expect_skipped(sink: dict[str, Any], calls: list[Call]) -> None:
    """What has no place in a gateway is passed over, counted, and all that is missing."""
    sent = Counter(workload.SKIPPED[call.do] for call in calls if call.do in workload.SKIPPED)
    expect_equal("points without a place", sink["skipped"], dict(sent))
    expect_equal("lost points", sink["lost"], {})


def test_datadog_python(scene: Scene) -> str:
    """PyPI: datadog."""
    command = of_client(lambda: install.python_client("datadog_client.py"))
    return show(scene, command, datadog_python_cases())


def test_statsd_python(scene: Scene) -> str:
    """PyPI: statsd."""
    command = of_client(lambda: install.python_client("statsd_client.py"))
    return show(scene, command, statsd_python_cases())


def test_hot_shots(scene: Scene) -> str:
    """npm: hot-shots."""
    command = of_client(install.node_client)
    return show(scene, command, hot_shots_cases())


def test_datadog_go(scene: Scene) -> str:
    """Go: datadog-go."""
    command = of_client(install.go_client)
    return show(scene, command, datadog_go_cases())


def test_totals_over_many_flushes(scene: Scene) -> str:
    """Counters and timers go on over flushes: after each of three runs of a client, and
    without a stop, a push brings the sum of all runs so far."""
    command = of_client(lambda: install.python_client("datadog_client.py"))
    gateway = scene.pushgateway()
    agent = start(scene, gateway, interval="200ms")
    case = Case("datadog", "udp", "buffered", Features(), {"buffering": True})
    calls = [call for call in workload.calls_of(case.prefix(), case.features)
             if call.do in ("count", "timing")]
    rounds = 3
    for number in range(1, rounds + 1):
        run_client(command, agent, case, calls)
        wanted = Counter[str]()
        for call in calls:
            wanted[call.name] += number * (1 if call.do == "timing" else int(call.value))
        wait_until(lambda: totals(gateway, calls) == wanted, f"the totals of {number} runs")
    ledger = agent.stop()
    expect(ledger.flush["flushes"] > rounds, "there must be a flush for each run, and the stop's")
    return f"{len(wanted)} totals right after each of {rounds} runs, and a closed account"


def totals(gateway: Pushgateway, calls: list[Call]) -> dict[str, float]:
    """What the gateway has now for the counters and timers called, by their own names."""
    group = gateway.group("clients")
    suffixes = {"count": "_total", "timing": "_seconds_count"}
    return {call.name: group.sum(workload.metric_name(call.name) + suffixes[call.do])
            for call in calls}


if __name__ == "__main__":
    main(test_datadog_python, test_statsd_python, test_hot_shots, test_datadog_go,
         test_totals_over_many_flushes, limit_s=FILE_LIMIT_S)
