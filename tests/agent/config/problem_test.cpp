// How problems are collected, ordered and shown.
#include "agent/config/problem.h"

#include <doctest/doctest.h>

#include <string>

using namespace pitot::agent;

namespace {

std::string shown(const ProblemList& list) {
    return render(list.problems(), {.excerpts = true, .closing = "."});
}

}  // namespace

TEST_CASE("problems come out in the order of sources, lines and columns, each once") {
    ProblemList list;
    const auto file = list.add_source("a.toml", "x = 1\ny = 2\n", SourceType::file);
    const auto argument = list.add_source("--set 1", "z=3", SourceType::command_line);
    CHECK(list.empty());
    list.add({argument, 1, 3, 1}, "z", "must be less, got 3");
    list.add({file, 2, 5, 1}, "y", "must be less, got 2");
    list.add({file, 1, 5, 1}, "x", "must be less, got 1");
    list.add({file, 1, 5, 1}, "x", "must be less, got 1");
    list.add({file, 0, 0, 1}, "", "must be shorter");
    CHECK_FALSE(list.empty());
    CHECK(shown(list) ==
          "a.toml: must be shorter\n"
          "a.toml:1:5: x: must be less, got 1\n"
          "    1 | x = 1\n"
          "      |     ^\n"
          "a.toml:2:5: y: must be less, got 2\n"
          "    2 | y = 2\n"
          "      |     ^\n"
          "--set 1: z: must be less, got 3\n"
          "      | z=3\n"
          "      |   ^\n"
          "4 problems found.\n");
}

TEST_CASE("a log gets lines without excerpts") {
    ProblemList list;
    const auto file = list.add_source("a.toml", "x = 1\n", SourceType::file);
    list.add({file, 1, 5, 1}, "x", "must be less, got 1");
    CHECK(render(list.problems(), {.closing = "; pitot did not start."}) ==
          "a.toml:1:5: x: must be less, got 1\n1 problem found; pitot did not start.\n");
    CHECK(render({}, {.closing = "; pitot did not start."}).empty());
}

TEST_CASE("warnings are apart from problems") {
    ProblemList list;
    const auto file = list.add_source("a.toml", "x = 1\n", SourceType::file);
    list.warn({file, 1, 5, 1}, "x", "is unwise");
    CHECK(list.empty());
    CHECK(render(list.warnings(), {.prefix = "warning: "}) ==
          "warning: a.toml:1:5: x: is unwise\n");
}

TEST_CASE("only so many problems are kept, and fewer shown") {
    ProblemList list;
    const auto file = list.add_source("a.toml", "", SourceType::file);
    for (std::uint32_t line = 1; line <= 2 * ProblemList::problems_max; ++line) {
        list.add({file, line, 1, 1}, "x", "must not be");
    }
    CHECK(list.full());
    CHECK(list.problems().size() == ProblemList::problems_max);
    const std::string text = shown(list);
    CHECK(text.contains("a.toml:50:1: x: must not be\n… and 950 more\n"));
    CHECK(text.ends_with("1000 problems found.\n"));
}

TEST_CASE("texts that a problem is not about are left out of its excerpt") {
    const auto excerpt = [](std::string text, Position position) {
        ProblemList list;
        position.source = list.add_source("a", std::move(text), SourceType::file);
        list.add(position, "k", "w");
        const Excerpt result = list.problems().front().excerpt;
        return result.text + "|" + std::string(result.caret, '.') +
               std::string(result.caret_width, '^');
    };
    CHECK(excerpt("pasword = \"s3\"", {0, 1, 1, 7}) == "pasword = \"…\"|^^^^^^^");
    CHECK(excerpt("a = { b = \"s3\", c = 5 }", {0, 1, 21, 1}) ==
          "a = { b = \"…\", c = 5 }|...................^");
    CHECK(excerpt("a = { b = 's\"3', c = \"x\" }", {0, 1, 22, 3}) ==
          "a = { b = \"…\", c = \"x\" }|...................^^^");
    CHECK(excerpt(R"(b = "s\"3" + 1)", {0, 1, 14, 1}) == "b = \"…\" + 1|..........^");
    CHECK(excerpt("b = \"s3", {0, 1, 1, 1}) == "b = \"…\"|^");
    // Credentials within an address, also in the text that the message is about.
    CHECK(excerpt("url = \"http://bob:hunter2@a:8086\"", {0, 1, 7, 27}) ==
          "url = \"http://…@a:8086\"|......^^^^^^^^^^^^^^^^^");
    CHECK(excerpt("url = 'http://bob:hun ter/2@a'", {0, 1, 7, 1}) == "url = 'http://…@a'|......^");
    CHECK(excerpt("url = \"bob:hunter2@a\"", {0, 1, 7, 1}) == "url = \"…@a\"|......^");
    CHECK(excerpt("url = \"http://ä/x?u=root&p=hunter2\" + 1", {0, 1, 7, 29}) ==
          "url = \"http://ä/x?…\" + 1|......^^^^^^^^^^^^^^");
    CHECK(excerpt("sinks.a.url=http://bob:hunter2@a?p=hunter3", {0, 1, 13, 1}) ==
          "sinks.a.url=http://…@a?…|............^");
    CHECK(excerpt("x = 'a =~ \"b?c.*\" + 1'", {0, 1, 17, 1}) ==
          "x = 'a =~ \"b?c.*\" + 1'|................^");
    // Under a name that says it, nothing of the line is shown.
    CHECK(excerpt("Password = 12", {0, 1, 12, 2}) == "|");
    // A tab is one column, a control character as many as it takes to show it.
    CHECK(excerpt("\tx\x1b = 5", {0, 1, 7, 1}) == " x\\x1b = 5|.........^");
    // Behind the end of a line.
    CHECK(excerpt("x =\n", {0, 1, 4, 1}) == "x =|...^");
    CHECK(excerpt("x =\r\n", {0, 1, 9, 4}) == "x =|...^");
    CHECK(excerpt("x = 1", {0, 7, 1, 1}) == "|");
}

TEST_CASE("the value of an argument is not shown for a problem with its key") {
    ProblemList list;
    const auto argument =
        list.add_source("--set 1", "sinks.a.pasword=swordfish", SourceType::command_line);
    list.add({argument, 1, 9, 7}, "sinks.a.pasword", "unknown option");
    CHECK(shown(list) ==
          "--set 1: sinks.a.pasword: unknown option\n"
          "      | sinks.a.pasword\n"
          "      |         ^^^^^^^\n"
          "1 problem found.\n");
}
