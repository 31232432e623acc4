#!/usr/bin/env python3
"""One agent and every destination at once, all of them real: a Pushgateway and the agent's own
/metrics, both scraped by a Prometheus; InfluxDB by HTTP and by UDP; VictoriaMetrics;
OpenSearch with a data stream and Elasticsearch with daily indices.

First, what is sent is what each of them answers when it is asked in its own language. Then
each is killed, or hangs, under a steady load: the others notice nothing, intake and flushes
notice nothing, and no point is doubled. At last one of them hangs for longer than its queue
can bear: what it never gets is in the account under its reason, and what is in the account
as delivered is there.
"""

from __future__ import annotations

import math
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import search_server
from harness import (Agent, Failure, Ledger, Pushgateway, Scene, Troubled, expect, expect_equal,
                     main, wait_until)
from influxdb_server import InfluxDB
from prometheus_server import PrometheusServer
from search_server import SearchServer
from traffic import SERIES_PREFIX, PacedSender, Source, expected, mixed_lines, pack
from victoria_metrics_server import VictoriaMetrics

HOST = "web-1"
DATABASE = "metrics"
STREAM = "metrics-pitot-all"
INDEX = "all-%Y.%m.%d"
INDICES = "all-*"
# Of percentiles at the default resolution of histograms (schema 5).
RELATIVE_ERROR = 0.0109

LINES_PER_S = 50_000
INTERVAL_S = 0.5
SERIES = 200
SOURCES = 4
LINES_PER_CYCLE = 2000
SECONDS_MAX = 150
FILE_LIMIT_S = 900
# An attempt is given up after this; a flush that waited for one would be late by as much.
ATTEMPT_S = 2
LATE_S_MAX = ATTEMPT_S / 2


@dataclass
class Destinations:
    """Every server, started; ended with the scene."""

    gateway: Pushgateway
    influx: InfluxDB
    victoria: VictoriaMetrics
    opensearch: SearchServer
    elasticsearch: SearchServer

    @classmethod
    def started(cls, scene: Scene) -> Destinations:
        """All of them, with an empty database."""
        influx = InfluxDB(scene.folder, "influx")
        victoria = VictoriaMetrics(scene.folder, "victoria")
        opensearch = search_server.opensearch(scene.folder, "opensearch")
        elasticsearch = search_server.elasticsearch(scene.folder, "elasticsearch")
        for server in (influx, victoria, opensearch, elasticsearch):
            scene.ends_with(server.kill)
            server.start()
        influx.create_database(DATABASE)
        return cls(scene.pushgateway(), influx, victoria, opensearch, elasticsearch)

    def sinks(self, attempt_s: int = ATTEMPT_S) -> dict[str, dict[str, Any]]:
        """The [sinks] of an agent that feeds them all. A server that has just started may take
        more than ATTEMPT_S for its first batch."""
        influx = {"type": "influxdb", "host_tag": "", "tags": {"host": HOST}}
        influx_http = {**influx, "timeout": f"{attempt_s}s", "database": DATABASE}
        search = {"type": "elasticsearch", "host": HOST, "timeout": f"{attempt_s}s"}
        return {
            "push": {"type": "pushgateway", "url": self.gateway.url, "instance": HOST,
                     "timeout": f"{attempt_s}s"},
            "scrape": {"type": "prometheus", "address": "127.0.0.1:0"},
            "history": {**influx_http, "url": self.influx.url},
            "datagrams": {**influx, "url": self.influx.udp_url},
            "victoria": {**influx_http, "url": self.victoria.url},
            "stream": {**search, "url": self.opensearch.url, "data_stream": STREAM},
            "daily": {**search, "url": self.elasticsearch.url, "index": INDEX},
        }

    def scraper(self, scene: Scene, agent: Agent) -> PrometheusServer:
        """A Prometheus for the page and the gateway, started."""
        server = PrometheusServer(scene.folder, "prometheus", {
            "page": agent.where("scrape"), "gateway": f"{self.gateway.url}/metrics"},
            ("honor_labels: true",))
        scene.ends_with(server.kill)
        server.start()
        return server


