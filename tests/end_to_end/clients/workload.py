"""What the real clients are told to call, and what a Pushgateway must then hold.

One list of calls serves all clients, each program of this folder makes them with its own
library, and compare() works out from the same list what the calls add up to. So no client
says itself what would be right.

A program reads one JSON document on standard input:

    {"transport": "udp" | "tcp" | "unix" | "unix-stream",
     "address": ["127.0.0.1", 8125] or "/a/path",
     "options": {…}           as the program's header says
     "chances": [0.1, 0.9],   what the client's source of chance answers, in turn
     "timestamp": 1700000000,
     "calls": [{"do": …, "name": …, "value": …, "tags": ["k:v", …], "rate": 1}, …]}

`do` is count, gauge, gauge_delta, timing (milliseconds), histogram, distribution, set,
count_at (with the time TIMESTAMP), event (name and value are title and text) or
service_check (value is the status).
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from exposition import Group

# Clients that sample keep every second call of these chances at a rate of 0.5, so that a
# sampled counter has one right total.
CHANCES = (0.1, 0.9)
SAMPLE_RATE = 0.5
TIMESTAMP = 1_700_000_000
# What a Pushgateway has no place for, by call, and the reason it is skipped under.
SKIPPED = {"event": "event", "service_check": "service_check", "count_at": "own_time"}
QUANTILES = (0.5, 0.9, 0.95, 0.99)
# Of the agent's histograms at schema 5: conf/pitot.toml.
RELATIVE_ERROR = 0.0109

Value = float | str


@dataclass(frozen=True)
class Call:
    """One call of a client's function."""

    do: str
    name: str
    value: Value
    tags: tuple[str, ...] = ()
    rate: float = 1


@dataclass(frozen=True)
class Features:
    """What a client can do, or does in the mode it is run in."""

    tags: bool = True
    types: tuple[str, ...] = ("timing", "histogram", "distribution")
    gauge_delta: bool = False
    sampled: bool = False
    # Characters outside of ASCII.
    unicode: bool = False
    # Events, service checks, and samples with a time of their own.
    dogstatsd: bool = True


@dataclass
class Expected:
    """What the calls of one series add up to."""

    total: float = 0
    values: list[float] = field(default_factory=list)
    members: set[str] = field(default_factory=set)


def counts(prefix: str, features: Features) -> list[Call]:
    """Counters with and without tags, up and down, by one and by more, sampled or not."""
    calls = [Call("count", f"{prefix}.visits", 1) for _ in range(50)]
    calls += [Call("count", f"{prefix}.bytes", value * 1009) for value in range(1, 41)]
    calls += [Call("count", f"{prefix}.jobs.open", value) for value in (20, -3, 15, -1, -6)]
    if features.sampled:
        calls += [Call("count", f"{prefix}.sampled", 3, rate=SAMPLE_RATE) for _ in range(60)]
    if features.tags:
        for route in ("/", "/cart", "/a-b"):
            calls += [Call("count", f"{prefix}.requests", value, (f"route:{route}", "zone:eu-1"))
                      for value in range(1, 12)]
    if features.unicode:
        calls += [Call("count", f"{prefix}.travels", 2, ("city:Zürich",)) for _ in range(7)]
    return calls


def timers(prefix: str, features: Features) -> list[Call]:
    """More values than are kept exactly, and fewer."""
    calls = []
    for kind in features.types:
        calls += [Call(kind, f"{prefix}.{kind}.many", value) for value in range(3, 303, 2)]
        tags = ("shard:a",) if features.tags else ()
        calls += [Call(kind, f"{prefix}.{kind}.few", value, tags) for value in (40, 7, 19, 7, 25)]
    return calls


