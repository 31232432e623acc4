// The language of alert rules: every row of the grammar, what it is printed as, every fault
// with its place and words, and the bounds.
#include "agent/alerts/parser.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "agent/alerts/limits.h"

using namespace pitot::agent::alerts;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

// The tree printed, or "column: what".
std::string read(const std::string& text) {
    const auto expression = parse_expression(SourceText(text));
    if (expression) return to_text(*expression);
    return std::to_string(expression.error().position.column) + ": " + expression.error().what;
}

struct Row {
    const char* text;
    const char* printed;  // empty: as it was
};

constexpr Row written[]{
    // or, and, not
    {"a or b or c", ""},
    {"a || b && c", "a or b and c"},
    {"(a or b) and c", ""},
    {"not a > 1", ""},
    {"! (a > 1 and b)", "not (a > 1 and b)"},
    {"not (not a > 1)", ""},
    // cmp
    {"a > 1", ""},
    {"a >= 1", ""},
    {"a < 1", ""},
    {"a <= 1", ""},
    {"a == 1", ""},
    {"a != 1", ""},
    {"a between 1 and 5 and b > 1", ""},
    {"(a > 1) == (b > 1)", ""},
    // sum, prod, unary
    {"a - b - c", ""},
    {"a - (b - c)", ""},
    {"a+b*c/d", "a + b * c / d"},
    {"(a + b) * c", ""},
    {"a / (b * c)", ""},
    {"-a + -1", ""},
    {"-(-a)", ""},
    {"-(a + b)", ""},
    // numbers and units
    {"1 + 1.50 + 1e3 + 2.5e-3 + 1E+2", "1 + 1.5 + 1000 + 0.0025 + 100"},
    {"80% + 1ns + 1us + 1ms + 1s + 1m + 1h + 1d", ""},
    {"1B + 1kB + 1MB + 1GB + 1KiB + 1MiB + 1GiB + 1k + 1M", ""},
    // selectors
    {"http.requests_total", ""},
    {"\"api.*.errors\" > 0", ""},
    {"\"plain.name\"", "plain.name"},
    {"'a-b:c/d'", "\"a-b:c/d\""},
    {"\"and\" > 1", ""},
    {"x{}", "x"},
    {R"(x{a="1",b != "2*", c=~"5.." , d!~"a|b"})", R"(x{a="1", b!="2*", c=~"5..", d!~"a|b"})"},
    {R"(x{"kube-app"='it\'s', q='"'})", R"(x{"kube-app"="it's", q="\""})"},
    {"x[5m]", ""},
    {"x[90s] + x[1h30m] + x[3f] + x[24h]", "x[1m30s] + x[1h30m] + x[3f] + x[1d]"},
    {"x offset 10m", ""},
    {"x{a=\"b\"}[5m] offset 1h", ""},
    // calls and grouping
    {"rate(x)", ""},
    {"p50(x) + p95(x) + p99(x)", ""},
    {"p999(x)", "p(99.9, x)"},
    {"p(95, x) + p(99.5, x) + p(0.5, x)", "p95(x) + p(99.5, x) + p(0.5, x)"},
    {"ratio(a, b)", ""},
    {"ratio(a, b[5m], min=50) by (service)", "ratio(a, b[5m], min = 50) by (service)"},
    {"sum(x) by(b,a , \"kube-app\",a)", "sum(x) by (a, b, \"kube-app\")"},
    {"sum(\"a.*.b\") by ($1)", ""},
    {"sum(x) by (*)", ""},
    {"sum(x) without (host)", ""},
    {"clamp(abs(a), 1, 5)", ""},
    {"count_over(x, 1s) + ewma(x, 0.3) + log10(ceil(floor(x)))", ""},
    {"absent(x[1m]) by (worker)", ""},
};

