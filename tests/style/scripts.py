#!/usr/bin/env python3
"""Scripts: every shell script passes `bash -n` and shellcheck, every Python file compiles
and passes pyflakes (names that nobody defines or uses), and whatever begins with #! can be
executed.

    tests/style/scripts.py [ROOT]

Where shellcheck or pyflakes is not installed, its part is left out, and said so.
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


def check_python(root, path, lines, pyflakes):
    """What the compiler refuses, else the findings of pyflakes: "path:line:column: words"."""
    try:
        compile("\n".join(lines), path, "exec")
    except SyntaxError as error:
        return [(path, error.lineno or 1, error.msg)]
    if pyflakes is None:
        return []
    _, said = run([pyflakes, os.path.join(root, path)])
    findings = []
    for line in said.splitlines():
        number, _, words = line.removeprefix(os.path.join(root, path) + ":").split(":", 2)
        findings.append((path, int(number), words.strip()))
    return findings


def check(root):
    """All findings in the tree."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        print("shellcheck is not installed: shell scripts are only checked by bash -n")
    pyflakes = shutil.which("pyflakes3")
    if pyflakes is None:
        print("pyflakes3 is not installed: Python files are only compiled")
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
            findings += check_python(root, path, lines, pyflakes)
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(tree.root_of_arguments())))