def calls_of(prefix: str, features: Features) -> list[Call]:
    """All calls, mixed, in an order that is always the same."""
    tags = ("pool:main",) if features.tags else ()
    calls = counts(prefix, features) + timers(prefix, features)
    calls += [Call("set", f"{prefix}.users", f"user-{number % 37}", tags) for number in range(100)]
    random.Random(prefix).shuffle(calls)
    for value in (3, 12.25, 7.5):
        calls.insert(len(calls) // 2, Call("gauge", f"{prefix}.load", value, tags))
        calls.append(Call("gauge", f"{prefix}.depth", -value))
    if features.gauge_delta:
        calls.append(Call("gauge", f"{prefix}.level", 100))
        calls += [Call("gauge_delta", f"{prefix}.level", step) for step in (5, -30, 2.5)]
    if features.dogstatsd:
        text = "line one\nline two | " + ("déjà vu" if features.unicode else "seen")
        calls += [Call("event", f"deploy {number}", text, tags) for number in range(3)]
        # Clients that aggregate add up what has one name, whatever its time.
        calls += [Call("count_at", f"{prefix}.import{number}", 5, tags) for number in range(4)]
        calls += [Call("service_check", f"{prefix}.alive", status, tags) for status in (0, 2)]
    return calls


def add_up(calls: Iterable[Call]) -> dict[tuple[str, str, tuple[str, ...]], Expected]:
    """By kind, name and tags."""
    series: dict[tuple[str, str, tuple[str, ...]], Expected] = {}
    for call in calls:
        kind = "gauge" if call.do == "gauge_delta" else call.do
        expected = series.setdefault((kind, call.name, call.tags), Expected())
        if call.do == "set":
            expected.members.add(str(call.value))
        elif call.do == "gauge":
            expected.total = float(call.value)
        elif call.do in ("count", "gauge_delta"):
            expected.total += float(call.value)
        elif call.do not in SKIPPED:
            expected.values.append(float(call.value))
    return series


def metric_name(name: str) -> str:
    """As Prometheus allows it."""
    return re.sub(r"[^a-zA-Z0-9_:]", "_", name)


def nearest_rank(values: list[float], quantile: float) -> float:
    """The smallest value that has at least this share of the values at or below it."""
    return sorted(values)[max(math.ceil(quantile * len(values)), 1) - 1]


class Comparison:
    """Values of a gateway against what they must be."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.compared = 0
        self.differences: list[str] = []

    def number(self, wanted: float, name: str, labels: dict[str, str], error: float = 0) -> None:
        """One value; `error` is a share of it."""
        got = self._group.value(name, **labels)
        self.compared += 1
        if got is None or not abs(got - wanted) <= abs(wanted) * error:
            self.differences.append(f"{name}{labels or ''} must be {wanted:g}, got {got}")

    def timer(self, kind: str, name: str, values: list[float], samples_max: int,
              labels: dict[str, str]) -> None:
        """Count, sum and quantiles; of a timer that its client thinned out, the count."""
        unit = 1000 if kind == "timing" else 1
        family = metric_name(name) + ("_seconds" if kind == "timing" else "")
        self.number(len(values), family + "_count", labels)
        if 0 < samples_max < len(values):
            return
        self.number(sum(values) / unit, family + "_sum", labels)
        for quantile in QUANTILES:
            self.number(nearest_rank(values, quantile) / unit, family,
                        {**labels, "quantile": f"{quantile:g}"}, RELATIVE_ERROR)


def compare(group: Group, calls: Iterable[Call], samples_max: int = 0) -> Comparison:
    """Everything the calls add up to, and that the gateway has a place for."""
    comparison = Comparison(group)
    for (kind, name, tags), expected in add_up(calls).items():
        labels = dict(tag.split(":", 1) for tag in tags)
        if kind == "count":
            comparison.number(expected.total, metric_name(name) + "_total", labels)
        elif kind == "gauge":
            comparison.number(expected.total, metric_name(name), labels)
        elif kind == "set":
            comparison.number(len(expected.members), metric_name(name), labels)
        elif kind not in SKIPPED:
            comparison.timer(kind, name, expected.values, samples_max, labels)
    return comparison
