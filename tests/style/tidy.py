#!/usr/bin/env python3
"""Runs clang-tidy 19 over our sources, and remembers what passed.

    tests/style/tidy.py BUILD_FOLDER [--jobs N] [--seconds S] [PATH…]

BUILD_FOLDER holds the compile_commands.json of a clang build (preset clang or fuzz). Each
source is checked once for each state of what decides the answer: its text, the text of the
project's headers that it includes, however deep, its flags, the configuration, and the
version of clang-tidy. The states that passed are empty files in PITOT_TIDY_CACHE (default:
pitot-tidy in the user's cache folder), so that an unchanged file costs nothing, in every
clone. With PATHs, only sources below these.

All sources take most of an hour on two processors, so whoever has less says so: after S seconds
no other is begun. Those that changed last come first, and how many were left out is told; the
next run goes on with them.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

TIDY = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
CACHE_DAYS_MAX = 30
CONFIGURATIONS = (".clang-tidy", "tests/.clang-tidy", ".clang-format")
OURS = ("protocol/", "sinks/", "agent/", "tests/")


def read(root, path):
    """A file of the project, as text."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def includes_of(root, source):
    """The source and the project's headers that it includes, however deep."""
    seen, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path in seen or not os.path.isfile(os.path.join(root, path)):
            continue
        seen.add(path)
        waiting += INCLUDE.findall(read(root, path))
    return sorted(seen)


def flags_of(root, command):
    """The flags that matter, without what names this clone or this build."""
    words = shlex.split(command.replace(root + "/", ""))
    return [w for w in words if w.startswith(("-D", "-W", "-std", "-f", "-O"))]


def state_of(root, source, flags, common):
    """A name for everything that decides what clang-tidy says about a source."""
    digest = hashlib.sha256(common)
    digest.update(json.dumps([source, flags]).encode())
    for path in includes_of(root, source):
        digest.update(hashlib.sha256(read(root, path).encode()).digest())
    return digest.hexdigest()


def sources_of(root, build, below):
    """{source: its flags} of the compile database, ours only."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    sources = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if path.startswith(OURS) and (not below or path.startswith(tuple(below))):
            sources[path] = flags_of(root, entry["command"])
    return sources


def open_cache():
    """The folder of the states that passed; old ones are forgotten."""
    default = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                           "pitot-tidy")
    folder = os.environ.get("PITOT_TIDY_CACHE", default)
    os.makedirs(folder, exist_ok=True)
    oldest = time.time() - CACHE_DAYS_MAX * 86400
    for entry in os.scandir(folder):
        if entry.stat().st_mtime < oldest:
            os.unlink(entry.path)
    return folder


def newest_first(root, sources):
    """Sources in the order of their last commits, the newest first."""
    log = subprocess.run(["git", "log", "--format=", "--name-only", "-n", "300"], cwd=root,
                         capture_output=True, text=True, check=False).stdout
    changed = list(dict.fromkeys(log.split("\n")))
    place = {path: number for number, path in enumerate(changed)}
    return sorted(sources, key=lambda source: (place.get(source, len(place)), source))


def run_tidy(root, build, source, deadline):
    """(passed, what clang-tidy said, seconds); None where it is too late to begin."""
    start = time.monotonic()
    if start > deadline:
        return None
    answer = subprocess.run([TIDY, "-p", build, "--quiet", source], cwd=root,
                            capture_output=True, text=True, check=False)
    said = answer.stdout.replace(root + "/", "")
    if answer.returncode != 0 and not said.strip():
        said = answer.stderr
    return answer.returncode == 0, said, time.monotonic() - start


def main():
    """Exit code 0 if every source passed."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("build")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--seconds", type=float, default=float("inf"))
    arguments.add_argument("below", nargs="*")
    options = arguments.parse_intermixed_args()

    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    build = os.path.abspath(options.build)
    cache = open_cache()
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + "".join(read(root, path) for path in CONFIGURATIONS).encode()

    waiting = {}
    sources = sources_of(root, build, options.below)
    for source, flags in sources.items():
        mark = os.path.join(cache, state_of(root, source, flags, common))
        if os.path.exists(mark):
            os.utime(mark)
        else:
            waiting[source] = mark
    print(f"{len(sources)} sources, {len(sources) - len(waiting)} of them passed before",
          flush=True)

    failed = 0
    left_out = 0
    deadline = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {pool.submit(run_tidy, root, build, source, deadline): source
                for source in newest_first(root, waiting)}
        for done in concurrent.futures.as_completed(runs):
            answer = done.result()
            if answer is None:
                left_out += 1
                continue
            passed, said, seconds = answer
            source = runs[done]
            print(f"{'passed' if passed else 'FAILED'} {source} ({seconds:.1f} s)", flush=True)
            if passed:
                with open(waiting[source], "w", encoding="utf-8"):
                    pass
            else:
                failed += 1
                print(said, flush=True)
    if left_out:
        print(f"{left_out} sources were not looked at: the time was up. The next run goes on")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
