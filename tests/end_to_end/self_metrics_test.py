#!/usr/bin/env python3
"""What the agent tells of itself, at real destinations: every number is the one of its own
account, constant tags tell it apart from other agents, no client can add to it, and it can
be switched off, for all or for one sink.

OpenSearch, Elasticsearch and InfluxDB by UDP get it in destinations_test.
"""

from __future__ import annotations

import json
import socket
import urllib.request
from typing import Any

import exposition
from harness import (Agent, Ledger, Scene, Settings, expect, expect_equal, main,
                     no_flush_by_itself, wait_until)
from influxdb_server import InfluxDB
from victoria_metrics_server import VictoriaMetrics

INSTANCE = "web-1"
DATABASE = "metrics"
GOOD = ["hits:1|c|#shop:a", "hits:2|c|#shop:b", "load:1:2:3|ms", "level:4|g", "users:5|s"] * 40
BAD = ["nonsense"] * 3 + ["hits:x|c"] * 2 + ["pitot.lines:1000|c"] * 4
LISTENERS = {"udp": {"type": "udp", "address": "127.0.0.1:0", "prefix": ""},
             "tcp": {"type": "tcp", "address": "127.0.0.1:0"}}
ON = {"enabled": True}


def page(agent: Agent, sink: str) -> exposition.Group:
    """What a scraper sees; nothing before the first flush."""
    with urllib.request.urlopen(agent.where(sink)) as answer:
        return exposition.read(answer.read().decode()).get("", exposition.Group())


def send(scene: Scene, agent: Agent, lines: list[str]) -> None:
    """One datagram each."""
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("udp"))
    for line in lines:
        client.send(line.encode())


def wanted(ledger: Ledger) -> dict[tuple[str, tuple[tuple[str, str], ...]], int]:
    """Counters of the account, by name and tags; those that no flush after the last one adds
    to."""
    counters: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {
        ("pitot.lines", ()): ledger.lines,
        ("pitot.lines_accepted", ()): ledger.accepted,
        ("pitot.samples", ()): ledger.samples,
        ("pitot.samples_aggregated", ()): ledger.aggregated,
    }
    for reason, lines in ledger.rejected.items():
        counters["pitot.rejected", (("reason", reason),)] = lines
    for name, listener in ledger.listeners.items():
        for key in ("datagrams", "bytes", "kernel_drops", "connections_accepted"):
            counters[f"pitot.listener.{key}", (("listener", name),)] = listener[key]
    return counters


def prometheus_name(name: str) -> str:
    """Of a counter."""
    return name.replace(".", "_") + "_total"


def compare_state(what: str, group: exposition.Group, ledger: Ledger, **tags: str) -> int:
    """A destination that holds totals."""
    for (name, labels), value in wanted(ledger).items():
        got = group.value(prometheus_name(name), **dict(labels), **tags)
        expect_equal(f"{what}: {name} {dict(labels)}", got, value)
    return len(wanted(ledger))


def everywhere(scene: Scene, interval: Settings) -> tuple[Agent, Any]:
    """An agent with four kinds of destination, and these."""
    gateway = scene.pushgateway()
    influx = InfluxDB(scene.folder, "influx")
    victoria = VictoriaMetrics(scene.folder, "victoria")
    for server in (influx, victoria):
        scene.ends_with(server.kill)
        server.start()
    influx.create_database(DATABASE)
    line_protocol = {"type": "influxdb", "host_tag": "", "database": DATABASE}
    agent = scene.agent({
        **interval, "shards": 2, "listeners": LISTENERS, "self_metrics": ON,
        "prefix": "shop.", "constant_tags": {"host": INSTANCE},
        "sinks": {
            "push": {"type": "pushgateway", "url": gateway.url, "instance": INSTANCE},
            "scrape": {"type": "prometheus", "address": "127.0.0.1:0"},
            "history": {**line_protocol, "url": influx.url},
            "victoria": {**line_protocol, "url": victoria.url},
            "out": {"type": "console", "self_metrics": True},
        }})
    return agent, (gateway, influx, victoria)


