#!/usr/bin/env python3
"""lint.py refuses what it must, and nothing else: a row for each rule."""

import sys
import unittest

import functions
import lint

HEADER = "// What it is.\n#pragma once\n"
LONG_BODY = "    ++n;\n" * 69

# file, content, the rule that is broken (None: fine)
ROWS = [
    ("protocol/a.h", HEADER, None),
    ("protocol/a.h", "#pragma once\n", "essay"),
    ("protocol/a.h", "// What it is.\n#include <vector>\n#pragma once\n", "once"),
    ("protocol/a.h", HEADER + "using namespace x;\n", "using"),
    ("protocol/a.h", HEADER + "inline void f() {\n    using namespace x;\n}\n", None),
    ("protocol/a.cpp", "int a;", "newline"),
    ("protocol/a.cpp", "int a;\n\n", "newline"),
    ("protocol/a.cpp", "\tint a;\n", "tab"),
    ("protocol/a.cpp", "int a; \n", "space"),
    ("protocol/a.cpp", "int a;\r\n", "space"),
    ("protocol/a.cpp", "int " + "a" * 100 + ";\n", "columns"),
    ("README.md", "a" * 101 + "\n", None),
    ("tests/data/a.txt", "a\t \n\n", None),
    ("protocol/a.cpp", "int a;\n" * 600, None),
    ("protocol/a.cpp", "int a;\n" * 601, "length"),
    ("protocol/a.cpp", "void f() {\n" + LONG_BODY[:-9] + "}\n", None),
    ("protocol/a.cpp", "void f() {\n" + LONG_BODY + "}\n", "function"),
    ("protocol/a.cpp", "void f(\n    int a) {\n" + LONG_BODY[:-9] + "}\n", "function"),
    ("tests/a.py", "def f():\n" + "    pass\n" * 70, "function"),
    ("agent/a.cpp", "// " + "TO" + "DO: later\n", "mark"),
    ("docs.md", "FIX" + "ME\n", "mark"),
    ("tests/a.cpp", "std::this_thread::sleep_for(1s);\n", "sleep"),
    ("tests/a.py", "time.sleep(1)\n", "sleep"),
    ("agent/a.cpp", "const char* home = std::getenv(\"HOME\");\n", "getenv"),
    ("agent/config/a.cpp", "const char* home = std::getenv(\"HOME\");\n", None),
    ("agent/a.cpp", "int a = rand();\n", "random"),
    ("agent/a.cpp", "int brand();\n", None),
    ("agent/a.cpp", "system(\"ls\");\n", "shell"),
    ("agent/a.cpp", "std::snprintf(a, 1, b);\n", None),
    ("agent/a.cpp", "std::sprintf(a, b);\n", "text"),
    ("sinks/a.cpp", "std::cout << 1;\n", "stdout"),
    ("agent/cli/a.cpp", "std::cout << 1;\n", None),
    ("agent/a.cpp", "thread.detach();\n", "detach"),
    ("agent/a.cpp", "std::chrono::steady_clock::now();\n", "clock"),
    ("agent/clock.cpp", "std::chrono::steady_clock::now();\n", None),
    ("agent/a.cpp", "// not std::chrono::steady_clock::now(): it is passed in\n", None),
    ("conf/a.toml", "path = \"/wo" + "rk/a\"\n", "place"),
    ("conf/a.toml", "path = \"/framework/a\"\n", None),
    ("docs.md", "from py" + "pi.org\n", "place"),
    ("tests/a.py", "time.sleep(1)  # lint: allow(sleep) it is the only way here\n", None),
    ("tests/a.py", "# lint: allow(sleep) it is the only way\ntime.sleep(1)\n", None),
    ("tests/a.py", "time.sleep(1)  # lint: allow(sleep)\n", "allow"),
    ("tests/a.py", "time.sleep(1)  # lint: allow(random) it is the only way\n", "allow"),
]

FUNCTIONS = """
namespace a {
struct S { int x{}; int get() const { return x; } };  // }
const char* text = R"({{{)";
enum class E : int { one, two };
constexpr int table[] = {1, 2};
template <typename T>
requires(sizeof(T) > 1)
T twice(T value) {
    auto f = [](int n) { return n; };
    if (value) { return f('{'); }
    return 2'000;
}
S::S(int a) : x{a} {
}
class alignas(64) T {
public:
    void f() {
    }
};
extern "C" int entry(int) {
}
}  // namespace a
"""


class Lint(unittest.TestCase):
    def test_rows(self):
        for path, content, expected in ROWS:
            with self.subTest(path=path, content=content[:60]):
                findings = lint.check_file(path, content.split("\n"))
                rules = {what.split(":")[0] for _, _, what in findings}
                if expected is None:
                    self.assertEqual(findings, [])
                else:
                    self.assertIn(expected, rules)

    def test_own_header(self):
        for first, rules in (('#include "agent/a.h"\n', []),
                             ('// Why.\n\n#include "agent/a.h"\n', []),
                             ('#include <vector>\n#include "agent/a.h"\n', ["own"]),
                             ('#define A\n#include "agent/a.h"\n', ["own"]),
                             ("int a;\n", ["own"])):
            with self.subTest(first=first):
                findings = lint.check_file("agent/a.cpp", first.split("\n"), has_header=True)
                self.assertEqual([what.split(":")[0] for _, _, what in findings], rules)
                self.assertEqual(lint.check_file("agent/a.cpp", first.split("\n")), [])
        self.assertEqual(lint.check_file("tests/a.cpp", ["int a;", ""], has_header=True), [])

    def test_functions(self):
        self.assertEqual([(first, last) for _, first, last in functions.of_cpp(FUNCTIONS)],
                         [(3, 3), (7, 13), (14, 15), (18, 19), (21, 22)])


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