constexpr Row faults[]{
    {"", "1: must be an expression such as `errors > 10`, got nothing"},
    {"  ", "3: must be an expression such as `errors > 10`, got nothing"},
    {"a >", "4: must be a number, a function or the name of a metric, got the end"},
    {"> 1", "1: must be a number, a function or the name of a metric, got `>`"},
    {"a and", "6: must be a number, a function or the name of a metric, got the end"},
    {"a > 1 or or b", "10: must be a number, a function or the name of a metric, got `or`"},
    {"1 < a < 3",
     "7: must be one comparison: write `low < x and x < high`, or `x between low and high`"},
    {"a = 1", "3: must be `==` for a comparison, got `=`"},
    {"a > 1)", "6: must have a `(` for this `)`"},
    {"(a > 1", "7: must have a `)` for the `(` at column 1, got the end"},
    {"a > 2 s", "7: must stand right behind its number: `2s`"},
    {"a > 5 %", "7: must stand right behind its number: `5%`"},
    {"a > 1 by (service)",
     "7: must stand behind a function, as in `increase(errors) by (service)`"},
    {"a:b > 1", "2: must have names with `:` between quotes: `\"a:b\" > 1`"},
    {"a b", "3: must end here, or go on with an operator, got `b`"},
    {"a & b", "3: must be `and` or `&&`, got `&`"},
    {"a | b", "3: must be `or` or `||`, got `|`"},
    {"a # b", "3: must be part of an expression, got `#`"},
    {"ä > 1", "1: must be part of an expression, got `ä`"},
    {"a\x1B > 1", "2: must be part of an expression, got `\\x1b`"},
    {"\"a > 1", "1: must have a closing quote"},
    {"\"\" > 1", "1: must be the name of a metric, got \"\""},
    {"$1 > 1", "1: must be a number, a function or the name of a metric, got `$1`"},
    {"sum(x) by ($0)", "12: must be `$1` to `$9`, for what a `*` stands for"},
    {"a > 1.2.3",
     "5: must be a number, alone or with one of %, ns, us, ms, s, m, h, d, B, kB, MB, GB, "
     "KiB, MiB, GiB, k, M; got `1.2.3`"},
    {"a > 5min",
     "5: must be a number, alone or with one of %, ns, us, ms, s, m, h, d, B, kB, MB, GB, "
     "KiB, MiB, GiB, k, M; got `5min`; did you mean `m`?"},
    {"a > 1e999", "5: must be a number, got `1e999`"},
    // functions
    {"p9x(a) > 2s", "1: unknown function `p9x`; did you mean `p90`?"},
    {"rat(a) > 1", "1: unknown function `rat`; did you mean `rate`?"},
    {"mean(a) > 1", "1: unknown function `mean`; did you mean `avg`?"},
    {"p100(a) > 1", "1: unknown function `p100`"},
    {"zzzzzz(a) > 1", "1: unknown function `zzzzzz`"},
    {"rate() > 1", "1: must be called as `rate(x)`, got 0 arguments"},
    {"rate(a, b) > 1", "1: must be called as `rate(x)`, got 2 arguments"},
    {"clamp(a) > 1", "1: must be called as `clamp(value, low, high)`, got 1 argument"},
    {"ratio(a, b, max=3) > 1", "13: must be called as `ratio(a, b, min = 50)`, got `max`"},
    {"rate(a, min=3) > 1", "9: must be called as `rate(x)`, got `min`"},
    {"ratio(a, b, min=x) > 1",
     "17: must be the number of events from which a ratio says something, got `x`"},
    {"ratio(a, b, min=1, min=2) > 1", "20: must be given once"},
    {"p(0, a)", "3: must be a percentile between 0 and 100, got `0`"},
    {"p(100, a)", "3: must be a percentile between 0 and 100, got `100`"},
    {"p(a)", "3: must be a percentile between 0 and 100, got `a`"},
    {"p(95)", "5: must have a `,` behind the percentile: `p(99.5, x)`, got `)`"},
    {"rate(a", "7: must have a `)` to end the arguments of `rate`, got the end"},
    {"abs(a) by (b)",
     "8: must stand behind the function that reads a metric: `abs` has no groups of its own"},
    {"sum(a) by b", "11: must have a `(` and the tags to group by, got `b`"},
    {"sum(a) by ()", "12: must be the name of a tag, got `)`"},
    {"sum(a) without (*)", "17: must be tags: without all of them is what no grouping does"},
    // selectors
    {"a{b}", "4: must be `=`, `!=`, `=~` or `!~`, got `}`"},
    {"a{b==\"c\"}", "4: must be `=`, `!=`, `=~` or `!~`, got `==`"},
    {"a{b=c}", "5: must be a text in quotes, as in `b=\"…\"`, got `c`"},
    {"a{=\"c\"}", "3: must be the name of a tag, got `=`"},
    {"a{b=\"c\"", "8: must have a `}` behind the conditions, got the end"},
    {"a{b=~\"x(y\"}", "8: must have a ) for this ("},
    {"\"a.**.b\" > 1",
     "1: must have something between two `*`: each stands for one part of a name"},
    {"\"*.*.*.*.*.*.*.*.*.*\" > 1", "1: must have at most 9 `*`"},
    {"a[5]",
     "3: must be a window such as `[5m]`, with a unit of s, m, h, d, or f for flushes, "
     "got `5`"},
    {"a[5 m]", "3: must be a window such as `[5m]` in one word, got `5 m`"},
    {"a[500ms]",
     "3: must be a window such as `[5m]`, with a unit of s, m, h, d, or f for "
     "flushes, got `500ms`"},
    {"a[0s]", "3: must be a window such as `[5m]` of more than nothing, got `0s`"},
    {"a[0f]", "3: must be a window such as `[5m]` of at least one flush, got `0f`"},
    {"a[1m3f]", "3: must be a window such as `[5m]`: flushes go with no other unit, got `1m3f`"},
    {"a[8d]", "3: must be a window such as `[5m]` of at most 7d, got `8d`"},
    {"a[6d25h]", "3: must be a window such as `[5m]` of at most 7d, got `6d25h`"},
    {"a[m]", "3: must be a window such as `[5m]`, got `m`"},
    {"a[5m", "5: must have a `]` behind the window, got the end"},
    {"a offset", "9: must be a time such as `offset 10m`, got the end"},
};

}  // namespace