def test_account_at_every_destination(scene: Scene) -> str:
    """The whole account of a run, with one flush at the stop: state and deltas."""
    agent, (gateway, influx, victoria) = everywhere(scene, no_flush_by_itself())
    send(scene, agent, GOOD + BAD)
    # The console's JSON is on the agent's standard output.
    ledger = agent.stop({"udp": len(GOOD + BAD)})
    expect_equal("refused for their name", ledger.rejected["reserved_name"], 4)
    expect_equal("lines", ledger.lines, len(GOOD + BAD))
    for name, sink in ledger.sinks.items():
        expect_equal(f"{name}: lost points", sink["lost"], {})

    compared = compare_state("gateway", gateway.group(INSTANCE), ledger, host=INSTANCE)
    for (name, labels), value in wanted(ledger).items():
        where = " and ".join(f"\"{key}\" = '{text}'"
                             for key, text in (*labels, ("host", INSTANCE)))
        expect_equal(f"InfluxDB: {name} {dict(labels)}", influx.value(
            f'select sum(delta) from "{name}" where {where}', DATABASE), value)
        match = ",".join(f'{key}="{text}"' for key, text in (*labels, ("host", INSTANCE)))
        wait_until(lambda name=name, match=match, value=value: victoria.sum(
            f'{{__name__="{name}_delta",{match}}}') == value,
            f"VictoriaMetrics: {name} {dict(labels)} to be {value}")
        compared += 2
    [printed] = [json.loads(line) for line in agent.said().splitlines() if line.startswith("{")]
    expect("pitot.lines" in json.dumps(printed), "the console was asked for them, too")
    names = gateway.group(INSTANCE).names()
    expect("pitot_build_info" in names and not any(name.startswith("shop") for name in names),
           "the prefix of clients is not that of own metrics")
    return f"{compared} counters as in the account, 0 added by clients"


def test_while_it_runs(scene: Scene) -> str:
    """Each flush tells of the ones before: durations, deliveries, levels."""
    gateway = scene.pushgateway()
    agent = scene.agent({
        "interval": "200ms", "listeners": LISTENERS, "self_metrics": ON,
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": INSTANCE},
                  "scrape": {"type": "prometheus", "address": "127.0.0.1:0"}}})
    send(scene, agent, GOOD + BAD)

    def settled() -> exposition.Group | None:
        group = page(agent, "scrape")
        attempts = group.value("pitot_sink_attempts_total", sink="push") or 0
        is_there = group.value("pitot_lines_total") == len(GOOD + BAD) and attempts >= 3
        return group if is_there else None
    group = wait_until(settled, "the page to tell of all lines and of three pushes")

    expect_equal("series", group.value("pitot_series"), 5)
    for name in ("pitot_table_bytes", "pitot_process_resident_memory_bytes",
                 "pitot_process_cpu_seconds_total", "pitot_process_start_time_seconds"):
        expect((group.value(name) or 0) > 0, f"{name} must be known")
    for name in ("pitot_flush_duration_seconds", "pitot_flush_lateness_seconds",
                 "pitot_flush_turn_seconds"):
        expect((group.value(f"{name}_count") or 0) >= 3, f"{name}: one for each flush")
    for sink in ("push", "scrape"):
        encoded = group.value("pitot_sink_encode_duration_seconds_count", sink=sink) or 0
        expect(encoded >= 3, f"{sink}: one encoding for each flush")
        expect_equal(f"{sink} works", group.value("pitot_sink_working", sink=sink), 1)
    attempts = group.value("pitot_sink_attempt_duration_seconds_count", sink="push") or 0
    expect(attempts >= 2, "one duration for each attempt that is over")
    expect_equal("the zero before the first loss",
                 group.value("pitot_sink_lost_total", sink="push", reason="queue_full"), 0)

    gateway.kill()
    wait_until(lambda: page(agent, "scrape").value("pitot_sink_working", sink="push") == 0,
               "the page to tell of the trouble")
    failures = page(agent, "scrape").value("pitot_sink_failures_in_a_row", sink="push")
    expect((failures or 0) >= 1, "with the attempts that failed")
    gateway.start()
    wait_until(lambda: page(agent, "scrape").value("pitot_sink_working", sink="push") == 1,
               "the page to tell of its end")
    ledger = agent.stop()
    compare_state("gateway", gateway.group(INSTANCE), ledger)
    return "durations, levels and a sink's trouble and recovery"


def test_switched_off(scene: Scene) -> str:
    """For one sink, for the console by default, for all; and then the names are free."""
    for enabled in (True, False):
        gateway = scene.pushgateway()
        agent = scene.agent({
            "interval": "200ms", "listeners": LISTENERS,
            "self_metrics": {"enabled": enabled},
            "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": INSTANCE,
                               "self_metrics": False},
                      "scrape": {"type": "prometheus", "address": "127.0.0.1:0"},
                      "out": {"type": "console"}}})
        send(scene, agent, ["hits:1|c", "pitot.lines:5|c"])
        wait_until(lambda agent=agent: page(agent, "scrape").value("hits_total") == 1,
                   "the page with the client's counter")
        names = page(agent, "scrape").names()
        expect_equal("on the page", "pitot_flushes_total" in names, enabled)
        ledger = agent.stop()
        expect_equal("at the gateway", "pitot_flushes_total" in gateway.group(INSTANCE).names(),
                     False)
        expect("pitot.flushes" not in agent.said(), "the console does not print them by itself")
        expect_equal("at the gateway from the client",
                     gateway.group(INSTANCE).value("pitot_lines_total"),
                     None if enabled else 5)
        expect_equal("refused", ledger.rejected.get("reserved_name", 0), int(enabled))
    return "one sink, the console, all"


if __name__ == "__main__":
    main(test_account_at_every_destination, test_while_it_runs, test_switched_off)
