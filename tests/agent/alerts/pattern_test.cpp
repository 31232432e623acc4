// What a pattern matches: globs on names and values, regular expressions, and that neither
// takes more time than its size allows.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/glob.h"
#include "agent/alerts/regex.h"

using namespace pitot::agent::alerts;

namespace {

// The captures with commas between them, or "no".
std::string captured(std::string_view pattern, std::string_view name) {
    std::vector<std::string_view> captures;
    if (!matches_name_glob(pattern, name, captures)) return "no";
    std::string out;
    for (const std::string_view each : captures)
        out += (out.empty() ? "" : ",") + std::string(each);
    return out;
}

// "yes", "no", or "offset: what".
std::string matched(std::string_view pattern, std::string_view text) {
    const auto regex = Regex::compile(pattern);
    if (!regex) return std::to_string(regex.error().offset) + ": " + regex.error().what;
    return regex->matches(text) ? "yes" : "no";
}

}  // namespace

TEST_CASE("a star in a name stands for a part between dots") {
    CHECK(captured("api.*.errors", "api.v1.errors") == "v1");
    CHECK(captured("api.*.errors", "api.v1.users.errors") == "no");
    CHECK(captured("api.*.errors", "api..errors") == "no");
    CHECK(captured("http.5*", "http.503") == "03");
    CHECK(captured("http.5*", "http.404") == "no");
    CHECK(captured("http.5*", "http.5") == "no");
    CHECK(captured("*.*", "a.b") == "a,b");
    CHECK(captured("*", "a.b") == "no");
    CHECK(captured("*-*.x", "a-b-c.x") == "a,b-c");
    CHECK(captured("a*c*e", "abcde") == "b,d");
    CHECK(captured("a*bc", "abbc") == "b");
    CHECK(captured("plain", "plain") == "");
    CHECK(captured("plain", "plainer") == "no");
}

TEST_CASE("a star in a value stands for anything") {
    CHECK(matches_value_glob("web-*", "web-1.eu.example"));
    CHECK(matches_value_glob("web-*", "web-"));
    CHECK(matches_value_glob("*", ""));
    CHECK(matches_value_glob("*a*b*", "xxaxxbxx"));
    CHECK_FALSE(matches_value_glob("*a*b*", "xxbxxa"));
    CHECK_FALSE(matches_value_glob("", "x"));
    CHECK_FALSE(matches_value_glob("a*a", "a"));
}

TEST_CASE("a glob is no trap") {
    std::string pattern;
    for (int i = 0; i < 30; ++i) pattern += "a*";
    CHECK_FALSE(matches_value_glob(pattern + "b", std::string(4'000, 'a')));
}

TEST_CASE("regular expressions") {
    struct Row {
        const char* pattern;
        const char* text;
        const char* result;
    };
    const std::vector<Row> rows{
        {"abc", "abc", "yes"},
        {"abc", "xabc", "no"},
        {"abc", "abcx", "no"},
        {"^abc$", "abc", "yes"},
        {"a|b", "b", "yes"},
        {"a|bc", "ac", "no"},
        {"a(b|c)d", "acd", "yes"},
        {"(?:ab)+", "abab", "yes"},
        {"(?:ab)+", "", "no"},
        {"(ab)*", "", "yes"},
        {"a?b", "b", "yes"},
        {"a??b", "ab", "yes"},
        {"a{2}", "aa", "yes"},
        {"a{2}", "aaa", "no"},
        {"a{2,}", "a", "no"},
        {"a{2,}", "aaaaa", "yes"},
        {"a{0,2}", "", "yes"},
        {"a{0,2}", "aaa", "no"},
        {"a{0}b", "b", "yes"},
        {"a{0}b", "ab", "no"},
        {"(a{1,2}b){2}", "aabab", "yes"},
        {"(a{1,2}b){2}", "aab", "no"},
        {"(a*)*b", "aaab", "yes"},
        {"(|a)+b", "aab", "yes"},
        {"5..", "503", "yes"},
        {"5\\d\\d", "5x3", "no"},
        {"[a-c]+", "abcabc", "yes"},
        {"[^a-c]+", "xyz", "yes"},
        {"[^a-c]+", "xaz", "no"},
        {"[]a-]+", "]-a", "yes"},
        {"[\\d_]+", "1_2", "yes"},
        {"a\\.b", "axb", "no"},
        {R"(\w+\s\W)", "ab_1 -", "yes"},
        {"", "", "yes"},
        {"", "a", "no"},
        {"(", "", "0: must have a ) for this ("},
        {"a)", "", "1: must have a ( for this )"},
        {"[a", "", "0: must have a ] for this ["},
        {"[z-a]", "", "1: must be a range from a lower to a higher character"},
        {"*a", "", "0: must have something to repeat before *"},
        {"a**", "", "2: must repeat a group, as (a*)*, got two repetitions in a row"},
        {"a{2", "", "1: must be a repetition such as {2}, {2,} or {2,5}"},
        {"a{3,2}", "", "1: must be a repetition such as {2}, {2,} or {2,5}"},
        {"a{9999}", "", "2: must repeat less often"},
        {"(a{500}){500}", "", "0: must be simpler: written out, its repetitions are too long"},
        {"(?=a)", "", "0: must be a plain group: ( ) or (?: )"},
        {"\\b", "", R"(0: must be \d, \w, \s or a \ before punctuation, got \b)"},
        {"a\\", "", "1: must have a character behind the \\"},
        {"a^b", "", "1: must have ^ at its beginning only: it is matched as a whole"},
        {"a$b", "", "1: must have $ at its end only: it is matched as a whole"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.pattern);
        CAPTURE(row.text);
        CHECK(matched(row.pattern, row.text) == row.result);
    }
}

TEST_CASE("a regular expression is no trap") {
    // Both take a back-tracking matcher longer than anyone waits.
    CHECK(matched("(a*)*b", std::string(4'000, 'a')) == "no");
    std::string nested = "a";
    for (int i = 0; i < 30; ++i) nested = "(" + nested + ")?";
    CHECK(matched(nested, "a") == "yes");
    CHECK(matched(std::string(33, '(') + std::string(33, ')'), "") ==
          "32: must have fewer groups in one another");
}
