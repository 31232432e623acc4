#!/usr/bin/env python3
"""How many instructions a line costs on the hot path, compared with the figures on record.

    tests/bench/instruction_gate.py build/release/tests/bench/instructions
    tests/bench/instruction_gate.py build/release/tests/bench/instructions --record

Counts with callgrind, between the receive buffer and the sum that a line becomes part of. Such a
count is the same on a busy machine and an idle one, and on every x86-64 that has the set of
vectors, which is named and not left to the machine; what the C library would choose by the
machine is held to what all have. It fails when a figure is more than 5 % above the record, and
says so when one is more than 5 % below, for then a later loss would go unseen: record anew
(--record) in the commit that changed the figure, with the reason.

Counts say nothing of caches and waiting; for that, hot_path_bench. Exit code 77 when this
machine cannot count, or when the compiler is not the one on record.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RECORD = Path(__file__).with_name("instructions.json")
GROWTH_MAX = 0.05
EXIT_SKIPPED = 77
# Loads of instructions.cpp. AVX2 is the best set that callgrind knows; the plain ones are what
# other machines run.
MEASURED = [("usual", "avx2"), ("without_tags", "avx2"), ("long", "avx2"), ("zipf", "avx2"),
            ("busy_series", "avx2"), ("one_line_a_datagram", "avx2"), ("usual", "sse2"),
            ("usual", "portable")]
# Which memcpy() the C library takes.
PLAIN_LIBRARY = ("glibc.cpu.hwcaps="
                 "-AVX2,-AVX,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load")


def count(program: Path, load: str, vectors: str) -> tuple[float, str]:
    """Instructions of a line, and the compiler that made the program."""
    with tempfile.TemporaryDirectory(prefix="pitot-") as folder:
        out = Path(folder) / "out"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=pitot_measured",
             f"--callgrind-out-file={out}", str(program), load, vectors],
            capture_output=True, text=True, check=False,
            env={**os.environ, "GLIBC_TUNABLES": PLAIN_LIBRARY})
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text() if out.exists() else "",
                          re.M)
        if run.returncode != 0 or found is None:
            sys.exit(f"{program} {load} {vectors} ended with {run.returncode}:\n{run.stderr}")
    lines, compiler = run.stdout.split("\n", 1)
    return int(found[1]) / int(lines), compiler.strip()


def skip(reason: str) -> None:
    """ctest is told that there is no result."""
    print(f"skipped: {reason}")
    sys.exit(EXIT_SKIPPED)


def verdict(now: float, before: float | None) -> str:
    """What a figure means."""
    if before is None:
        return "not on record: --record"
    change = now / before - 1
    if change > GROWTH_MAX:
        return "MORE than on record"
    if change < -GROWTH_MAX:
        return "less than on record: --record, so that it stays"
    return "ok"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Instructions of a line, against the record.")
    parser.add_argument("program", type=Path, help="instructions, as the release preset builds it")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name} anew")
    arguments = parser.parse_args()
    if platform.machine() != "x86_64":
        skip("the figures are those of x86-64")
    if shutil.which("valgrind") is None:
        skip("valgrind is not installed")
    if "avx2" not in Path("/proc/cpuinfo").read_text():
        skip("this processor has no AVX2, and neither has its callgrind")

    program = arguments.program.resolve()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = list(pool.map(lambda which: count(program, *which), MEASURED))
    compiler = counted[0][1]
    figures = {f"{load} {vectors}": round(instructions, 1)
               for (load, vectors), (instructions, _) in zip(MEASURED, counted)}
    if arguments.record:
        RECORD.write_text(json.dumps(
            {"compiler": compiler, "instructions_per_line": figures}, indent=2) + "\n")
    record = json.loads(RECORD.read_text())
    if record["compiler"] != compiler:
        skip(f"recorded with compiler {record['compiler']}, and this one is {compiler}")

    before = record["instructions_per_line"]
    print(f"{'instructions per line':<28}{'now':>9}{'record':>9}{'change':>9}")
    failed = False
    for name, now in figures.items():
        known = before.get(name)
        said = verdict(now, known)
        failed |= known is None or now > known * (1 + GROWTH_MAX)
        change = f"{now / known - 1:+.1%}" if known else ""
        print(f"{name:<28}{now:>9.1f}{known or 0:>9.1f}{change:>9}  {said}")
    if failed:
        sys.exit("a line costs more than on record. If it must, say why in the commit, and record "
                 f"it there: {' '.join(sys.argv[:2])} --record")


if __name__ == "__main__":
    main()
