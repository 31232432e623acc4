#!/usr/bin/env python3
"""Scripts: every shell script passes `bash -n` and shellcheck, every Python file compiles,
and whatever begins with #! can be executed.

    tests/style/scripts.py [ROOT]

Where shellcheck is not installed, its part is left out, and said so.
"""

import os
import shutil
import subprocess
import sys

import tree


def run(command):
    """The exit code and the words of a command."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode, (answer.stdout + answer.stderr).strip()


def check_shell(root, path, shellcheck):
    """Findings of bash and of shellcheck, which say their own lines."""
    code, said = run(["bash", "-n", os.path.join(root, path)])
    if code != 0:
        return [(path, 1, said)]
    if shellcheck is None:
        return []
    code, said = run([shellcheck, "--format=gcc", os.path.join(root, path)])
    return [] if code == 0 else [(path, 1, said)]


def check(root):
    """All findings in the tree."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        print("shellcheck is not installed: shell scripts are only checked by bash -n")
    findings = []
    for path in tree.files(root):
        lines = tree.read_lines(root, path)
        if lines is None:
            continue
        script = lines[0].startswith("#!")
        if script != os.access(os.path.join(root, path), os.X_OK):
            findings.append((path, 1, "#! and the right to execute must go together"))
        if path.endswith(".sh") or (script and lines[0].endswith("bash")):
            findings += check_shell(root, path, shellcheck)
        elif path.endswith(".py"):
            try:
                compile("\n".join(lines), path, "exec")
            except SyntaxError as error:
                findings.append((path, error.lineno or 1, error.msg))
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(tree.root_of_arguments())))
