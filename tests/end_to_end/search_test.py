#!/usr/bin/env python3
"""OpenSearch with a data stream, Elasticsearch with daily indices: what was sent is found by
_search to the unit, each document once, whatever happens to the server or on the way to it;
and templates are put, kept up to date, and never over a stranger's.
"""

from __future__ import annotations

import math
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import search_server
from harness import (Ledger, Scene, expect, expect_equal, main, no_flush_by_itself,
                     wait_until)
from search_server import SearchServer
from traffic import SERIES_PREFIX, PacedSender, Source, expected, mixed_lines, pack

# Of percentiles at the default resolution of histograms.
RELATIVE_ERROR = 0.0109
LINES_PER_S = 5_000
INTERVAL = "500ms"
# So that a lost answer is noticed soon.
TIMEOUT = "2s"
FILE_LIMIT_S = 900


class Target:
    """Where a test's documents go: a data stream, or indices of the day."""

    def __init__(self, server: SearchServer, name: str) -> None:
        self.server = server
        if server.kind.has_data_streams:
            self.name = f"metrics-pitot-{name}"
            self.settings = {"data_stream": self.name}
            self.template = f"pitot-{self.name}"
        else:
            self.name = f"{name}-*"
            self.settings = {"index": f"{name}-%Y.%m.%d"}
            self.template = f"pitot-{name}-yyyy.mm.dd"

    def sink(self, **more: object) -> dict[str, object]:
        """The section of the configuration."""
        return {"type": "elasticsearch", "url": self.server.url, "timeout": TIMEOUT,
                **self.settings, **more}

    def count(self) -> int:
        """Documents."""
        return self.server.count(self.name)

    def sum_of(self, metric: str, field: str) -> float:
        """Over all documents of a metric."""
        return self.server.aggregate(self.name, metric, it=("sum", field))["it"]

    def documents(self, metric: str) -> list[dict[str, Any]]:
        """Of a metric."""
        return self.server.documents(self.name, {"term": {"metric.name": metric}})


def settings(sink: Mapping[str, object], **more: object) -> dict[str, object]:
    """Of an agent with a UDP listener and one sink."""
    return {"listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": {"search": sink}, **more}


def run_once(scene: Scene, sink: Mapping[str, object], lines: list[str]) -> Ledger:
    """Sends lines, one a datagram; they are one interval. A server that has just started may
    take seconds for the first of a hundred new fields."""
    agent = scene.agent(settings({**sink, "timeout": "20s"}, shutdown_deadline="30s",
                                 **no_flush_by_itself()))
    agent.require_receive_buffer()
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for line in lines:
        client.sendto(line.encode(), agent.address("udp"))
    return agent.stop({"udp": len(lines)})


def expect_all_delivered(ledger: Ledger) -> int:
    """Returns how many points that is."""
    sink = ledger.sinks["search"]
    expect_equal("rejected lines", ledger.rejected, {})
    expect_equal("lost points", sink["lost"], {})
    expect_equal("delivered points", sink["delivered"], sink["offered"] -
                 sum(sink["skipped"].values()))
    return int(sink["delivered"])


