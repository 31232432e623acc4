#!/usr/bin/env python3
"""What a line costs the whole process, beside a loop that receives and throws away.

    tests/bench/whole_process.py build/release/pitot                     all of it: half an hour
    tests/bench/whole_process.py build/release/pitot --only cost --rounds 3
    tests/bench/whole_process.py build/release/pitot --other 'NAME=PORT=COMMAND'
    tests/bench/whole_process.py build/release/pitot --smoke             seconds: does it work?

Sections: cost (processor time of a line under loads of a given rate), ceiling (the highest rate
without a drop), memory (of a series), flush (processor time of a series, stall of the intake),
rules (what 200 rules of alerts cost the intake, and the flush).
Every figure of a line is measured in rounds: pitot and the null receiver one after the other,
each as a new process, fed by the same generator; the ratio is that of the two in one round. What
is printed are medians, with the least and the most. README.md of this folder says what each
figure includes.

A run in which the account does not close, or whose sender could not keep to its schedule, is void:
it is told, and in no figure. Prints a table, and writes everything as one JSON file (--json).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from servers import (Cpu, Generator, Load, Machine, Null, Other, Pitot, Server, Tools, Void,
                     pause, resident_bytes, thread_cpu_ns)

# A sender that took this much longer than planned sent another load than the one asked for.
TOOK_TOO_LONG = 1.02
NULL_WAIT_US = 1000

LOADS = [
    Load("everyday", "20,000 datagrams/s of one line", 20_000, datagram_bytes=0),
    Load("everyday packed", "100,000 lines/s in 1432-byte datagrams", 100_000),
    Load("everyday unix", "20,000 Unix datagrams/s of one line", 20_000, datagram_bytes=0,
         is_unix=True),
    Load("single lines", "datagrams of one line, as fast as they come", datagram_bytes=0),
    Load("packed", "2,000,000 lines/s with 3 tags in 1432-byte datagrams", 2_000_000, tags=3,
         types="mixed", short_names=False),
    Load("large", "2,000,000 lines/s with 3 tags in 8192-byte datagrams", 2_000_000, tags=3,
         types="mixed", short_names=False, datagram_bytes=8192),
    Load("100 k series", "1,000,000 lines/s of 100,000 series, 3 tags, 1432 bytes", 1_000_000,
         series=100_000, tags=3, types="mixed", short_names=False),
    Load("1 M series", "1,000,000 lines/s of 1,000,000 series, 3 tags, 1432 bytes", 1_000_000,
         series=1_000_000, tags=3, types="mixed", short_names=False),
    Load("two shards", "as packed, 1,000,000 lines/s from 4 sources on two shards", 1_000_000,
         tags=3, types="mixed", short_names=False, sources=4, shards=2),
    Load("one shard", "the same on one shard", 1_000_000, tags=3, types="mixed",
         short_names=False, sources=4),
]
CEILINGS = [
    Load("ceiling, single lines", "one line a datagram", datagram_bytes=0),
    Load("ceiling, packed", "1432-byte datagrams"),
]
@dataclass(frozen=True)
class Held:
    """Series of which there are many, to see what one takes."""

    types: str
    lines_each: int = 1  # in an interval
    tags: int = 0  # and then names of 28 bytes
    goal_bytes: float | None = None


MEMORY = [Held("counters", goal_bytes=150), Held("gauges", goal_bytes=150),
          Held("timers", 5, goal_bytes=300), Held("counters", tags=3)]
# Nanoseconds of a line, or ratios to null; what is not here has no goal.
GOALS = {("everyday", "ratio"): 0.4, ("everyday packed", "ratio"): 1.3,
         ("single lines", "ratio"): 1.15, ("packed", "ns"): 100, ("large", "ns"): 70,
         ("100 k series", "ns"): 120, ("1 M series", "ns"): 220}


SECTIONS = ["cost", "ceiling", "memory", "flush", "rules"]
RULES = 200
# Of the shard's time for a line, beside no rules; and of a core, for evaluating them.
RULES_INTAKE_GOAL, RULES_CORE_GOAL = 1.02, 0.05


def alert_rules() -> dict[str, Any]:
    """Each reads a thousandth of the series of a load with long names, and never fires."""
    amounts = ("increase({}[6f])", "p95({}[6f])")  # a third of the series are timers
    return {"max_state": "256MiB"} | {f"rule_{number}": {
        "condition": amounts[number % 2].format(f'"checkout.orders.http.*{number:03}"') +
        f" by (host) > {'1e15' if number % 2 == 0 else '100d'}"} for number in range(RULES)}


@dataclass
class Scale:
    """How much of everything."""

    rounds: int = 5
    seconds: float = 10
    search_seconds: float = 3
    search_steps: int = 7
    series: int = 1_000_000  # of memory and flush
    interval_s: int = 10
    most_lines_per_s: float = 1e9
    most_series: int = 1_000_000
    is_strict: bool = True  # a late sender makes a run void
    loads: list[str] = field(default_factory=lambda: [load.name for load in LOADS])
    ceilings: list[Load] = field(default_factory=lambda: CEILINGS)
    memory: list[Held] = field(default_factory=lambda: MEMORY)
    shards: tuple[int, ...] = (1, 2)  # of flush

    @property
    def fill_s(self) -> float:
        """In which all series are sent, so that it fits well into an interval."""
        return 0.3 * self.interval_s


# One of each kind.
SMOKE = Scale(rounds=1, seconds=0.2, search_seconds=0.1, search_steps=1, series=2_000,
              interval_s=1, most_lines_per_s=20_000, most_series=2_000, is_strict=False,
              loads=["everyday", "everyday unix", "two shards"], ceilings=CEILINGS[1:],
              memory=MEMORY[2:3], shards=(2,))


@dataclass
class Figure:
    """One line of the table."""

    name: str
    what: str
    unit: str
    values: list[float]
    of: str = "pitot"
    goal: float | None = None
    at_least: bool = False  # the goal is a floor, not a ceiling
    notes: list[str] = field(default_factory=list)

    def row(self) -> str:
        """As it stands in the table."""
        if not self.values:
            return f"{self.name:<24}{self.of:<20}{'void':>12}"
        median = statistics.median(self.values)
        text = (f"{self.name:<24}{self.of:<20}{short(median):>12}{short(min(self.values)):>12}"
                f"{short(max(self.values)):>12} {self.unit:<8}")
        if self.goal is not None:
            reached = median >= self.goal if self.at_least else median <= self.goal
            text += f" {'>=' if self.at_least else '<='} {short(self.goal):<6}"
            text += "" if reached else " not reached"
        return (text + ("  " + "; ".join(sorted(set(self.notes))) if self.notes else "")).rstrip()

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        median = statistics.median(self.values) if self.values else None
        return {**self.__dict__, "median": median}


def short(value: float) -> str:
    """Three digits at least, and none that mean nothing."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