def settings(sinks: dict[str, dict[str, Any]], **more: object) -> dict[str, object]:
    """Of an agent with one UDP listener."""
    return {"shards": 2, "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": sinks, **more}


def connected(scene: Scene, agent: Agent) -> socket.socket:
    """A client's socket."""
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("udp"))
    return client


# --- what is sent is what they answer --------------------------------------------------

# The values of one interval, in the middle of which they must all arrive.
VALUES_INTERVAL_S = 10
ODD_VALUES = ["a b", "a=b", 'say "hi"', "C:\\dir\\file", "é ü 🦊", "%2C", "{}[]()", "#x", "a'b",
              "<&>;", "\u00a0", "*", "$1", "-", "~", "`", "!?", "a\x01b\x1f", "\x7f"]
PERCENTS = (50, 90, 95, 99)


@dataclass
class Sent:
    """Lines, and what they add up to."""

    lines: list[str]
    hits: dict[str, int]
    times: list[int]

    @classmethod
    def drawn(cls) -> Sent:
        """The same at every run."""
        chance = random.Random(4)
        hits: dict[str, int] = {}
        lines = ["level:7|g", "level:-2.5|g", "sampled:3|c|@0.1"]
        for _ in range(500):
            shop, value = str(chance.randrange(20)), chance.randint(1, 1000)
            hits[shop] = hits.get(shop, 0) + value
            lines.append(f"hits:{value}|c|#shop:{shop}")
        times = [chance.randint(1, 5000) for _ in range(1500)]
        lines += [f"load:{':'.join(map(str, times[at:at + 50]))}|ms"
                  for at in range(0, len(times), 50)]
        lines += [f"users:{number % 30}|s" for number in range(90)]
        lines += [f"odd:{number + 1}|c|#tag:{value}" for number, value in enumerate(ODD_VALUES)]
        lines += ["_e{6,7}:deploy|shop v2|t:warning|#env:prod", "_sc|db.up|2|m:gone away"]
        return cls(lines, hits, times)

    def percentile(self, percent: int) -> int:
        """By nearest rank."""
        return sorted(self.times)[math.ceil(len(self.times) * percent / 100) - 1]


def expect_near(what: str, got: float, wanted: float) -> None:
    """Within the stated error of percentiles."""
    expect(abs(got / wanted - 1) <= RELATIVE_ERROR, f"{what}: must be about {wanted}, got {got}")


def send_within_an_interval(client: socket.socket, lines: list[str]) -> None:
    """Right after a flush, so that all of it is in the next one."""
    def is_early() -> bool:
        return 0.5 < time.time() % VALUES_INTERVAL_S < 3
    wait_until(is_early, "the beginning of an interval")
    for line in lines:
        client.send(line.encode())
    expect(time.time() % VALUES_INTERVAL_S < VALUES_INTERVAL_S - 1, "sending took too long")


def check_prometheus(server: PrometheusServer, job: str, sent: Sent) -> None:
    """PromQL. A gateway's group has the labels job and instance of its own."""
    where = '{job="page"}' if job == "page" else f'{{instance="{HOST}"}}'

    def value(name: str, more: str = "") -> float:
        return server.value(name + (where[:-1] + "," + more + "}" if more else where))

    for shop, total in sent.hits.items():
        expect_equal(f"{job}: hits of {shop}", value("hits_total", f'shop="{shop}"'), total)
    expect_equal(f"{job}: level", value("level"), -2.5)
    expect_equal(f"{job}: sampled", value("sampled_total"), 30)
    expect_equal(f"{job}: users", value("users"), 30)
    expect_equal(f"{job}: count of load", value("load_seconds_count"), len(sent.times))
    expect(math.isclose(value("load_seconds_sum"), sum(sent.times) / 1000),
           f"{job}: sum of load")
    for percent in PERCENTS:
        expect_near(f"{job}: p{percent}",
                    value("load_seconds", f'quantile="{percent / 100:g}"') * 1000,
                    sent.percentile(percent))
    odd = {dict(labels)["tag"]: number for labels, number
           in server.query(f"odd_total{where}").items()}
    expect_equal(f"{job}: odd tags", odd,
                 {value: number + 1 for number, value in enumerate(ODD_VALUES)})


