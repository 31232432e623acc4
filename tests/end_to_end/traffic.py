"""Load that is sent by a schedule, and what it adds up to.

A Source is one socket with a cycle of payloads; a PacedSender sends the payloads of its
sources in turn, each at its moment, whatever the receiver does, and says how late it was
itself. What was sent is known afterwards: expected() multiplies each payload by the number
of times it went out. Used by the tests of load, outages and hostile senders.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from exposition import Group
from harness import expect, expect_equal

# What clients fill a datagram with for a network of 1500 bytes.
PAYLOAD_BYTES_MAX = 1400
# The sender wakes up at most once in this time; what is due by then goes out together.
WAKE_UP_S = 0.001
SERIES_PREFIX = "traffic"


@dataclass(frozen=True)
class Line:
    """One sample."""

    kind: str  # as on the wire
    series: str
    value: int

    def text(self) -> str:
        """As on the wire; counters are told apart by a tag, all others by name."""
        if self.kind == "c":
            return f"{SERIES_PREFIX}.hits:{self.value}|c|#id:{self.series}"
        return f"{SERIES_PREFIX}.{self.kind}.{self.series}:{self.value}|{self.kind}"


@dataclass
class Source:
    """One socket's cycle. `send` sends a payload whole or raises."""

    send: Callable[[bytes], object]
    lines: list[list[Line]]
    sent: int = 0  # payloads

    def __post_init__(self) -> None:
        self.payloads = ["\n".join(line.text() for line in lines).encode()
                         for lines in self.lines]

    def send_next(self) -> None:
        """The next payload of the cycle."""
        self.send(self.payloads[self.sent % len(self.payloads)])
        self.sent += 1

    def times_sent(self, index: int) -> int:
        """How often a payload of the cycle went out."""
        whole, rest = divmod(self.sent, len(self.payloads))
        return whole + (index < rest)

    def lines_sent(self) -> int:
        """In all payloads."""
        return sum(self.times_sent(index) * len(lines) for index, lines in enumerate(self.lines))


def pack(lines: list[Line]) -> list[list[Line]]:
    """Payloads of at most PAYLOAD_BYTES_MAX, in order."""
    payloads: list[list[Line]] = []
    size = 0
    for line in lines:
        length = len(line.text()) + 1
        if not payloads or size + length > PAYLOAD_BYTES_MAX:
            payloads.append([])
            size = 0
        payloads[-1].append(line)
        size += length
    return payloads


def mixed_lines(source: int, sources: int, count: int, series: int) -> list[Line]:
    """`count` lines over `series` series of all kinds, the same at every run.

    All sources feed the same counters, timers, histograms, distributions and sets; each has
    its own gauges, for between two sockets there is no order that a last value could be
    told by.
    """
    chance = random.Random(source)
    kinds = ["c"] * 8 + ["ms"] * 4 + ["h", "h", "d", "d"] + ["g"] * 3 + ["s"]
    lines = []
    for _ in range(count):
        number = chance.randrange(series)
        kind = kinds[number % len(kinds)]
        if kind == "g":
            number -= (number // len(kinds) % sources - source) * len(kinds)
        lines.append(Line(kind, str(number), chance.randint(1, 2000)))
    return lines


@dataclass
class Expected:
    """What everything that was sent adds up to, by series."""

    counters: Counter[str] = field(default_factory=Counter)
    gauges: dict[str, int] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, line: Line, times: int) -> None:
        """A line that was sent so often."""
        if line.kind == "c":
            self.counters[line.series] += times * line.value
        elif line.kind in ("ms", "h", "d"):
            self.counts[line.kind, line.series] += times
            self.sums[line.kind, line.series] += times * line.value

    def compare(self, group: Group) -> int:
        """Raises Failure at the first value that differs; returns how many do not."""
        for series, total in self.counters.items():
            got = group.value(f"{SERIES_PREFIX}_hits_total", id=series)
            expect_equal(f"counter {series}", got, total)
        for series, value in self.gauges.items():
            expect_equal(f"gauge {series}", group.value(f"{SERIES_PREFIX}_g_{series}"), value)
        for (kind, series), count in self.counts.items():
            name = f"{SERIES_PREFIX}_{kind}_{series}" + ("_seconds" if kind == "ms" else "")
            expect_equal(name, group.value(name + "_count"), count)
            seconds_or_units = self.sums[kind, series] / (1000 if kind == "ms" else 1)
            expect_equal(name, group.value(name + "_sum"), seconds_or_units)
        return len(self.counters) + len(self.gauges) + 2 * len(self.counts)


def expected(sources: list[Source]) -> Expected:
    """The sums of what was sent until now."""
    result = Expected()
    for source in sources:
        for index, lines in enumerate(source.lines):
            times = source.times_sent(index)
            for line in lines if times else []:
                result.add(line, times)
        # The last cycle has every gauge's last value.
        first = max(0, source.sent - len(source.payloads))
        for number in range(first, source.sent):
            for line in source.lines[number % len(source.lines)]:
                if line.kind == "g":
                    result.gauges[line.series] = line.value
    return result


class PacedSender:
    """Sends the payloads of its sources in turn, at an even pace, on a thread of its own.

    It ends after `seconds`, or when it is told to. Falling behind does not change what is
    sent, only when: what is late goes out at once.
    """

    def __init__(self, sources: list[Source], lines_per_s: float, seconds: float) -> None:
        self._sources = sources
        in_cycle = sum(len(source.lines) for source in sources)
        lines_in_cycle = sum(len(lines) for source in sources for lines in source.lines)
        self._payloads_per_s = lines_per_s * in_cycle / lines_in_cycle
        self._payloads_max = max(1, round(self._payloads_per_s * seconds))
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="sender")
        self.late_s_max = 0.0
        self.elapsed_s = 0.0

    def __enter__(self) -> PacedSender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def stop(self) -> None:
        """Sends no more; what was sent is final after that."""
        self._stop.set()
        self.join()

    def join(self) -> None:
        """Until the time is over."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def lines_sent(self) -> int:
        """So far."""
        expect(self._error is None, f"the sender failed: {self._error}")
        return sum(source.lines_sent() for source in self._sources)

    def report(self) -> str:
        """What was sent, and how far behind its schedule the sender itself was at most."""
        lines = self.lines_sent()
        return (f"{lines} lines in {self.elapsed_s:.1f} s, {lines / self.elapsed_s:.0f} a second, "
                f"the sender up to {self.late_s_max * 1000:.0f} ms late")

    def _run(self) -> None:
        try:
            self._send_all()
        except OSError as error:
            self._error = error

    def _send_all(self) -> None:
        started = time.monotonic()
        sent = 0
        while sent < self._payloads_max and not self._stop.is_set():
            now = time.monotonic() - started
            due = min(self._payloads_max, int(now * self._payloads_per_s) + 1)
            self.late_s_max = max(self.late_s_max, now - sent / self._payloads_per_s)
            while sent < due:
                self._sources[sent % len(self._sources)].send_next()
                sent += 1
            rest = sent / self._payloads_per_s - (time.monotonic() - started)
            self._stop.wait(max(rest, WAKE_UP_S))
        self.elapsed_s = time.monotonic() - started
