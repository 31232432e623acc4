#!/usr/bin/env python3
"""The binary in front of a real InfluxDB 1, over HTTP and UDP: InfluxQL gives back sums and
counts to the unit, percentiles to the stated error, and names and tags byte for byte; a server
that is killed and comes back, or hangs, has every point once; lines it refuses are counted to
the point.
"""

from __future__ import annotations

import random
import socket
import time
from collections import Counter

from harness import (Agent, Ledger, Scene, expect, expect_equal, main, no_flush_by_itself,
                     wait_until)
from influxdb_server import InfluxDB, identifier

DATABASE = "metrics"
HOST = "web-1"
# Percentiles of the sketch: sinks/README.md and protocol/histogram.h, schema 5.
RELATIVE_ERROR = 0.0109


def started(scene: Scene) -> InfluxDB:
    """A server with an empty database."""
    influx = InfluxDB(scene.folder, "influx")
    scene.ends_with(influx.kill)
    influx.start()
    influx.create_database(DATABASE)
    return influx


def settings(influx: InfluxDB, **options: object) -> dict[str, object]:
    """An agent with one UDP listener and this sink. Its host's name is fixed."""
    sink = {"type": "influxdb", "url": influx.url, "host_tag": "", "tags": {"host": HOST},
            **options}
    if "udp://" not in str(sink["url"]):
        sink.setdefault("database", DATABASE)
    return {"listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": {"history": sink}}


class Client:
    """Sends lines by UDP, as many to a datagram as fit."""

    def __init__(self, scene: Scene, agent: Agent) -> None:
        self._socket = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(agent.address("udp"))
        self.datagrams = 0
        self.lines = 0

    def send(self, *lines: str) -> None:
        """All of them."""
        waiting = ""
        for line in lines:
            if waiting and len((waiting + line).encode()) >= 1400:
                self._send(waiting)
                waiting = ""
            waiting += line + "\n"
        self._send(waiting)
        self.lines += len(lines)

    def _send(self, text: str) -> None:
        self._socket.send(text.encode())
        self.datagrams += 1


def sent_to(sink: dict[str, int], ledger: Ledger) -> str:
    """What became of the points."""
    return (f"{sink['offered']} points offered, {sink['delivered']} delivered, "
            f"lost {sink['lost'] or 0}, {ledger.accepted} lines")


ODD_TAGS = ["a b", "a,b", "a=b", 'say "hi"', "C:\\dir\\file", "x\\\\y", "x\\=y", "x\\ y",
            "é ü 🦊", "a'b", "%2C", "{}[]()", "#hash", "-", "\\lead", "a\u00a0b", "<&>;"]
ODD_NAMES = ["odd name", "odd,name", "odd=name", 'odd"name', "odd\\name", "oddé🦊", "odd'name",
             " odd", "odd/name;x"]


def odd_bytes(scene: Scene, influx: InfluxDB) -> str:
    """Counters and gauges under every odd tag and name, one interval, read back by name."""
    agent = scene.agent({**no_flush_by_itself(), **settings(influx)})
    client = Client(scene, agent)
    # A tag's value cannot hold ',' on the wire, nor '|'; a name neither ':'.
    values = [value for value in ODD_TAGS if "," not in value]
    for number, value in enumerate(values):
        client.send(f"tagged:{number + 1}|c|#odd:{value},k {number}=:v")
    for number, name in enumerate(ODD_NAMES):
        client.send(f"{name}:{number + 1}|g")
    ledger = agent.stop({"udp": client.datagrams})
    expect_equal("lost points", ledger.sinks["history"]["lost"], {})

    def all_there() -> bool:
        return len(influx.query('select * from "tagged" group by *', DATABASE)) == len(values)
    wait_until(all_there, "all tagged points")
    rows = {row["odd"]: row for row in influx.query('select * from "tagged" group by *',
                                                    DATABASE)}
    for number, value in enumerate(values):
        expect(value in rows, f"the tag value {value!r} must be read back, got {list(rows)}")
        row = rows[value]
        expect_equal(f"delta of {value!r}", row["delta"], number + 1)
        expect_equal(f"tag key beside {value!r}", row[f"k {number}="], "v")
        expect_equal("tags that are added", (row["host"], row["metric_type"]), (HOST, "counter"))
    for number, name in enumerate(ODD_NAMES):
        got = influx.value(f"select value from {identifier(name)}", DATABASE)
        expect_equal(f"the gauge {name!r}", got, number + 1)
    return f"{len(values)} tags and {len(ODD_NAMES)} names exact"