def check_influxdb(influx: InfluxDB, database: str, sent: Sent) -> None:
    """InfluxQL. Control bytes in tags are written as '_'."""
    def rows(query: str) -> list[dict[str, Any]]:
        return influx.query(query, database)

    got = {row["shop"]: row["sum"] for row in rows('select sum(delta) from "hits" group by shop')}
    expect_equal(f"{database}: hits", got, sent.hits)
    expect_equal(f"{database}: level", influx.value('select value from "level"', database), -2.5)
    expect_equal(f"{database}: users", influx.value('select "unique" from "users"', database), 30)
    load = rows('select * from "load"')[0]
    expect_equal(f"{database}: load", (load["count"], load["sum"], load["min"], load["max"]),
                 (len(sent.times), sum(sent.times), min(sent.times), max(sent.times)))
    for percent in PERCENTS:
        expect_near(f"{database}: p{percent}", load[f"p{percent}"], sent.percentile(percent))
    odd = {row["tag"]: row["sum"] for row in rows('select sum(delta) from "odd" group by "tag"')}
    expect_equal(f"{database}: odd tags", odd,
                 {without_controls(value): number + 1 for number, value in enumerate(ODD_VALUES)})
    event = rows("select * from events")[0]
    expect_equal(f"{database}: event", (event["title"], event["text"], event["alert_type"]),
                 ("deploy", "shop v2", "warning"))
    check = rows("select * from service_checks")[0]
    expect_equal(f"{database}: check", (check["check"], check["status"]), ("db.up", 2))


def without_controls(text: str) -> str:
    """As line protocol can hold it."""
    return "".join("_" if ord(letter) < 0x20 or ord(letter) == 0x7F else letter
                   for letter in text)


def check_victoria(victoria: VictoriaMetrics, sent: Sent) -> None:
    """Its export: every sample there is."""
    wait_until(lambda: victoria.sum('{__name__="hits_delta"}') == sum(sent.hits.values()),
               "VictoriaMetrics to have indexed all hits")
    got = {labels["shop"]: samples[0][1] for labels, samples
           in victoria.series('{__name__="hits_total"}')}
    expect_equal("VictoriaMetrics: hits", got, sent.hits)
    expect_equal("VictoriaMetrics: level", victoria.sum('{__name__="level_value"}'), -2.5)
    expect_equal("VictoriaMetrics: count", victoria.sum('{__name__="load_count"}'),
                 len(sent.times))
    for percent in PERCENTS:
        expect_near(f"VictoriaMetrics: p{percent}",
                    victoria.sum(f'{{__name__="load_p{percent}"}}'), sent.percentile(percent))