TEST_CASE("what is written is what is printed") {
    for (const Row& row : written) {
        CAPTURE(row.text);
        const auto expression = parse_expression(SourceText(row.text));
        REQUIRE_MESSAGE(expression.has_value(), read(row.text));
        const std::string printed = to_text(*expression);
        CHECK(printed == std::string(*row.printed == 0 ? row.text : row.printed));
        const auto again = parse_expression(SourceText(printed));
        REQUIRE_MESSAGE(again.has_value(), read(printed));
        CHECK(*again == *expression);
    }
}

TEST_CASE("operators bind as the grammar says") {
    const auto same = [](const char* a, const char* b) {
        return *parse_expression(SourceText(a)) == *parse_expression(SourceText(b));
    };
    CHECK(same("a or b and c", "a or (b and c)"));
    CHECK_FALSE(same("a or b and c", "(a or b) and c"));
    CHECK(same("not a > 1 and b", "(not (a > 1)) and b"));
    CHECK(same("a + b > c * 2", "(a + b) > (c * 2)"));
    CHECK(same("a - b + c", "(a - b) + c"));
    CHECK_FALSE(same("a - b + c", "a - (b + c)"));
    CHECK(same("-a * b", "(-a) * b"));
    CHECK(same("a between 1 and 2 and b", "(a between 1 and 2) and b"));
    CHECK(same("p(90, x)", "p90(x)"));
    CHECK_FALSE(same("x[60s]", "x[6f]"));
    CHECK(same("x[60s]", "x[1m]"));
    CHECK_FALSE(same("5%", "0.05"));
}

TEST_CASE("a fault has a place, what must be, and what was there") {
    for (const Row& row : faults) {
        CAPTURE(row.text);
        CHECK(read(row.text) == row.printed);
    }
}

TEST_CASE("the place of a fault is as wide as the word") {
    const auto fault = parse_expression(SourceText("rate(x) > 1 and unknown(y) > 2"));
    REQUIRE_FALSE(fault.has_value());
    CHECK(fault.error().position == pitot::agent::Position{0, 1, 17, 7});
}

TEST_CASE("whatever is too large is refused in words") {
    using namespace std::string_literals;
    CHECK(read(std::string(limits::expression_bytes_max + 1, ' ')) ==
          "1: must be at most 4096 bytes long, got 4097");
    CHECK(read(repeated("(", limits::expression_depth_max + 1) + "a" +
               repeated(")", limits::expression_depth_max + 1)) ==
          "33: must have fewer parentheses within one another");
    CHECK(read(repeated("abs(", limits::expression_depth_max + 1) + "a" +
               repeated(")", limits::expression_depth_max + 1)) ==
          "129: must have fewer calls within one another");
    CHECK(read("a" + repeated("+a", limits::expression_nodes_max)) ==
          "256: must be shorter: at most 256 names, numbers and operators");
    CHECK(read("x{" + repeated("a=\"b\",", limits::tags_max) + "a=\"b\"}") ==
          "99: must have at most 16 conditions");
    std::string tags = "t0";
    for (std::size_t i = 1; i <= limits::tags_max; ++i) tags += ",t" + std::to_string(i);
    CHECK(read("sum(x) by (" + tags + ")") == "8: must have at most 16 tags");

    // The deepest there may be is taken, and printed.
    const std::string deep = repeated("(", limits::expression_depth_max) + "a" +
                             repeated(")", limits::expression_depth_max);
    CHECK(read(deep) == "a");
}

TEST_CASE("a threshold is a comparison whose left side is elsewhere") {
    const auto value = parse_expression(SourceText("a / b"));
    REQUIRE(value.has_value());
    const auto printed = [&](const char* text) {
        const auto rule = parse_threshold(SourceText(text), *value);
        if (rule) return to_text(*rule);
        return std::to_string(rule.error().position.column) + ": " + rule.error().what;
    };
    CHECK(printed("> 80%") == "a / b > 80%");
    CHECK(printed("between 1 and c * 2") == "a / b between 1 and c * 2");
    CHECK(printed("80%") == "1: must begin with a comparison such as `> 80%`, got `80%`");
    CHECK(printed("> 1 and > 2") == "5: must end here, or go on with an operator, got `and`");
    CHECK(printed("> 1 > 2") ==
          "5: must be one comparison: write `low < x and x < high`, or `x between low and high`");
}
