"""The Prometheus text format 0.0.4, read strictly.

Used by harness.Pushgateway to say what a gateway holds. Anything that the format does not
allow raises MalformedText, for a test that reads loosely would not notice a gateway that
was given nonsense. It knows nothing of servers and of agents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
TYPES = ("counter", "gauge", "summary", "histogram", "untyped")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)(?: (-?\d+))?")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')
VALUE = re.compile(r"NaN|[+-]Inf|[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
ESCAPE = re.compile(r"\\(.)")
# Labels by which a gateway tells its groups apart; the rest belongs to the series.
GROUPING = ("job", "instance")

Labels = frozenset[tuple[str, str]]


class MalformedText(ValueError):
    """A line that is not in the format, with the line."""


@dataclass
class Group:
    """What was pushed under one job and instance."""

    values: dict[tuple[str, Labels], float] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of exactly this series; None when there is none."""
        return self.values.get((name, frozenset(labels.items())))

    def sum(self, name: str) -> float:
        """Over all series of this name."""
        return sum(value for (of, _), value in self.values.items() if of == name)

    def names(self) -> set[str]:
        """Of all samples: `x_seconds_sum` and `x_seconds` are two."""
        return {name for name, _ in self.values}


def unescape(text: str) -> str:
    """A label's value as it was before it was written."""
    return ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


def read_labels(text: str, line: str) -> dict[str, str]:
    """The labels between the braces."""
    labels: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = LABEL.match(text, position)
        if match is None or match[1] in labels:
            raise MalformedText(line)
        labels[match[1]] = unescape(match[2])
        position = match.end()
    return labels


def read_value(text: str, line: str) -> float:
    """Go's number syntax, as far as a server writes it."""
    if not VALUE.fullmatch(text):
        raise MalformedText(line)
    return float(text)


def read(text: str) -> dict[str, Group]:
    """All groups by their instance; what has no instance is under ""."""
    if text and not text.endswith("\n"):
        raise MalformedText("the last line has no end")
    groups: dict[str, Group] = {}
    types: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name in types or kind not in TYPES or not re.fullmatch(NAME, name):
                raise MalformedText(line)
            types[name] = kind
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        if match is None:
            raise MalformedText(line)
        labels = read_labels(match[2] or "", line)
        group = groups.setdefault(labels.get("instance", ""), Group(types=types))
        key = (match[1], frozenset(item for item in labels.items() if item[0] not in GROUPING))
        if key in group.values:
            raise MalformedText("twice: " + line)
        group.values[key] = read_value(match[3], line)
    return groups
