"""What the style checks have in common: which files there are, and how a finding is said.

Used by the programs of this folder. A finding is one line, `path:line: what must be`, so
that editors jump to it.
"""

import os
import subprocess
import sys

# Folders that no check enters when git cannot tell what belongs to the project.
NOT_OURS = {".git", "build", "__pycache__", ".cache", "node_modules"}


def files(root):
    """The project's files, relative to root: tracked, or new and not ignored."""
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
        return sorted(n for n in names if n and os.path.isfile(os.path.join(root, n)))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in NOT_OURS]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def read_lines(root, path):
    """The lines of a text file without their ends; None for a file that is not text."""
    with open(os.path.join(root, path), "rb") as file:
        content = file.read()
    try:
        return content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None


def root_of_arguments():
    """The tree to check: the first argument, or the one this file is in."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def report(findings):
    """Prints findings and gives the exit code."""
    for path, line, what in sorted(findings):
        print(f"{path}:{line}: {what}")
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0
