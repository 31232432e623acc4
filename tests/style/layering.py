#!/usr/bin/env python3
"""Refuses includes that run against the layers.

    agent ──► sinks ──► protocol ──► the C++ standard library, and nothing else

    agent/alerts is a part of the agent; the commands that show it, agent/cli, are none of its

    sinks/<destination> never includes another destination; what they share is in the
    folders of SHARED_BY_SINKS and in the files directly in sinks/.

    tests/style/layering.py [ROOT]

One include root for all layers means that the compiler cannot refuse these; the static
libraries (packaging/cmake/targets.cmake) refuse what would not link. tests/ may include
everything; nothing may include tests/.
"""

import os
import re
import subprocess
import sys

import tree

# What each layer may include of the project.
ALLOWED = {
    "protocol": {"protocol"},
    "sinks": {"sinks", "protocol"},
    "agent": {"agent", "sinks", "protocol"},
}
# Folders of sinks/ that are no destination: delivery and its transport, looking hosts up, and
# the names and text forms of Prometheus, which more than one destination speaks.
SHARED_BY_SINKS = {"delivery", "http", "net", "prometheus"}

# What the compiler itself brings for the vectors of a processor.
INTRINSICS = {"immintrin.h"}

INCLUDE = re.compile(r'\s*#\s*include\s*(<([^>]+)>|"([^"]+)")')
SOURCES = (".h", ".cpp")


def standard_header_folders():
    """Where the compiler keeps the headers of its C++ library."""
    compiler = os.environ.get("CXX", "c++")
    answer = subprocess.run([compiler, "-E", "-x", "c++", "-v", os.devnull],
                            capture_output=True, text=True, check=True).stderr
    paths = [line.strip() for line in answer.splitlines() if line.startswith(" /")]
    folders = [p for p in paths if "/c++" in p and os.path.exists(os.path.join(p, "vector"))]
    if not folders:
        sys.exit(f"{compiler} -v names no folder that holds <vector>")
    return folders


def is_standard(header, folders):
    """<vector>, <cstdint>; not <stdint.h>, <sys/socket.h> or <boost/…>."""
    if "/" in header or "." in header:
        return False
    return any(os.path.isfile(os.path.join(folder, header)) for folder in folders)


def sink_folder(path):
    """The destination that a file of sinks/ belongs to, None for what is shared."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "sinks" or parts[1] in SHARED_BY_SINKS:
        return None
    return parts[1]


def complaint(path, system, own, folders):
    """Why `path` must not include <system> or "own"; None if it may."""
    layer = path.split("/")[0]
    if system is not None:
        is_allowed = is_standard(system, folders) or system in INTRINSICS
        if layer == "protocol" and not is_allowed:
            return f"protocol/ must include the standard library only, got <{system}>"
        if system.split("/")[0] in ALLOWED:
            return f'headers of the project must be included as "{system}"'
        return None
    target = own.split("/")[0]
    if target not in ALLOWED[layer]:
        allowed = ", ".join(sorted(f"{name}/" for name in ALLOWED[layer]))
        return f'{layer}/ must include {allowed} only, by their path from the root, got "{own}"'
    if path.startswith("agent/alerts/") and own.startswith("agent/cli/"):
        return f'agent/alerts/ must not include the commands, got "{own}"'
    here, there = sink_folder(path), sink_folder(own)
    if there is not None and layer == "sinks" and here != there:
        # The registry, directly in sinks/, is the one place that knows every destination.
        if path.count("/") == 1 and path.endswith(".cpp"):
            return None
        return f'must not include another destination, got "{own}"'
    return None


def check(root):
    """All findings in the tree."""
    folders = standard_header_folders()
    findings = []
    for path in tree.files(root):
        if path.split("/")[0] not in ALLOWED or not path.endswith(SOURCES):
            continue
        for number, line in enumerate(tree.read_lines(root, path) or [], 1):
            include = INCLUDE.match(line)
            if include is None:
                continue
            what = complaint(path, include.group(2), include.group(3), folders)
            if what is not None:
                findings.append((path, number, what))
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(tree.root_of_arguments())))