def test_sums_counts_percentiles(scene: Scene) -> str:
    """Every kind, sample rates, own times, events; several intervals' sums and one's values."""
    influx = started(scene)
    agent = scene.agent({**no_flush_by_itself(), **settings(influx)})
    agent.require_receive_buffer()
    client = Client(scene, agent)
    chance = random.Random(1)
    times = [round(chance.lognormvariate(3, 1), 3) for _ in range(5000)]
    sums: Counter[str] = Counter()
    for _ in range(5000):
        shard, value = str(chance.randrange(20)), chance.randint(1, 2000)
        sums[shard] += value
        client.send(f"hits:{value}|c|#shard:{shard}")
    for begin in range(0, len(times), 50):
        client.send("load:" + ":".join(map(str, times[begin:begin + 50])) + "|ms|#env:prod")
    client.send("sampled:3|c|@0.1", "sampled.size:10:20|h|@0.25", "few:12:18:15|d",
                *(f"users:{name % 700}|s" for name in range(2000)), "level:7|g", "level:4.5|g")
    now = int(time.time())
    client.send(*(f"late:2|c|T{now - 100}" for _ in range(3)), f"late:5|c|T{now - 99}",
                f"then:8|g|T{now - 50}")
    client.send("_e{5,8}:title|say \"hi\"|t:error|#env:prod", "_e{5,3}:again|two",
                "_sc|db|2|m:down")
    ledger = agent.stop({"udp": client.datagrams})
    expect_equal("lost points", ledger.sinks["history"]["lost"], {})
    expect_equal("kernel drops", ledger.kernel_drops, 0)

    for shard, total in sums.items():
        got = influx.value(f"select sum(delta) from hits where \"shard\" = '{shard}'", DATABASE)
        expect_equal(f"hits of shard {shard}", got, total)
    expect_equal("sampled", influx.value("select total from sampled", DATABASE), 30)
    expect_equal("sampled sizes", influx.query(
        'select count, sum, mean from "sampled.size"', DATABASE)[0]["sum"], 120)
    load = influx.query("select * from load group by *", DATABASE)[0]
    expect_equal("count", load["count"], len(times))
    expect(abs(load["sum"] / sum(times) - 1) < 1e-12, f"sum must be {sum(times)}, got {load}")
    expect_equal("min and max", (load["min"], load["max"]), (min(times), max(times)))
    ranked = sorted(times)
    for percent in (50, 90, 95, 99):
        truth = ranked[-(-len(ranked) * percent // 100) - 1]
        error = abs(load[f"p{percent}"] / truth - 1)
        expect(error < RELATIVE_ERROR, f"p{percent} must be {truth}, got {load[f'p{percent}']}")
    few = influx.query("select * from few", DATABASE)[0]
    expect_equal("few values", (few["count"], few["sum"], few["p50"], few["p99"]), (3, 45, 15, 18))
    unique = influx.value('select "unique" from "users"', DATABASE)
    expect(unique is not None and abs(unique / 700 - 1) < 0.05, f"users: about 700, got {unique}")
    expect_equal("level", influx.value("select value from level", DATABASE), 4.5)
    late = influx.query(f"select sum(delta) from late where time >= {now - 100}s "
                        f"and time < {now - 98}s group by time(1s)", DATABASE)
    expect_equal("late", [row["sum"] for row in late], [6, 5])
    events = influx.query("select * from events", DATABASE)
    expect_equal("events", [(event["title"], event["text"], event["alert_type"])
                            for event in events],
                 [("title", 'say "hi"', "error"), ("again", "two", "info")])
    checks = influx.query("select * from service_checks", DATABASE)
    expect_equal("service checks", [(check["check"], check["status"], check["message"])
                                    for check in checks], [("db", 2, "down")])
    return sent_to(ledger.sinks["history"], ledger)


def test_odd_bytes_over_http(scene: Scene) -> str:
    """Tags and names that need escaping."""
    return odd_bytes(scene, started(scene))


def test_odd_bytes_over_udp(scene: Scene) -> str:
    """The same by datagrams, whose database the server names."""
    influx = started(scene)
    agent = scene.agent({**no_flush_by_itself(), **settings(influx, url=influx.udp_url)})
    client = Client(scene, agent)
    client.send(*(f"hits:{number}|c|#odd:{value}" for number, value in enumerate(ODD_TAGS)
                  if "," not in value), *(f"many:1|c|#n:{number}" for number in range(2000)))
    ledger = agent.stop({"udp": client.datagrams})
    expect_equal("lost points", ledger.sinks["history"]["lost"], {})
    database = InfluxDB.UDP_DATABASE
    wait_until(lambda: influx.value("select count(delta) from many", database) == 2000,
               "all datagrams")
    expect_equal("sum", influx.value("select sum(delta) from many", database), 2000)
    found = {row["odd"] for row in influx.query("select * from hits group by *", database)}
    expect_equal("odd tags", found, {value for value in ODD_TAGS if "," not in value})
    return f"{len(found)} tags exact, 2000 series complete"


def outage(scene: Scene, kind: str) -> str:
    """The server is away for some intervals under load; every point is there once."""
    influx = started(scene)
    agent = scene.agent({"interval": "100ms", **settings(influx, timeout="1s")})
    agent.require_receive_buffer()
    client = Client(scene, agent)
    sums: Counter[int] = Counter()
    chance = random.Random(2)

    def send_some() -> None:
        lines = []
        for _ in range(200):
            series, value = chance.randrange(50), chance.randint(1, 9)
            sums[series] += value
            lines.append(f"hits:{value}|c|#n:{series}")
        client.send(*lines)

    def hits() -> float:
        return influx.value("select sum(delta) from hits", DATABASE) or 0

    def send_until(fact: float) -> None:
        def enough() -> bool:
            send_some()
            return time.monotonic() > fact
        wait_until(enough, "the time to pass")

    send_until(time.monotonic() + 0.5)
    wait_until(lambda: hits() > 0, "a first point")
    (influx.kill if kind == "killed" else influx.pause)()
    send_until(time.monotonic() + 2.5)
    (influx.start if kind == "killed" else influx.resume)()
    send_until(time.monotonic() + 0.5)
    wait_until(lambda: hits() == sum(sums.values()), "every point")
    ledger = agent.stop({"udp": client.datagrams})
    expect_equal("kernel drops", ledger.kernel_drops, 0)
    for series, total in sums.items():
        expect_equal(f"hits of {series}", influx.value(
            f"select sum(delta) from hits where n = '{series}'", DATABASE), total)
    sink = ledger.sinks["history"]
    expect_equal("lost points", sink["lost"], {})
    points = influx.value("select count(delta) from hits", DATABASE)
    expect_equal("points", points, sink["delivered"])
    return sent_to(sink, ledger)


def test_server_killed(scene: Scene) -> str:
    """SIGKILL, and back with what it had acknowledged."""
    return outage(scene, "killed")


def test_server_hangs(scene: Scene) -> str:
    """SIGSTOP: attempts time out, and some of them were stored after all."""
    return outage(scene, "paused")


def test_refused_lines_are_counted(scene: Scene) -> str:
    """Fields of another type, stored by somebody else: partial writes, exact to the line."""
    influx = started(scene)
    for number in range(3):
        influx.write(f"clash{number},host={HOST},metric_type=gauge value=1i", DATABASE)
    agent = scene.agent({**no_flush_by_itself(), **settings(influx)})
    client = Client(scene, agent)
    client.send(*(f"clash{number}:5|g" for number in range(3)),
                *(f"good{number}:5|g" for number in range(300)))
    ledger = agent.stop({"udp": client.datagrams})
    sink = ledger.sinks["history"]
    expect_equal("lost points", sink["lost"], {"rejected": 3})
    expect_equal("delivered points", sink["delivered"], 300)
    expect_equal("points there", len(influx.query("select value from /good.*/", DATABASE)), 300)
    return sent_to(sink, ledger)


def test_database_is_created_when_asked_to(scene: Scene) -> str:
    """A database that is not there: held without the option, made with it."""
    influx = started(scene)
    for creates in (False, True):
        agent = scene.agent({**no_flush_by_itself(), "shutdown_deadline": "2s",
                             **settings(influx, database="new", create_database=creates)})
        client = Client(scene, agent)
        client.send("hits:1|c")
        sink = agent.stop({"udp": 1}).sinks["history"]
        expect_equal("lost points", sink["lost"], {} if creates else {"shutdown": 1})
        expect(creates or "create_database = true" in agent.said(), "advice must be given")
    expect_equal("hits", influx.value("select sum(delta) from hits", "new"), 1)
    return "held with advice, then created"


if __name__ == "__main__":
    main(test_sums_counts_percentiles, test_odd_bytes_over_http, test_odd_bytes_over_udp,
         test_server_killed, test_server_hangs, test_refused_lines_are_counted,
         test_database_is_created_when_asked_to)
