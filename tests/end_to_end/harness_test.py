#!/usr/bin/env python3
"""The instruments of this folder can fail: an account that does not add up, text that is not
in the format, a value that is off by one and a fact that does not come are all noticed.

No agent runs here, and one process that gives the instruments a hard time.
"""

from __future__ import annotations

import copy
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import exposition
from clients import workload
from clients.workload import Call
from harness import (Failure, Ledger, Scene, Server, check_equations, expect, expect_equal,
                     main, toml, wait_until)
from traffic import Line, Source, expected, pack

ACCOUNT: dict[str, Any] = {
    "closed": True,
    "listeners": {"a": {"datagrams": 7, "kernel_drops": 2}},
    "lines": {"total": 10, "accepted": 8, "rejected": {"no_type": 1, "truncated": 1}},
    "samples": {"total": 9, "aggregated": 8, "limited": {"bytes": 1, "overflow_series": 3}},
    "flush": {}, "series": {},
    "sinks": {"out": {"offered": 12, "delivered": 5, "queued": 0, "in_flight": 0,
                      "superseded": 4, "lost": {"rejected": 1}, "skipped": {"event": 2}}},
}

WELL_FORMED = """\
# HELP a_total counter "a"
# TYPE a_total counter
a_total{instance="i",job="j",path="C:\\\\x \\"y\\"\\n"} 3
# TYPE t summary
t{instance="i",job="j",quantile="0.5"} NaN
t_sum{instance="i",job="j"} 1.5e-05
t_count{instance="i",job="j"} 2
up 1
"""


def fails(action: Callable[[], object], *errors: type[Exception]) -> bool:
    """Whether it raises one of these."""
    try:
        action()
    except errors:
        return True
    return False


def test_equations(_: Scene) -> str:
    """Each number of the account, wrong by one, opens it."""
    check_equations(Ledger(ACCOUNT), {"a": 9})
    checked = 0
    paths = [("lines", "total"), ("lines", "accepted"), ("lines", "rejected", "no_type"),
             ("samples", "total"), ("samples", "aggregated"), ("samples", "limited", "bytes"),
             ("listeners", "a", "datagrams"), ("listeners", "a", "kernel_drops")]
    paths += [("sinks", "out", name) for name in ("offered", "delivered", "queued", "in_flight",
                                                  "superseded")]
    paths += [("sinks", "out", "lost", "rejected"), ("sinks", "out", "skipped", "event")]
    for path in paths:
        account = copy.deepcopy(ACCOUNT)
        place = account
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] += 1
        expect(fails(lambda: check_equations(Ledger(account), {"a": 9}), Failure),
               f"{'.'.join(path)} is wrong by one, and nobody noticed")
        checked += 1
    unclosed = {**ACCOUNT, "closed": False}
    expect(fails(lambda: check_equations(Ledger(unclosed), {}), Failure), "closed: false")
    return f"{checked} numbers, each noticed when wrong by one"


def test_exposition(_: Scene) -> str:
    """What the format allows is read, and nothing else."""
    groups = exposition.read(WELL_FORMED)
    group = groups["i"]
    expect_equal("a_total", group.value("a_total", path='C:\\x "y"\n'), 3)
    expect_equal("t_sum", group.value("t_sum"), 1.5e-05)
    expect_equal("without an instance", groups[""].value("up"), 1)
    expect_equal("a series that is not there", group.value("a_total", path="x"), None)
    malformed = ["a 1", "1a 1\n", "a{b=1} 1\n", 'a{b="1"c="2"} 1\n', 'a{b="1",b="2"} 1\n',
                 'a{b="\\x"} 1\n', "a  1\n", "a 0x1\n", "a 1_0\n", "a nan\n", "a\n", "a 1\na 1\n",
                 "# TYPE a number\n", "# TYPE a gauge\n# TYPE a gauge\n"]
    for text in malformed:
        expect(fails(lambda: exposition.read(text), exposition.MalformedText),
               f"must be refused: {text!r}")
    return f"{len(malformed)} malformed texts refused"


def test_comparisons(_: Scene) -> str:
    """Values that are missing or off by one are differences."""
    calls = [Call("count", "n", 2), Call("count", "n", 3), Call("timing", "t", 40, ("a:b",))]
    right = ("n_total{instance=\"i\"} 5\nt_seconds_count{a=\"b\",instance=\"i\"} 1\n"
             "t_seconds_sum{a=\"b\",instance=\"i\"} 0.04\n")
    right += "".join(f't_seconds{{a="b",instance="i",quantile="{quantile:g}"}} 0.0401\n'
                     for quantile in workload.QUANTILES)
    expect_equal("differences", workload.compare(exposition.read(right)["i"], calls).differences,
                 [])
    for line in right.splitlines():
        name, value = line.rsplit(" ", 1)
        for wrong in (right.replace(line + "\n", ""), right.replace(line, f"{name} {value}9")):
            result = workload.compare(exposition.read(wrong)["i"], calls)
            # A ninth of a thousandth more is within the error of a quantile.
            allowed = "quantile" in line and wrong != right.replace(line + "\n", "")
            expect(bool(result.differences) != allowed, f"must be noticed: {name}")

    source = Source(lambda _: None, pack([Line("c", "1", 5), Line("ms", "2", 30)]))
    for _number in range(3):
        source.send_next()
    text = ('traffic_hits_total{id="1",instance="i"} 15\ntraffic_ms_2_seconds_count'
            '{instance="i"} 3\ntraffic_ms_2_seconds_sum{instance="i"} 0.09\n')
    expect_equal("values compared", expected([source]).compare(exposition.read(text)["i"]), 3)
    for wrong in (text.replace(" 15", " 16"), text.replace("} 3\n", "} 2\n"),
                  text.replace("0.09", "0.12")):
        expect(fails(lambda: expected([source]).compare(exposition.read(wrong)["i"]), Failure),
               f"must be noticed: {wrong}")
    return "every missing and every wrong value noticed"


def test_waiting_and_settings(_: Scene) -> str:
    """A fact that does not come is a failure, and settings are TOML."""
    answers = iter([0, None, "", 7])
    expect_equal("the first true answer", wait_until(lambda: next(answers), "an answer"), 7)
    expect(fails(lambda: wait_until(lambda: False, "never", 0.05), Failure), "a deadline")
    settings = {"interval": "1s", "shards": 2, "sinks": {"a": {"url": 'x"y\\z', "gzip": True}},
                "percentiles": [50, 99.9]}
    expect_equal("TOML read back", tomllib.loads(toml(settings)), settings)
    return "the deadline holds, and settings are read back as they were"


# Listens, and lets files and threads come and go as fast as it can.
RESTLESS = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def churn():
    while True:
        for _ in range(50):
            open("/dev/null").close()
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
for _ in range(3):
    threading.Thread(target=churn, daemon=True).start()
churn()
"""


def test_restless_process(scene: Scene) -> str:
    """Files and threads that are gone between two looks at /proc are not a failure."""
    server = Server([sys.executable, "-c", RESTLESS], scene.folder / "restless.log")
    scene.ends_with(server.kill)
    port = server.wait_ready(server.listening_port, "its port")
    for _ in range(100):
        expect_equal("the port", server.listening_port(), port)
    for _ in range(30):
        server.pause()
        server.resume()
    expect_equal("a port of a kind that it has not", server.listening_port("udp"), 0)
    return "100 looks at its files and 30 pauses"


if __name__ == "__main__":
    main(test_equations, test_exposition, test_comparisons, test_waiting_and_settings,
         test_restless_process)