def nearest_rank(values: list[int], percent: float) -> int:
    """The smallest value such that so many per cent are not above it."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def odd_tags() -> dict[str, str]:
    """Every byte that can stand in a tag, in a value; and in a key as far as it may."""
    tags = {}
    for code in [*range(1, 128), 0xFC, 0x20AC, 0x2028, 0xFFFD, 0x1F600]:
        letter = chr(code)
        if letter in "\n|,":
            continue
        tags[f"v{code}"] = f"a{letter}b"
        if letter not in ":.#":
            tags[f"k{letter}k{code}"] = str(code)
    # A carriage return at the very end of a line is not part of it.
    tags["z"] = "last"
    return tags


def check_values(scene: Scene, target: Target) -> str:
    """Counters, gauges, sets, timers, odd tags, events, checks, own times."""
    chance = random.Random(3)
    values = [chance.randint(1, 5000) for _ in range(3000)]
    tags = odd_tags()
    now = int(time.time())
    lines = ["hits:2|c|#env:prod", "hits:3|c|@0.5|#env:prod", "hits:0.5|c|#env:dev,shell",
             "depth:7|g", "depth:-2.5|g", "users:a|s", "users:b|s", "users:a|s",
             f"late:4|c|T{now - 3600}", "both:1|c|#a.b:x,a_b:y,e:,a.b:x",
             "_e{7,9}:de\"ploy|one\\ntwo!|h:db-7|t:warning|p:low|k:key|s:src|#env:prod",
             f"_sc|db.up|2|d:{now - 60}|h:db-7|#env:prod|m:gone \"away\""]
    lines += [f"time:{value}|ms" for value in values]
    lines += ["odd:1|c|#" + ",".join(f"{key}:{value}" for key, value in chunk)
              for chunk in (list(tags.items())[at:at + 100] for at in range(0, len(tags), 100))]
    delivered = expect_all_delivered(run_once(scene, target.sink(), lines))
    expect_equal("documents", target.count(), delivered)

    expect_equal("sum of hits", target.sum_of("hits", "delta"), 8.5)
    by_env = target.server.get(f"/{target.name}/_search", {
        "size": 0, "query": {"term": {"metric.name": "hits"}},
        "aggs": {"env": {"terms": {"field": "labels.env"},
                         "aggs": {"sum": {"sum": {"field": "delta"}}}}}})
    expect_equal("hits by label", {bucket["key"]: bucket["sum"]["value"]
                                   for bucket in by_env["aggregations"]["env"]["buckets"]},
                 {"prod": 8.0, "dev": 0.5})
    expect_equal("gauge", [one["value"] for one in target.documents("depth")], [-2.5])
    expect_equal("set", [one["unique"] for one in target.documents("users")], [2])
    both = target.documents("both")[0]["labels"]
    expect_equal("labels with dots", both, {"a_b": ["x", "y"], "e": ""})
    late = target.documents("late")[0]
    expect_equal("a time of its own", late["@timestamp"],
                 time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - 3600)))
    check_timer(target, values)
    check_told(target)
    check_odd_tags(target, tags)
    check_mapping(target)
    return f"{delivered} documents found as sent, {len(tags)} odd tags among them"


def check_timer(target: Target, values: list[int]) -> None:
    """Sums exact, percentiles within the stated error."""
    got = target.server.aggregate(
        target.name, "time", count=("sum", "count"), sum=("sum", "sum"), min=("min", "min"),
        max=("max", "max"), p50=("max", "p50"), p95=("max", "p95"), p99=("max", "p99"))
    expect_equal("count", got["count"], len(values))
    expect_equal("sum", got["sum"], sum(values))
    expect_equal("extremes", (got["min"], got["max"]), (min(values), max(values)))
    for percent in (50, 95, 99):
        wanted = nearest_rank(values, percent)
        expect(abs(got[f"p{percent}"] / wanted - 1) <= RELATIVE_ERROR,
               f"p{percent} must be {wanted}, got {got[f'p{percent}']}")


def check_told(target: Target) -> None:
    """The event and the service check."""
    event = target.server.documents(target.name, {"term": {"metric.type": "event"}})[0]
    expect_equal("event", event["event"],
                 {"title": 'de"ploy', "text": "one\ntwo!", "priority": "low",
                  "alert_type": "warning", "aggregation_key": "key", "source_type": "src"})
    expect_equal("host of the event", event["host"], {"name": "db-7"})
    expect_equal("words of the event", len(target.server.documents(
        target.name, {"match": {"event.title": "ploy"}})) +
        len(target.server.documents(target.name, {"match": {"event.text": "TWO"}})), 2)
    check = target.documents("db.up")[0]
    expect_equal("service check", check["check"],
                 {"status": "critical", "code": 2, "message": 'gone "away"'})


def check_odd_tags(target: Target, tags: dict[str, str]) -> None:
    """Read back as they were, and found by their exact value."""
    got: dict[str, str] = {}
    for document in target.documents("odd"):
        got.update(document["labels"])
    for key, value in tags.items():
        expect_equal(f"label {key!r}", got.get(key), value)
    expect_equal("labels in all", len(got), len(tags))
    for key in list(tags)[::29]:
        found = target.server.documents(target.name, {"term": {f"labels.{key}": tags[key]}})
        expect_equal(f"documents with label {key!r}", len(found), 1)


def check_mapping(target: Target) -> None:
    """As the template says: no number became a whole one by accident."""
    for index in target.server.get(f"/{target.name}/_mapping").values():
        properties = index["mappings"]["properties"]
        for field in ("delta", "total", "count", "value"):
            expect_equal(f"type of {field}", properties[field]["type"], "double")
        for name, field in properties.items():
            if name.startswith("p") and name[1:].isdigit():
                expect_equal(f"type of {name}", field["type"], "double")
        for name, field in properties["labels"].get("properties", {}).items():
            expect_equal(f"type of label {name}", field["type"], "keyword")


def check_templates(scene: Scene, target: Target) -> str:
    """Put, replaced when it is an older one of ours, left alone when it is not ours."""
    path = f"/_index_template/{target.template}"

    def there() -> dict[str, Any]:
        found = target.server.get(path)["index_templates"][0]["index_template"]
        return dict(found)

    def send() -> None:
        expect_all_delivered(run_once(scene, target.sink(), ["x:1|c"]))

    expect_equal("before", target.server.ask("GET", path)[0], 404)
    send()
    ours = there()
    expect_equal("mark", ours["_meta"]["managed_by"], "pitot")
    send()
    expect_equal("after a second start", there(), ours)
    older = {**ours, "version": 0, "template": {}}
    target.server.ask("PUT", path, older)
    send()
    expect_equal("after an older one", there(), ours)
    newer = {**ours, "version": 99, "template": {}}
    target.server.ask("PUT", path, newer)
    put = there()
    send()
    expect_equal("a newer one", there(), put)
    stranger = {key: value for key, value in newer.items() if key != "_meta"}
    target.server.ask("PUT", path, stranger)
    put = there()
    send()
    expect_equal("a stranger's", there(), put)
    expect_equal("documents", target.count(), 5)
    return "templates put, replaced and left alone"


class HangUpProxy:
    """Between the agent and the server; takes some answers away when the server has given
    them, and hangs up. `then` is done in between: before the agent can know of it."""

    def __init__(self, scene: Scene, port: int, takes_away: int,
                 then: Callable[[], object]) -> None:
        self._server_port = port
        self._then = then
        self._left = takes_away
        self.taken = 0
        self._listener = scene.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.settimeout(None)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                try:
                    self._forward(client, server)
                except OSError:
                    pass

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """One request and its answer after the other."""
        while True:
            request = self._read_message(client)
            if not request:
                return
            server.sendall(request)
            answer = self._read_message(server)
            if request.startswith(b"POST /_bulk") and self._left > 0:
                self._left -= 1
                self.taken += 1
                self._then()
                client.sendall(answer[:self.taken * 11 % 60])
                return
            client.sendall(answer)

    @staticmethod
    def _read_message(source: socket.socket) -> bytes:
        """Head and body; b"" at the end."""
        text = b""
        while b"\r\n\r\n" not in text:
            piece = source.recv(65536)
            if not piece:
                return b""
            text += piece
        head, body = text.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            piece = source.recv(65536)
            if not piece:
                return b""
            body += piece
        return head + b"\r\n\r\n" + body


def under_load(scene: Scene, target: Target, sink: Mapping[str, object],
               trouble: Callable[[], None]) -> tuple[Ledger, str]:
    """Steady load, trouble in the middle of it; every sum must be exact afterwards."""
    agent = scene.agent(settings(sink, interval=INTERVAL, shards=2, shutdown_deadline="30s"))
    agent.require_receive_buffer()
    sources = []
    for number in range(2):
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(agent.address("udp"))
        sources.append(Source(client.send, pack(mixed_lines(number, 2, 500, 100))))
    with PacedSender(sources, LINES_PER_S, 60) as sender:
        wait_until(lambda: target.count() > 0, "first documents")
        trouble()
        sender.stop()
    ledger = agent.stop({"udp": sum(source.sent for source in sources)})
    expect_equal("kernel drops", ledger.kernel_drops, 0)
    delivered = expect_all_delivered(ledger)
    # Not one too few, not one twice.
    expect_equal("documents", target.count(), delivered)
    compare(target, sources)
    return ledger, f"{delivered} documents, each once"


def compare(target: Target, sources: list[Source]) -> None:
    """Sums of counters and counts and sums of timers, to the unit."""
    sent = expected(sources)
    found = target.server.get(f"/{target.name}/_search", {
        "size": 0, "aggs": {
            "ids": {"terms": {"field": "labels.id", "size": 1000},
                    "aggs": {"sum": {"sum": {"field": "delta"}}}},
            "names": {"terms": {"field": "metric.name", "size": 1000},
                      "aggs": {"count": {"sum": {"field": "count"}},
                               "sum": {"sum": {"field": "sum"}}}}}})["aggregations"]
    hits = {bucket["key"]: bucket["sum"]["value"] for bucket in found["ids"]["buckets"]}
    expect_equal("sums of counters", hits,
                 {series: float(total) for series, total in sent.counters.items()})
    timers = {bucket["key"]: (bucket["count"]["value"], bucket["sum"]["value"])
              for bucket in found["names"]["buckets"]}
    for (kind, series), count in sent.counts.items():
        name = f"{SERIES_PREFIX}.{kind}.{series}"
        expect_equal(name, timers.get(name), (float(count), float(sent.sums[kind, series])))


def check_hang_up(scene: Scene, target: Target) -> str:
    """The server stores, the answer is lost: nothing is there twice, not even in a data stream
    that rolls over before the documents come again."""
    def roll_over() -> None:
        if target.server.kind.has_data_streams:
            expect_equal("rollover", target.server.ask("POST", f"/{target.name}/_rollover")[0], 200)

    proxy = HangUpProxy(scene, target.server.port, takes_away=5, then=roll_over)
    sink = {**target.sink(), "url": f"http://127.0.0.1:{proxy.port}"}
    _, report = under_load(
        scene, target, sink,
        lambda: None if wait_until(lambda: proxy.taken == 5, "answers taken away") else None)
    return f"5 answers lost: {report}"


def check_kill(scene: Scene, target: Target) -> str:
    """Killed under load and started again with its data."""
    def kill_and_start() -> None:
        target.server.kill()
        target.server.start()

    ledger, report = under_load(scene, target, target.sink(), kill_and_start)
    expect(ledger.flush["late_s_max"] < 1, f"a flush must not wait: {ledger.flush}")
    return f"killed: {report}"


def check_pause(scene: Scene, target: Target) -> str:
    """Hangs for longer than an attempt lasts, and goes on."""
    def pause_and_resume() -> None:
        target.server.pause()
        threading.Event().wait(1.5 * int(TIMEOUT[0]))
        target.server.resume()

    ledger, report = under_load(scene, target, target.sink(), pause_and_resume)
    expect(ledger.flush["late_s_max"] < 1, f"a flush must not wait: {ledger.flush}")
    return f"hung: {report}"


def check_no_data_streams(scene: Scene, server: SearchServer) -> str:
    """A server that has none: said clearly, and no index is made in its place."""
    name = "metrics-pitot-none"
    sink = {"type": "elasticsearch", "url": server.url, "data_stream": name}
    agent = scene.agent(settings(sink, interval="200ms", shutdown_deadline="500ms"))
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.sendto(b"x:1|g", agent.address("udp"))
    wait_until(lambda: "use index instead of data_stream" in agent.said(), "a word about it")
    ledger = agent.stop({"udp": 1})
    expect_equal("lost points", ledger.sinks["search"]["lost"], {"shutdown": 1})
    expect_equal("status of the index", server.ask("GET", f"/{name}")[0], 404)
    return "no data streams, and said so"


def check_conflicting_types(scene: Scene, target: Target) -> str:
    """A mapping of somebody else's that does not fit: the document is lost by name, the others
    are not."""
    target.server.ask("PUT", "/conflict-1", {"mappings": {"properties": {
        "value": {"type": "object"}}}})
    sink = {**target.sink(), "index": "conflict-1", "manage_template": False}
    sink.pop("data_stream", None)
    ledger = run_once(scene, sink, ["good:1|c", "bad.gauge:1|g", "fine:1|c"])
    expect_equal("lost points", ledger.sinks["search"]["lost"], {"rejected": 1})
    expect_equal("documents", target.server.count("conflict-1"), 2)
    log = "".join(path.read_text() for path in scene.folder.glob("agent*.log"))
    expect(r'a document of \"bad.gauge\" is refused and lost: 400' in log,
           f"the refused document must be named in the log:\n{log}")
    return "a refused document named"


def run_all(scene: Scene, server: SearchServer) -> str:
    """Everything, against one server that is started once."""
    scene.ends_with(server.kill)
    server.start()
    shown = [check_values(scene, Target(server, "values")),
             check_templates(scene, Target(server, "templates")),
             check_conflicting_types(scene, Target(server, "conflict"))]
    if not server.kind.has_data_streams:
        shown.append(check_no_data_streams(scene, server))
    shown += [check_hang_up(scene, Target(server, "hangup")),
              check_pause(scene, Target(server, "pause")),
              check_kill(scene, Target(server, "kill"))]
    return f"{server.kind.name}: " + "; ".join(shown)


def test_opensearch(scene: Scene) -> str:
    """With data streams."""
    return run_all(scene, search_server.opensearch(scene.folder, "opensearch"))


def test_elasticsearch(scene: Scene) -> str:
    """With indices of the day."""
    return run_all(scene, search_server.elasticsearch(scene.folder, "elasticsearch"))


if __name__ == "__main__":
    main(test_opensearch, test_elasticsearch, limit_s=FILE_LIMIT_S)