def check_search(server: SearchServer, index: str, sent: Sent) -> None:
    """_search, with aggregations."""
    server.refresh(index)
    found = server.get(f"/{index}/_search", {
        "size": 0, "query": {"term": {"metric.name": "hits"}},
        "aggs": {"shops": {"terms": {"field": "labels.shop", "size": 100},
                           "aggs": {"sum": {"sum": {"field": "delta"}}}}}})["aggregations"]
    got = {bucket["key"]: bucket["sum"]["value"] for bucket in found["shops"]["buckets"]}
    expect_equal(f"{server.kind.name}: hits", got, sent.hits)
    load = server.aggregate(index, "load", count=("sum", "count"), sum=("sum", "sum"),
                            **{f"p{percent}": ("max", f"p{percent}") for percent in PERCENTS})
    expect_equal(f"{server.kind.name}: load", (load["count"], load["sum"]),
                 (len(sent.times), sum(sent.times)))
    for percent in PERCENTS:
        expect_near(f"{server.kind.name}: p{percent}", load[f"p{percent}"],
                    sent.percentile(percent))
    odd: dict[str, float] = {}  # with the zeros of the intervals after
    for one in server.documents(index, {"term": {"metric.name": "odd"}}):
        tag = one["labels"]["tag"]
        odd[tag] = odd.get(tag, 0) + one["delta"]
    expect_equal(f"{server.kind.name}: odd tags", odd,
                 {value: number + 1 for number, value in enumerate(ODD_VALUES)})
    event = server.documents(index, {"term": {"metric.type": "event"}})[0]
    expect_equal(f"{server.kind.name}: event", event["event"]["title"], "deploy")
    check = server.documents(index, {"term": {"metric.name": "db.up"}})[0]
    expect_equal(f"{server.kind.name}: check", check["check"]["status"], "critical")


def check_own_lines_scraped(scraper: PrometheusServer, lines: int) -> None:
    """What the agent tells of itself, while it runs: its page ends with it."""
    for where in ('job="page"', f'instance="{HOST}"'):
        wait_until(lambda where=where: list(scraper.query(
            f"pitot_lines_total{{{where}}}").values()) == [lines],
            f"Prometheus to know of {lines} lines where {where}")


def check_own_lines(to: Destinations, lines: int) -> None:
    """What the agent told of itself: the same number everywhere."""
    for database in (DATABASE, InfluxDB.UDP_DATABASE):
        wait_until(lambda database=database: to.influx.value(
            'select sum(delta) from "pitot.lines"', database) == lines,
            f"{database} to have {lines} own lines")
    wait_until(lambda: to.victoria.sum('{__name__="pitot.lines_delta"}') == lines,
               f"VictoriaMetrics to have {lines} own lines")
    for server, index in ((to.opensearch, STREAM), (to.elasticsearch, INDICES)):
        own = server.aggregate(index, "pitot.lines", sum=("sum", "delta"))
        expect_equal(f"{server.kind.name}: own lines", own["sum"], lines)


def test_all_at_once(scene: Scene) -> str:
    """One interval of everything there is, asked back from every server."""
    to = Destinations.started(scene)
    agent = scene.agent(settings(to.sinks(attempt_s=20), interval=f"{VALUES_INTERVAL_S}s",
                                 shutdown_deadline="30s", self_metrics={"enabled": True}))
    scraper = to.scraper(scene, agent)
    sent = Sent.drawn()
    send_within_an_interval(connected(scene, agent), sent.lines)
    # Percentiles and sets are shown for one interval: both pages have it at once.
    for job, where in (("page", 'job="page"'), ("gateway", f'instance="{HOST}"')):
        wait_until(lambda where=where: scraper.query(f"level{{{where}}}"),
                   f"the interval's flush where {where}")
        check_prometheus(scraper, job, sent)
    check_own_lines_scraped(scraper, len(sent.lines))
    ledger = agent.stop({"udp": len(sent.lines)})
    for name, sink in ledger.sinks.items():
        expect_equal(f"{name}: lost points", sink["lost"], {})
    for database in (DATABASE, InfluxDB.UDP_DATABASE):
        wait_until(lambda database=database: to.influx.query("select * from events", database),
                   f"{database} to be stored")
        check_influxdb(to.influx, database, sent)
    check_victoria(to.victoria, sent)
    check_search(to.opensearch, STREAM, sent)
    check_search(to.elasticsearch, INDICES, sent)
    check_own_lines(to, ledger.lines)
    points = sum(sink["delivered"] for sink in ledger.sinks.values())
    return f"{len(sent.lines)} lines, {points} points at 7 sinks, all answers as sent"