class Bench:
    """Runs loads, and keeps all that was measured."""

    def __init__(self, tools: Tools, scale: Scale, folder: Path,
                 others: list[tuple[str, int, str]]) -> None:
        self.tools, self.scale, self.folder, self.others = tools, scale, folder, others
        self.runs: list[dict[str, Any]] = []
        self.figures: list[Figure] = []
        self.voids = 0

    # --- one run ------------------------------------------------------------------------

    def send(self, server: Server, load: Load, *arguments: str) -> dict[str, Any]:
        """One generator to its end."""
        return Generator(self.tools, load, server, *arguments).go()

    def warm(self, server: Server, load: Load) -> dict[str, Any]:
        """Every series once: births are no part of a steady state."""
        rate = min(500_000, self.scale.most_lines_per_s * 10)
        return self.send(server, replace(load, sources=max(load.sources, 1)), "--draw", "in-turn",
                         "--cycles", "1", "--lines", str(load.series), "--lines-per-second",
                         str(rate if load.datagram_bytes else min(rate, 100_000)))

    def measure(self, server: Server, load: Load, seconds: float,
                lines_per_s: float) -> dict[str, Any]:
        """One load, with what it cost the server."""
        generator = Generator(self.tools, load, server, "--seconds", str(seconds),
                              "--lines-per-second", str(lines_per_s),
                              "--lines", str(max(100_000, load.series)))
        drops, cpu, machine = server.drops(), Cpu.of(server.pid), Machine.now()
        sent = generator.go()
        pause()
        used = Cpu.of(server.pid).since(cpu)
        around = Machine.now()
        drops = server.drops() - drops
        lines = sent["lines"] * (1 - drops / sent["datagrams"])
        ticks = os.sysconf("SC_CLK_TCK")
        elapsed_s = around.at_s - machine.at_s
        others = (around.busy - machine.busy) / ticks - used.total * 1e-9 - sent["cpu_s"]
        return {"sent": sent, "drops": drops, "ns": used.total / lines, "user_ns":
                used.user / lines, "system_ns": used.system / lines,
                "lines_per_s": sent["lines"] / sent["took_s"],
                "others_cores": max(0.0, others / elapsed_s),
                "stolen_cores": (around.stolen - machine.stolen) / ticks / elapsed_s}

    def is_late(self, run: dict[str, Any], seconds: float, lines_per_s: float) -> bool:
        """Whether the sender sent another load than it was asked for."""
        return lines_per_s > 0 and (not run["sent"]["complete"] or
                                    run["sent"]["took_s"] > seconds * TOOK_TOO_LONG + 0.02)

    def attempt(self, make: Callable[[], Server], load: Load,
                work: Callable[[Server], tuple[dict[str, Any], list[dict[str, Any]]]]
                ) -> dict[str, Any] | None:
        """A server from its start to its account; None when the run is void.

        `work` gives what was measured, and everything that was sent.
        """
        server = None
        try:
            server = make()
            run, sents = work(server)
            drops = server.drops()
            account = server.stop(sum(sent["datagrams"] for sent in sents),
                                  sum(sent["lines"] for sent in sents))
            if server.port and account["kernel_drops"] != drops:
                raise Void(f"the kernel counted {drops} drops, the server {account}")
        except Void as reason:
            self.voids += 1
            kind = server.kind if server else "server"
            print(f"void: {load.name}, {kind}: {reason}", file=sys.stderr)
            self.runs.append({"load": load.name, "server": kind, "void": str(reason)})
            return None
        finally:
            if server is not None:
                server.kill()
        run |= {"load": load.name, "server": server.kind, "account": account,
                "receive_buffer": server.receive_buffer}
        self.runs.append(run)
        return run

    def servers(self, load: Load, with_waiting: bool) -> list[Callable[[], Server]]:
        """Those that are compared under a load."""
        makers: list[Callable[[], Server]] = [
            lambda: Null(self.tools, load, self.folder),
            lambda: Pitot(self.tools, load, self.folder, interval=f"{self.scale.interval_s}s")]
        if with_waiting:
            makers.append(lambda: Null(self.tools, load, self.folder, NULL_WAIT_US))
        if not load.is_unix:
            for name, port, command in self.others:
                makers.append(lambda name=name, port=port, command=command: Other(
                    self.tools, name, command, port, self.folder / f"{name}.log"))
        return makers

    def rounds(self, load: Load, with_waiting: bool,
               work: Callable[[Server], tuple[dict[str, Any], list[dict[str, Any]]]]
               ) -> list[dict[str, dict[str, Any]]]:
        """By round, what each server did; the order changes from round to round."""
        all_rounds = []
        for number in range(self.scale.rounds):
            makers = self.servers(load, with_waiting)
            runs = [self.attempt(make, load, work)
                    for make in (makers if number % 2 == 0 else reversed(makers))]
            all_rounds.append({run["server"]: run for run in runs if run is not None})
            print(".", end="", file=sys.stderr, flush=True)
        return all_rounds

    # --- the sections -------------------------------------------------------------------

    def cost(self, load: Load) -> None:
        """Processor time of a line."""
        lines_per_s = min(load.lines_per_s, self.scale.most_lines_per_s)
        load = replace(load, series=min(load.series, self.scale.most_series))

        def work(server: Server) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            warm = self.warm(server, load)
            run = self.measure(server, load, self.scale.seconds, lines_per_s)
            if self.scale.is_strict and self.is_late(run, self.scale.seconds, lines_per_s):
                raise Void(f"the sender fell behind: {run['sent']}")
            return run, [warm, run["sent"]]

        rounds = self.rounds(load, 0 < load.lines_per_s <= 100_000, work)
        kinds = sorted({kind for runs in rounds for kind in runs}, key=lambda k: (k != "pitot", k))
        for kind in kinds:
            runs = [round_[kind] for round_ in rounds if kind in round_]
            notes = [f"drops {sum(run['drops'] for run in runs):,}"]
            is_pitot = kind == "pitot"
            self.figures.append(Figure(
                load.name, load.what, "ns/line", [run["ns"] for run in runs], kind,
                GOALS.get((load.name, "ns")) if is_pitot else None, notes=notes))
            if is_pitot:
                self.figures += [
                    Figure("  user", load.what, "ns/line", [run["user_ns"] for run in runs]),
                    Figure("  system", load.what, "ns/line", [run["system_ns"] for run in runs])]
            if kind != "null":
                self.figures.append(self.ratio(load, rounds, kind, "ns"))

    def ratio(self, load: Load, rounds: list[dict[str, dict[str, Any]]], kind: str, key: str,
              goal: float | None = None, at_least: bool = False) -> Figure:
        """To the null receiver of the same round."""
        values = [runs[kind][key] / runs["null"][key] for runs in rounds
                  if kind in runs and "null" in runs and runs["null"][key] > 0]
        if goal is None and kind == "pitot":
            goal = GOALS.get((load.name, "ratio"))
        return Figure("  to null", load.what, "", values, kind, goal, at_least)

    def ceiling(self, load: Load) -> None:
        """The highest rate without a drop, by halving between none and all that was sent."""
        scale = self.scale

        def work(server: Server) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            sents = [self.warm(server, load)]

            def is_drop_free(lines_per_s: float) -> tuple[bool, dict[str, Any]]:
                run = self.measure(server, load, scale.search_seconds, lines_per_s)
                sents.append(run["sent"])
                tries.append({"lines_per_s": run["lines_per_s"], "drops": run["drops"]})
                return run["drops"] == 0, run

            tries: list[dict[str, Any]] = []
            good, run = is_drop_free(0)
            low, high = (run["lines_per_s"], 0.0) if good else (0.0, run["lines_per_s"])
            for _ in range(scale.search_steps if not good else 0):
                middle = (low + high) / 2
                good, run = is_drop_free(middle)
                if good:
                    low = max(low, run["lines_per_s"])
                else:
                    high = middle
            return {"ceiling": low, "tries": tries, "is_sender_bound": high == 0}, sents

        rounds = self.rounds(load, False, work)
        for kind in sorted({kind for runs in rounds for kind in runs}, key=lambda k: k != "pitot"):
            runs = [round_[kind] for round_ in rounds if kind in round_]
            bound = sum(run["is_sender_bound"] for run in runs)
            self.figures.append(Figure(
                load.name, load.what, "lines/s", [run["ceiling"] for run in runs], kind,
                10e6 if kind == "pitot" and load.datagram_bytes else None, True,
                [f"sender-bound in {bound} of {len(runs)}"]))
            if kind != "null":
                goal = 0.87 if kind == "pitot" and not load.datagram_bytes else None
                self.figures.append(self.ratio(load, rounds, kind, "ceiling", goal, True))

    def memory(self, held: Held) -> None:
        """Resident bytes of a series, in the steady state: both pages were in use."""
        count = self.scale.series
        names = f"{held.tags} tags and names of 28 bytes" if held.tags else "short names"
        load = Load(f"memory, {held.types}" + (f", {held.tags} tags" if held.tags else ""),
                    f"{count:,} {held.types} with {names}, {held.lines_each} line(s) each in an "
                    "interval", series=count, types=held.types, tags=held.tags,
                    short_names=not held.tags)
        lines_per_s = str(count * held.lines_each / self.scale.fill_s)

        def work(server: Server) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            assert isinstance(server, Pitot)
            server.wait_for_flush()
            idle, _ = resident_bytes(server.pid)
            sents: list[dict[str, Any]] = []
            intake = 0
            for _ in range(3):
                server.wait_for_flush()
                sents.append(self.send(
                    server, load, "--draw", "in-turn", "--lines", str(count), "--cycles",
                    str(held.lines_each), "--lines-per-second", lines_per_s))
                intake = intake or resident_bytes(server.pid)[0]  # before any flush of them
            filled, _ = resident_bytes(server.pid)  # one page full, the other one was
            server.wait_for_flush()
            server.wait_for_flush()
            pause()
            after, peak = resident_bytes(server.pid)
            server.scrape()
            return {"bytes": (filled - idle) / count, "intake_bytes": (intake - idle) / count,
                    "after_bytes": (after - idle) / count,
                    "peak_bytes": (peak - idle) / count,
                    "scraped_bytes": (resident_bytes(server.pid)[1] - idle) / count,
                    "idle": idle}, sents

        run = self.attempt(lambda: Pitot(self.tools, load, self.folder,
                                         interval=f"{self.scale.interval_s}s"), load, work)
        if run is None:
            return
        series = run["account"]["series"]
        table = series["table_bytes"] / count
        self.figures += [
            Figure(load.name, load.what, "B", [run["bytes"]], goal=held.goal_bytes,
                   notes=[f"names, tags and rows {table:.0f} B"]),
            Figure("  of it the intake", load.what, "B", [run["intake_bytes"]],
                   goal=held.goal_bytes),
            Figure("  after the flush", load.what, "B", [run["after_bytes"]]),
            Figure("  peak, with encoding", load.what, "B", [run["peak_bytes"]]),
            Figure("  peak, with a scrape", load.what, "B", [run["scraped_bytes"]])]

    def flush(self, shards: int) -> None:
        """Processor time of the flush for a series with news, and the stall of the intake."""
        count = self.scale.series
        load = Load(f"flush, {shards} shard(s)", f"{count:,} counters with news, page of metrics",
                    series=count, shards=shards, sources=8 if shards > 1 else 1)
        # Through all lines so often: each time from other sources, and so for both shards.
        cycles = 2 if shards > 1 else 1

        def work(server: Server) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            assert isinstance(server, Pitot)
            sents, costs = [], []
            for number in range(4 if self.scale.is_strict else 2):
                server.wait_for_flush()
                used = thread_cpu_ns(server.pid, "pitot-flush")
                sents.append(self.send(
                    server, load, "--draw", "in-turn", "--lines", str(count), "--cycles",
                    str(cycles), "--lines-per-second", str(count * cycles / self.scale.fill_s)))
                server.wait_for_flush()
                pause()
                if number > 0:  # the first one has the births
                    costs.append((thread_cpu_ns(server.pid, "pitot-flush") - used) / count)
            # Flushes amid a load.
            run = self.measure(server, load, self.scale.interval_s * 2.2,
                               min(100_000, self.scale.most_lines_per_s))
            return {"costs": costs, "drops": run["drops"]}, [*sents, run["sent"]]

        run = self.attempt(lambda: Pitot(self.tools, load, self.folder,
                                         interval=f"{self.scale.interval_s}s"), load, work)
        if run is None:
            return
        account = run["account"]
        rows = account["series"]["rows"] / max(1, account["series"]["alive"])
        self.figures += [
            Figure(load.name, load.what, "ns/series", run["costs"], goal=400,
                   notes=[f"{rows:.2f} rows a series"]),
            Figure("  stall of the intake", load.what, "us",
                   [account["flush"]["stall_s_max"] * 1e6], goal=50,
                   notes=[f"drops {run['drops']}"]),
            Figure("  until all shards told", load.what, "us",
                   [account["flush"]["turn_s_max"] * 1e6])]

    def rules(self) -> None:
        """Processor time of a line in the shard, and of the flush, beside no rules."""
        load = next(load for load in LOADS if load.name == "100 k series")
        load = replace(load, series=min(load.series, self.scale.most_series))
        lines_per_s = min(load.lines_per_s / 2, self.scale.most_lines_per_s)
        interval = f"{self.scale.interval_s}s"

        def with_rules() -> Server:
            server = Pitot(self.tools, load, self.folder, interval=interval, alerts=alert_rules())
            server.kind = f"pitot, {RULES} rules"
            return server

        def work(server: Server) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            assert isinstance(server, Pitot)
            warm = self.warm(server, load)
            server.wait_for_flush()  # births, and which rules want whom
            shard = thread_cpu_ns(server.pid, "pitot-shard-0")
            flush = thread_cpu_ns(server.pid, "pitot-flush")
            run = self.measure(server, load, self.scale.interval_s * 2, lines_per_s)
            lines = run["sent"]["lines"] * (1 - run["drops"] / run["sent"]["datagrams"])
            run["shard_ns"] = (thread_cpu_ns(server.pid, "pitot-shard-0") - shard) / lines
            run["flush_cores"] = (thread_cpu_ns(server.pid, "pitot-flush") -
                                  flush) * 1e-9 / run["sent"]["took_s"]
            return run, [warm, run["sent"]]

        ratios, cores = [], []
        for number in range(self.scale.rounds):
            makers = [lambda: Pitot(self.tools, load, self.folder, interval=interval), with_rules]
            if number % 2 == 1:
                makers.reverse()
            runs = {run["server"]: run for make in makers
                    if (run := self.attempt(make, load, work)) is not None}
            print(".", end="", file=sys.stderr, flush=True)
            if len(runs) == 2:
                plain, ruled = runs["pitot"], runs[f"pitot, {RULES} rules"]
                ratios.append(ruled["shard_ns"] / plain["shard_ns"])
                cores.append(ruled["flush_cores"] - plain["flush_cores"])
        self.figures += [
            Figure("rules beside intake", f"{RULES} rules, {load.series:,} series: the shard's "
                   "time for a line, with to without", "", ratios, goal=RULES_INTAKE_GOAL),
            Figure("  their evaluation", load.what, "cores", cores, goal=RULES_CORE_GOAL)]

    def run(self, sections: list[str]) -> None:
        """In the order of the table."""
        if "cost" in sections:
            for load in [load for load in LOADS if load.name in self.scale.loads]:
                self.cost(load)
        if "ceiling" in sections:
            for load in self.scale.ceilings:
                self.ceiling(load)
        if "memory" in sections:
            for held in self.scale.memory:
                self.memory(held)
        if "flush" in sections:
            for shards in self.scale.shards:
                self.flush(shards)
        if "rules" in sections:
            self.rules()
        print(file=sys.stderr)


