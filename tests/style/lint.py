#!/usr/bin/env python3
"""The house rules that a line or a file shows by itself.

    tests/style/lint.py [ROOT]

Each finding is one line, `path:line: rule: what must be`. Where a rule must be broken, the
line, or the one above it, says so and why:

    // lint: allow(sleep) the server announces itself in no other way

An allowance without a reason is a finding itself, and so is one that allows nothing. What
needs knowledge of the language beyond brackets is clang-tidy's part (.clang-tidy).
"""

import re
import sys

import functions
import tree

COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

CPP = (".h", ".cpp")
CODE = CPP + (".py", ".cmake", "CMakeLists.txt", ".sh")
# Not written by hand, or kept byte for byte.
DATA = re.compile(r"^(LICENSE$|tests/data/|tests/fuzz/corpus/|.*\.(jsonl|bin|golden)$)")

ALLOWANCE = re.compile(r"lint: allow\(([a-z-]+)\)\s*(.*)")

LIBRARIES = r"^(protocol|sinks|agent)/.*\.(h|cpp)$"


def words(*parts):
    """Joined, so that this file does not hold the words that it looks for."""
    return "".join(parts)


# rule, files it looks at, what it looks for, what must be
BANNED = [
    ("mark", r".", r"\b(" + words("TO", "DO|FIX", "ME|XX", "X") + r")\b",
     "must be done, or be an issue; marks are not left in the tree"),
    ("sleep", r"^tests/(?!style/).*\.(h|cpp)$",
     r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(",
     "tests wait for an event, or move a clock by hand"),
    ("sleep", r"^tests/(?!style/).*\.py$", r"\btime\.sleep\s*\(",
     "tests wait for an event; waiting for readiness is in one helper"),
    ("getenv", r"^(?!agent/(config|cli)/|agent/main\.cpp|tests/).*\.(h|cpp)$",
     r"\b(secure_)?getenv\s*\(", "the environment is read in agent/config only"),
    ("random", r"\.(h|cpp)$", r"\b(rand|srand|drand48)\s*\(",
     "randomness is passed in, as a generator with a seed"),
    ("shell", r"\.(h|cpp)$", r"\b(system|popen)\s*\(", "no shell is started from the program"),
    ("text", r"\.(h|cpp)$",
     r"\b(sprintf|vsprintf|strcpy|strcat|gets|atoi|atol|atof|strtok)\s*\(",
     "must be fmt or std::to_chars, std::from_chars, std::string_view"),
    ("stdout", r"^(protocol|sinks|agent/(net|aggregate|flush|config))/.*\.(h|cpp)$",
     r"\bstd::(cout|cerr|clog)\b|\bprintf\s*\(", "a library must not print; it returns or logs"),
    ("detach", LIBRARIES, r"\.detach\s*\(\)", "a thread is joined by whoever started it"),
    ("clock", r"^(protocol|sinks|agent)/(?!clock\.cpp).*\.(h|cpp)$",
     r"\b(system_clock|steady_clock|high_resolution_clock)::now\s*\(",
     "time is passed in: agent/clock.h"),
    ("using", r"\.h$", r"^using\s+namespace\b", "a header must not open a namespace"),
    ("using", r"\.cpp$", r"^using\s+namespace\s+std\s*;", "std:: is written out"),
    ("place", r".", words("/wo", r"rk/|/ro", r"ot/|/tmp/w", "t/"),
     "paths of one machine mean nothing on another"),
    ("place", r".", words(r"py", r"pi\.org|crates", r"\.io|registry\.npm|proxy\.gol",
                          r"ang|deb\.deb", r"ian\.org|repo1\.mav", "en"),
     "registries are named by the machine's own configuration"),
]
BANNED = [(rule, re.compile(where), re.compile(what), must) for rule, where, what, must in BANNED]


class File:
    """One file under examination: its lines, its allowances, its findings."""

    def __init__(self, path, lines):
        self.path = path
        self.lines = lines
        self.findings = []
        self.allowed = {}  # line -> (rule, line of the allowance)
        self.used = set()
        for number, line in enumerate(lines, 1):
            found = ALLOWANCE.search(line)
            if found is None or path.startswith("tests/style/"):
                continue
            if len(found.group(2).split()) < 3:
                self.findings.append((path, number, "allow: must say why, after the bracket"))
            alone = not line[:found.start()].strip(" \t/#")
            self.allowed[number + 1 if alone else number] = (found.group(1), number)

    def find(self, number, rule, what):
        """Notes a finding unless its line is allowed to break the rule."""
        allowed_rule, allowance = self.allowed.get(number, (None, None))
        if allowed_rule == rule:
            self.used.add(allowance)
        else:
            self.findings.append((self.path, number, f"{rule}: {what}"))

    def close(self):
        """Adds the allowances that nothing needed."""
        for rule, number in self.allowed.values():
            if number not in self.used:
                self.findings.append((self.path, number, f"allow: nothing here breaks {rule}"))
        return self.findings


def check_layout(file):
    """Length, columns, white space, the last line."""
    path, lines = file.path, file.lines
    if lines[-1] != "":
        file.find(len(lines), "newline", "the last line must end")
    elif len(lines) > 1 and lines[-2] == "":
        file.find(len(lines) - 1, "newline", "the file must not end in empty lines")
    if path.endswith(CODE) and len(lines) - 1 > FILE_LINES_MAX:
        file.find(1, "length", f"a file must have at most {FILE_LINES_MAX} lines, "
                               f"got {len(lines) - 1}")
    for number, line in enumerate(lines, 1):
        if path.endswith(CODE) and len(line) > COLUMNS_MAX and "http" not in line:
            file.find(number, "columns", f"must be at most {COLUMNS_MAX}, got {len(line)}")
        if "\t" in line and not path.endswith(("Makefile", ".go", ".mod", ".tsv")):
            file.find(number, "tab", "must be spaces")
        if line.endswith((" ", "\r")):
            file.find(number, "space", "a line must not end in white space")


def check_header(file):
    """A header says what it is for before anything else."""
    if not re.match(r"//+ \S", file.lines[0]):
        file.find(1, "essay", "a header must begin with a comment: what it provides, "
                              "who uses it, what it does not do")
    code = [n for n, line in enumerate(file.lines, 1) if line and not line.startswith("//")]
    if not code or file.lines[code[0] - 1] != "#pragma once":
        file.find(code[0] if code else 1, "once", "#pragma once must follow the comment")


def check_own_header(file):
    """A source begins with its header, which thereby compiles alone: tests/style/CMakeLists.txt
    has units for the headers without a source only."""
    wanted = f'#include "{file.path.removesuffix(".cpp")}.h"'
    number = next((n for n, line in enumerate(file.lines, 1) if line.startswith("#")), 1)
    if file.lines[number - 1] != wanted:
        file.find(number, "own", f"the first of all directives must be {wanted}")


def check_banned(file):
    """Calls and words that have a better place, or none."""
    rules = [rule for rule in BANNED if rule[1].search(file.path)]
    for number, line in enumerate(file.lines, 1):
        comment = line.lstrip().startswith(("//", "#"))
        for rule, _, pattern, must in rules:
            if comment and rule not in ("mark", "place"):
                continue
            if pattern.search(line):
                file.find(number, rule, must)


def check_functions(file):
    """No function is longer than a screen."""
    if file.path.endswith(CPP):
        found = functions.of_cpp("\n".join(file.lines))
    else:
        found = functions.of_python("\n".join(file.lines))
    for name, first, last in found:
        length = last - first + 1
        if length > FUNCTION_LINES_MAX:
            file.find(first, "function", f"{name} must have at most {FUNCTION_LINES_MAX} lines, "
                                         f"got {length}")


def check_file(path, lines, has_header=False):
    """All findings of one file; `has_header`: one of the same name is beside it."""
    if DATA.match(path):
        return []
    file = File(path, lines)
    check_layout(file)
    check_banned(file)
    if path.endswith(".h"):
        check_header(file)
    if has_header and re.match(LIBRARIES, path) and path.endswith(".cpp"):
        check_own_header(file)
    if path.endswith(CPP + (".py",)):
        check_functions(file)
    return file.close()


def check(root):
    """All findings in the tree."""
    findings = []
    paths = set(tree.files(root))
    for path in paths:
        lines = tree.read_lines(root, path)
        if lines is not None:
            has_header = path.removesuffix(".cpp") + ".h" in paths
            findings += check_file(path, lines, has_header)
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(tree.root_of_arguments())))