# --- trouble stays where it is ----------------------------------------------------------

def away(lines: int, sent: Callable[[], int]) -> None:
    """Until so many lines were sent while it is away: the sender keeps the time."""
    wanted = sent() + lines
    wait_until(lambda: sent() >= wanted, "the outage's length")


def check_sums(to: Destinations, ledger: Ledger, sources: list[Source]) -> int:
    """At every server that acknowledges what it has, and keeps it over a SIGKILL."""
    compared = expected(sources).compare(to.gateway.group(HOST))
    hits = {series: float(total) for series, total in expected(sources).counters.items()}
    influx = {row["id"]: row["sum"] for row in to.influx.query(
        f'select sum(delta) from "{SERIES_PREFIX}.hits" group by id', DATABASE)}
    expect_equal("InfluxDB's sums", influx, hits)
    for server, index, sink in ((to.opensearch, STREAM, "stream"),
                                (to.elasticsearch, INDICES, "daily")):
        # Not one too few, not one twice.
        expect_equal(f"documents of {sink}", server.count(index), ledger.sinks[sink]["delivered"])
        found = server.get(f"/{index}/_search", {"size": 0, "aggs": {
            "ids": {"terms": {"field": "labels.id", "size": 1000},
                    "aggs": {"sum": {"sum": {"field": "delta"}}}}}})["aggregations"]
        got = {bucket["key"]: bucket["sum"]["value"] for bucket in found["ids"]["buckets"]}
        expect_equal(f"sums of {sink}", got, hits)
    return compared + 3 * len(hits)


def check_latest(what: str, found: Callable[[], dict[str, float]], sources: list[Source]) -> int:
    """Where what was written last says all: totals since birth, by the series' id."""
    totals = {series: float(total) for series, total in expected(sources).counters.items()}
    try:
        wait_until(lambda: found() == totals, f"the totals of {what}")
    except Failure:
        expect_equal(f"totals of {what}", found(), totals)
    return len(totals)


def check_pages(scraper: PrometheusServer, sources: list[Source]) -> int:
    """By PromQL, while the agent still shows its page."""
    def totals(where: str) -> Callable[[], dict[str, float]]:
        return lambda: {dict(labels)["id"]: value for labels, value
                        in scraper.query(f"{SERIES_PREFIX}_hits_total{{{where}}}").items()}

    return (check_latest("the scraped page", totals('job="page"'), sources) +
            check_latest("the scraped gateway", totals(f'instance="{HOST}"'), sources))


def check_last_points(to: Destinations, sources: list[Source]) -> int:
    """At servers that may lose what they took: by SIGKILL, or because nobody acknowledges."""
    def at_victoria() -> dict[str, float]:
        return {labels["id"]: max(samples)[1] for labels, samples
                in to.victoria.series(f'{{__name__="{SERIES_PREFIX}.hits_total"}}')}

    def by_datagrams() -> dict[str, float]:
        return {row["id"]: row["last"] for row in to.influx.query(
            f'select last(total) from "{SERIES_PREFIX}.hits" group by id',
            InfluxDB.UDP_DATABASE)}

    return (check_latest("VictoriaMetrics", at_victoria, sources) +
            check_latest("the database of datagrams", by_datagrams, sources))


def loaded_sources(scene: Scene, agent: Agent) -> list[Source]:
    """Each with a socket of its own."""
    agent.require_receive_buffer()
    sources = []
    for number in range(SOURCES):
        client = connected(scene, agent)
        sources.append(Source(client.send,
                              pack(mixed_lines(number, SOURCES, LINES_PER_CYCLE, SERIES))))
    return sources


