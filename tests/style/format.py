#!/usr/bin/env python3
"""Layout: every C++ file is as clang-format 19 writes it (.clang-format).

    tests/style/format.py           says where a file differs
    tests/style/format.py --write   writes them anew
"""

import os
import shutil
import subprocess
import sys

import tree


def main():
    """Exit code 0 if nothing differs, or all was written."""
    formatter = shutil.which("clang-format-19")
    if formatter is None:
        sys.exit("clang-format-19 must be installed: packaging/install-packages test")
    write = sys.argv[1:] == ["--write"]
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    paths = [p for p in tree.files(root) if p.endswith((".h", ".cpp"))]
    mode = ["-i"] if write else ["--dry-run", "--Werror", "--ferror-limit=3"]
    return subprocess.run([formatter, *mode, *paths], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
