// Where a character of a text stands in the file that the text is from: all four kinds of
// TOML's texts, escapes, characters of several bytes, and texts that were changed.
#include "agent/alerts/source_text.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/parser.h"
#include "agent/config/document.h"

using namespace pitot::agent;
using alerts::SourceText;

namespace {

// "line:column" of the first fault of the expression under the key `condition`.
std::string place_of_fault(std::string_view toml) {
    const auto document = parse_document(toml, 3);
    REQUIRE(document.has_value());
    const Entry* const entry = document->find("condition");
    REQUIRE(entry != nullptr);
    const auto* const value = entry->node.text();
    REQUIRE(value != nullptr);
    const SourceText text(*value, toml, entry->node.position);
    const auto expression = alerts::parse_expression(text);
    REQUIRE_FALSE(expression.has_value());
    const Position& position = expression.error().position;
    CHECK(position.source == 3);
    return std::to_string(position.line) + ":" + std::to_string(position.column) +
           (text.is_exact() ? "" : " or so");
}

}  // namespace

TEST_CASE("a fault within a text has its line and column of the file") {
    CHECK(place_of_fault("condition = 'p9x(a) > 2s'") == "1:14");
    CHECK(place_of_fault("condition = 'a > 1 and p9x(a) > 2s'") == "1:24");
    CHECK(place_of_fault("x = 1\n\ncondition = \"p9x(a) > 2s\"") == "3:14");
    CHECK(place_of_fault("condition = 'a > 1 and'") == "1:23");
    // Escapes are longer than what they stand for.
    CHECK(place_of_fault("condition = \"a{b=\\\"c\\\"} > 1 and p9x(a)\"") == "1:33");
    CHECK(place_of_fault("condition = \"\\u0061{b='\\U0001F600'} > p9x(a)\"") == "1:39");
    CHECK(place_of_fault("condition = \"a\\t> p9x(a)\"") == "1:19");
    // Characters count once, whatever their bytes.
    CHECK(place_of_fault("condition = 'a{b=\"äöü😀\"} > p9x(a)'") == "1:28");
    // A byte order mark is none.
    CHECK(place_of_fault("\xEF\xBB\xBF"
                         "condition = 'p9x(a) > 2s'") == "1:14");
}

TEST_CASE("in texts of several lines, too") {
    CHECK(place_of_fault("condition = '''a > 1 and\n  p9x(a) > 2s'''") == "2:3");
    CHECK(place_of_fault("condition = '''\na > 1 and\n  p9x(a) > 2s'''") == "3:3");
    CHECK(place_of_fault("condition = \"\"\"\r\n  p9x(a) > 2s\"\"\"") == "2:3");
    CHECK(place_of_fault("condition = \"\"\"a > 1 and \\\n\n    p9x(a) > 2s\"\"\"") == "3:5");
}

TEST_CASE("a text that is not what stands there has the place of the whole") {
    const Position position{1, 7, 13, 1};
    const SourceText changed("a > 80", "condition = '${VARIABLE}'", {1, 1, 13, 1});
    CHECK_FALSE(changed.is_exact());
    CHECK(changed.at(4) == Position{1, 1, 13, 1});
    const SourceText elsewhere("a > 80", "short", position);
    CHECK_FALSE(elsewhere.is_exact());
    CHECK(elsewhere.at(0) == position);
}

TEST_CASE("a text without quotes begins where it stands") {
    const SourceText bare("a > 80", "alerts.x.condition=a > 80", {1, 1, 20, 1});
    CHECK(bare.is_exact());
    CHECK(bare.at(4, 2) == Position{1, 1, 24, 2});
}