def expect_undisturbed(ledger: Ledger, lines: int) -> None:
    """Intake and flushes."""
    expect_equal("kernel drops", ledger.kernel_drops, 0)
    expect_equal("accepted lines", ledger.accepted, lines)
    expect(ledger.flush["late_s_max"] < LATE_S_MAX, f"a flush must not wait: {ledger.flush}")
    expect_equal("shards that did not answer a flush", ledger.flush["silent_shards"], 0)


def test_each_in_trouble(scene: Scene) -> str:
    """Each server killed and started again, and each hung for a while, one after the other,
    under a steady load."""
    to = Destinations.started(scene)
    agent = scene.agent(settings(to.sinks(), interval=f"{INTERVAL_S:g}s",
                                 shutdown_deadline="60s"))
    scraper = to.scraper(scene, agent)
    sources = loaded_sources(scene, agent)
    servers: list[Troubled] = [scraper, to.gateway, to.influx, to.victoria, to.opensearch,
                               to.elasticsearch]
    with PacedSender(sources, LINES_PER_S, SECONDS_MAX) as sender:
        for server in servers:
            for begin, end in ((server.pause, server.resume), (server.kill, server.start)):
                begin()
                away(2 * LINES_PER_S, sender.lines_sent)
                end()
        sender.stop()
    compared = check_pages(scraper, sources)
    ledger = agent.stop({"udp": sum(source.sent for source in sources)})

    expect_undisturbed(ledger, sender.lines_sent())
    for name, sink in ledger.sinks.items():
        expect_equal(f"{name}: lost points", sink["lost"], {})
    compared += check_sums(to, ledger, sources) + check_last_points(to, sources)
    delivered = {name: sink["delivered"] for name, sink in ledger.sinks.items()}
    return f"{sender.report()}; {compared} values exact; delivered {delivered}"


def test_more_than_a_queue_holds(scene: Scene) -> str:
    """A server that hangs until the queue for it is full, and goes on: the account says what it
    has, to the document, and nobody else loses anything."""
    server = search_server.elasticsearch(scene.folder, "elasticsearch")
    scene.ends_with(server.kill)
    server.start()
    gateway = scene.pushgateway()
    agent = scene.agent(settings(
        {"small": {"type": "elasticsearch", "url": server.url, "index": INDEX, "host": HOST,
                   "timeout": f"{ATTEMPT_S}s", "batch_bytes": "64KiB", "queue_bytes": "1MiB"},
         "push": {"type": "pushgateway", "url": gateway.url, "instance": HOST}},
        interval=f"{INTERVAL_S:g}s", shutdown_deadline="60s"))
    sources = loaded_sources(scene, agent)
    with PacedSender(sources, LINES_PER_S, SECONDS_MAX) as sender:
        wait_until(lambda: server.count(INDICES) > 0, "the first documents")
        server.pause()
        wait_until(lambda: "the queue is full" in agent.said(), "a word about a full queue")
        away(LINES_PER_S, sender.lines_sent)
        server.resume()
        away(LINES_PER_S, sender.lines_sent)
        sender.stop()
    ledger = agent.stop({"udp": sum(source.sent for source in sources)})

    expect_undisturbed(ledger, sender.lines_sent())
    small = ledger.sinks["small"]
    lost = small["lost"].get("queue_full", 0)
    expect(lost > 0, f"points must be lost to a full queue: {small}")
    expect_equal("lost points", small["lost"], {"queue_full": lost})
    expect_equal("offered points", small["offered"],
                 small["delivered"] + lost + sum(small["skipped"].values()))
    expect_equal("documents", server.count(INDICES), small["delivered"])
    expect_equal("lost points of the gateway", ledger.sinks["push"]["lost"], {})
    compared = expected(sources).compare(gateway.group(HOST))
    return (f"{sender.report()}; {lost} points lost to a full queue, {small['delivered']} "
            f"documents there; {compared} values exact at the other sink")


if __name__ == "__main__":
    main(test_all_at_once, test_each_in_trouble, test_more_than_a_queue_holds,
         limit_s=FILE_LIMIT_S)