def machine(tools: Tools, bench: Bench, load_before: tuple[float, float, float]) -> dict[str, Any]:
    """What the figures are of."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    costs = [run for run in bench.runs if "others_cores" in run]
    return {
        "processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
        "governor": governor.read_text().strip() if governor.exists() else "unknown",
        "receive_buffer_max": int(Path("/proc/sys/net/core/rmem_max").read_text()),
        "server_cores": sorted(tools.server_cores), "sender_cores": sorted(tools.sender_cores),
        "load_average_before": load_before, "load_average_after": os.getloadavg(),
        "others_cores_median": statistics.median([run["others_cores"] for run in costs] or [0]),
        "others_cores_max": max([run["others_cores"] for run in costs] or [0]),
        "stolen_cores_max": max([run["stolen_cores"] for run in costs] or [0])}


def table(figures: list[Figure], about: dict[str, Any], rounds: int, voids: int) -> str:
    """For people."""
    head = (f"{about['processor']}, {about['cores']} cores, Linux {about['kernel']}; "
            f"{rounds} round(s), {voids} void run(s); other processes used "
            f"{about['others_cores_median']:.2f} cores (at most {about['others_cores_max']:.2f})")
    columns = f"{'':<24}{'':<20}{'median':>12}{'least':>12}{'most':>12}"
    return "\n".join([head, "", columns, *(figure.row() for figure in figures)])


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="The cost of a line to the whole process.")
    parser.add_argument("binary", type=Path, help="pitot, as the release preset builds it")
    parser.add_argument("--tools", type=Path, help="folder of load_generator and null_receiver; "
                        "default: tests/bench beside the binary")
    parser.add_argument("--only", choices=SECTIONS, action="append")
    parser.add_argument("--load", action="append", choices=[load.name for load in LOADS],
                        help="of the section cost: this one, in place of all")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of one run")
    parser.add_argument("--json", type=Path, help="where to write everything that was measured")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=PORT=COMMAND",
                        help="another server, on this UDP port, to be compared with")
    parser.add_argument("--smoke", action="store_true", help="little of everything: does it work?")
    return parser.parse_args()


def main() -> None:
    """The command."""
    arguments = parse_arguments()
    scale = replace(SMOKE) if arguments.smoke else Scale()
    scale.rounds = arguments.rounds or scale.rounds
    scale.seconds = arguments.seconds or scale.seconds
    scale.loads = arguments.load or scale.loads
    binary = arguments.binary.resolve()
    cores = sorted(os.sched_getaffinity(0))
    tools = Tools(binary, (arguments.tools or binary.parent / "tests" / "bench").resolve(),
                  {cores[0]}, {cores[-1]})
    others = []
    for other in arguments.other:
        name, port, command = other.split("=", 2)
        others.append((name, int(port), command))
    load_before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="pitot-") as folder:
        bench = Bench(tools, scale, Path(folder), others)
        bench.run(arguments.only or SECTIONS)
    about = machine(tools, bench, load_before)
    print(table(bench.figures, about, scale.rounds, bench.voids))
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"machine": about, "scale": dataclasses.asdict(scale),
             "figures": [figure.to_json() for figure in bench.figures], "runs": bench.runs},
            indent=1) + "\n")
    if any(not figure.values for figure in bench.figures) or (arguments.smoke and bench.voids):
        sys.exit("there are figures without a good run")


if __name__ == "__main__":
    main()
