// The syntaxes of other servers' files: what is read, and what is refused where.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "agent/config/toml_text.h"
#include "agent/migrate/ini.h"
#include "agent/migrate/javascript.h"
#include "agent/migrate/yaml.h"

using namespace pitot::agent;

namespace {

struct Row {
    std::string_view text;
    std::string_view read;  // as an inline table, or "LINE:COLUMN: what is wrong"
};

template <typename Parse>
std::string read_by(const Parse& parse, std::string_view text) {
    auto table = parse(text, 0);
    if (table) return toml_value(Node{*std::move(table), {}});
    return std::to_string(table.error().position.line) + ":" +
           std::to_string(table.error().position.column) + ": " + table.error().what;
}

}  // namespace

TEST_CASE("JavaScript") {
    constexpr std::string_view not_plain =
        "must be a text, a number, a boolean, a list or an object; what only JavaScript can work "
        "out is to be written out, got ";
    const std::array rows{
        Row{"{}", "{}"},
        Row{"({ a: 1, })", "{ a = 1 }"},
        Row{"module.exports = { a: 1 };\n", "{ a = 1 }"},
        Row{"// c\n/* {} */ {a:1 /* b */, // c\n'b c': \"x\", \"d\": 'y',}",
            R"({ a = 1, "b c" = "x", d = "y" })"},
        Row{"{a: -1.5e3, b: +2, c: .5, d: 1e-3}", "{ a = -1500, b = 2, c = 0.5, d = 0.001 }"},
        Row{"{a: true, b: false, c: null, d: undefined}", "{ a = true, b = false }"},
        Row{"{a: [1, 'b', [], {c: 2}, null, ]}", "{ a = [1, \"b\", [], { c = 2 }] }"},
        Row{"{a: {b: {c: 1}}}", "{ a = { b = { c = 1 } } }"},
        Row{"{a: 'it\\'s\\n\\\\', b: `x\ny`, c: 'a\\\nb'}",
            R"({ a = "it's\n\\", b = "x\ny", c = "ab" })"},
        Row{"{a: 1, a: 2}", "{ a = 2 }"},
        Row{"{a: null, a: 2}", "{ a = 2 }"},
        Row{"{a: 1e400}",
            "1:5: "
            "must be a text, a number, a boolean, a list or an object; what "
            "only JavaScript can work out is to be written out, got '1'"},
        Row{"",
            "1:1: must be a JavaScript object, such as { port: 8125 }, got the end of the file"},
        Row{"var a = {}", "1:1: must be a JavaScript object, such as { port: 8125 }, got 'v'"},
        Row{"{a: 1", "1:6: must have ',' or '}' here, got the end of the file"},
        Row{"{a: 1\n b: 2}", "2:2: must have ',' or '}' here, got 'b'"},
        Row{"{a 1}", "1:4: must have a ':' behind the key, got '1'"},
        Row{"{a: 'x}", "1:8: must have a quote behind the text, got the end of the file"},
        Row{"{a: `${b}`}",
            "1:6: must be a text as it is: what a template holds only JavaScript can work out, got "
            "'$'"},
        Row{"{} x", "1:4: must end behind the object, got 'x'"},
        Row{"{, }", "1:2: must be a key, got ','"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(read_by(parse_javascript, row.text) == row.read);
    }
    CHECK(read_by(parse_javascript, "{\n  a: process.env.PORT || 5}") ==
          "2:6: " + std::string(not_plain) + "'p'");
    CHECK(read_by(parse_javascript, "{a: 60 * 1000}") == "1:8: must have ',' or '}' here, got '*'");
    const std::string deep = "{a:" + std::string(10'000, '[');
    CHECK(read_by(parse_javascript, deep) == "1:20: must not nest so deep, got '['");
}

TEST_CASE("INI") {
    const std::array rows{
        Row{"", "{}"},
        Row{"[a]\nb = c\n", "{ a = { b = \"c\" } }"},
        Row{"a=b\n[c]\n; d\n# e\n  f : g h  \r\n", R"({ "" = { a = "b" }, c = { f = "g h" } })"},
        Row{"[a]\nb = c;d ; e\nb = x\n[a]\nf=", R"({ a = { b = "x", f = "" } })"},
        Row{"[a", "1:1: must have a ']' behind the section's name"},
        Row{"[a]\nb", "2:1: must be [section] or key = value"},
        Row{"= b", "1:1: must be [section] or key = value"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(read_by(parse_ini, row.text) == row.read);
    }
}

TEST_CASE("YAML") {
    const std::array rows{
        Row{"", "{}"},
        Row{"# only a comment\n---\n", "{}"},
        Row{"a: 1\nb: 1.5\nc: true\nd: x y\ne: \"f # g\" # h\n",
            R"({ a = 1, b = 1.5, c = true, d = "x y", e = "f # g" })"},
        Row{"a: 'it''s'\nb: \"x\\ny\"\nc: ''\nd: ~\ne:\nf: null\n",
            R"({ a = "it's", b = "x\ny", c = "" })"},
        Row{"a:\n  - b\n  - \"c\"\nd:\n- 5\n", R"({ a = ["b", "c"], d = [5] })"},
        Row{"a: [b, \"c, d\", 5]\ne: []\n", R"({ a = ["b", "c, d", 5], e = [] })"},
        Row{"a:\n  b:\n    c: 1\n  d: 2\ne: 3\n", "{ a = { b = { c = 1 }, d = 2 }, e = 3 }"},
        Row{"a:\n  - b: 1\n    c: 2\n  - d\ne: 3\n", R"({ a = ["d"], e = 3 })"},
        Row{"a: |\n  text\n  more\nb: 1\n", "{ a = [], b = 1 }"},
        Row{"\"a b\": 1\nc:d: e\n", R"({ "a b" = 1, "c:d" = "e" })"},
        Row{"a: http://b:5#c\n", R"({ a = "http://b:5#c" })"},
        Row{"a: 0123abc\n", R"({ a = "0123abc" })"},
        Row{"a\n", "1:1: must be a key and a value: \"key: value\""},
        Row{"a: 1\n   b: 2\n", "2:4: must be indented like the keys above"},
        Row{"a:\n\tb: 1\n", "2:1: must be indented with blanks, got a tab"},
        Row{"- a\n", "1:1: must be a key and a value: \"key: value\""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(read_by(parse_yaml, row.text) == row.read);
    }
}
