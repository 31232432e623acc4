// What stands behind the '?': in order, with escapes, whatever it is.
#include "agent/web/query.h"

#include <doctest/doctest.h>

#include <string>

using namespace pitot::agent;

TEST_CASE("pairs, escapes and what is no escape") {
    CHECK(parse_query("").empty());
    CHECK(parse_query("a=1&b=two+words&c") == Query{{"a", "1"}, {"b", "two words"}, {"c", ""}});
    CHECK(parse_query("&&a=b=c&") == Query{{"a", "b=c"}});
    CHECK(parse_query("rule_name%5b%5D=x%20y") == Query{{"rule_name[]", "x y"}});
    CHECK(parse_query("a=%zz%4") == Query{{"a", "%zz%4"}});
}

TEST_CASE("what is escaped comes back") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    CHECK(parse_query("a=" + query_escaped(all)) == Query{{"a", all}});
}
