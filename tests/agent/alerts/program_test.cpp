// Compilation: conditions and numbers, units, groups and joins, windows and what they cost,
// hints, and that every fault says where and what.
#include "agent/alerts/program.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/hints.h"
#include "agent/alerts/limits.h"

using namespace pitot::agent::alerts;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

CompileSettings settings() {
    return {.interval_ns = 10 * second_ns, .unit_of = [](std::string_view name) {
                if (name == "load.share") return find_metric_unit("percent");
                if (name == "db.seconds") return find_metric_unit("s");
                if (name == "disk.kib") return find_metric_unit("KiB");
                return std::optional<Unit>{};
            }};
}

std::expected<Program, ExpressionFault> compiled(const std::string& text,
                                                 Result wanted = Result::condition) {
    auto expression = parse_expression(SourceText(text));
    if (!expression) return std::unexpected(expression.error());
    return compile(std::move(*expression), wanted, settings());
}

// "column: what", or "" for a good one.
std::string fault_of(const std::string& text, Result wanted = Result::condition) {
    const auto program = compiled(text, wanted);
    if (program) return "";
    return std::to_string(program.error().position.column) + ": " + program.error().what;
}

Program good(const std::string& text) {
    auto program = compiled(text);
    REQUIRE_MESSAGE(program.has_value(), fault_of(text));
    return std::move(*program);
}

// The constant on the right side of the comparison at the root.
double limit_of(const std::string& text) {
    const Program program = good(text);
    return program.steps[program.steps[program.root].operands[1]].number;
}

// One hint, without its place; "" for none.
std::string hint_of(const std::string& text) {
    const Program program = good(text);
    REQUIRE(program.hints.size() <= 1);
    return program.hints.empty() ? "" : program.hints[0].what;
}

struct Row {
    const char* text;
    const char* expected;
};

constexpr Row faults[]{
    // conditions and numbers
    {"errors", "1: must be a condition, such as `errors > 10`"},
    {"rate(errors) + 1", "14: must be a condition, such as `rate(errors) + 1 > 10`"},
    {"(a > 1) + 2 > 3", "4: must be a number, got the condition `a > 1`"},
    {"(a > 1) == (b > 1)", "4: must be a number, got the condition `a > 1`"},
    {"a > 1 and b", "11: must be a condition, such as `b > 10`"},
    {"not a", "5: must be a condition, such as `a > 10`"},
    {"1 > 2", "3: must read a metric, got numbers only"},
    // arguments
    {"rate(1) > 2", "6: must be a metric, as in `rate(x)`, got `1`"},
    {"rate(sum(x)) > 2", "6: must be a metric, as in `rate(x)`, got `sum(x)`"},
    {"ratio(a, 5) > 2", "10: must be a metric, as in `ratio(a, b, min = 50)`, got `5`"},
    {"count_over(x, y) > 2", "15: must be a number, as in `count_over(x, 1s)`"},
    {"ewma(x, 1.5) > 2", "9: must be a number above 0 and up to 1, got `1.5`"},
    {"ewma(x, 10%) > 2", "9: must be a number above 0 and up to 1, got `10%`"},
    {"ewma(rate(x), 0.1) by (a) > 2", "1: must have its groups on the function inside of `ewma`"},
    // windows
    {"deriv(x) > 0", "7: must have a window, as in `deriv(x[10m])`"},
    {"age(x[5m]) > 60", "5: must have no window: `age(x)` looks at now"},
    {"absent(x offset 5m)", "8: must have no offset: `absent(x)` looks at now"},
    {"rate(x[6d] offset 2d) > 1", "6: must look back at most 7d, window and offset together"},
    {"ratio(a[1m], b[5m]) > 1", "14: must have the window of the first metric, 1m, got 5m"},
    // groups
    {"sum(a) by (x) > sum(b) by (y)",
     "15: must have sides that can be joined: the left one has x, the right one y"},
    {"sum(a) by (x) > sum(b) without (x)",
     "15: must have sides that can be joined: the left one has x, the right one every tag but x"},
    {"sum(a) by ($1) > 1", "1: must have as many `*` in its metric as `$1` says, got 0"},
    {"sum(\"a.*\") by ($2) > 1", "1: must have as many `*` in its metric as `$2` says, got 1"},
    // units
    {"rate(x) > 2s", "11: must be a plain number: `rate(x)` is not a time, got `2s`"},
    {"a / b > 2s",
     "9: must be a plain number: a product or quotient has no unit of time, got `2s`"},
    {"p95(x) > 2s + 1", "15: must have a unit of time, as `2s` has, got `1`"},
    {"p95(x) > 2s + 80%", "15: must be a time, as `2s` is, got a share"},
    {"load.share > 2s", "14: must be a share: the metric is declared in percent, got `2s`"},
    {"p95(db.seconds) > 80%", "19: must be a time: the metric is declared in s, got `80%`"},
    {"age(x) > 5MB", "10: must be a time, got `5MB`"},
};

}  // namespace

TEST_CASE("what cannot mean anything is a fault with a place") {
    for (const Row& row : faults) {
        CAPTURE(row.text);
        CHECK(fault_of(row.text) == row.expected);
    }
    CHECK(fault_of("a > 1", Result::number) == "3: must be a number, got the condition `a > 1`");
    CHECK(fault_of("a / b", Result::number) == "");
}

TEST_CASE("numbers are in the unit of the metric that they are compared with") {
    CHECK(limit_of("p95(x) > 2s") == 2'000);
    CHECK(limit_of("p95(x) > 2") == 2);
    CHECK(limit_of("p95(x) > 300ms") == 300);
    CHECK(limit_of("avg(x) > 5m") == 300'000);
    CHECK(limit_of("p95(db.seconds) > 250ms") == 0.25);
    CHECK(limit_of("p95(db.seconds) > 2") == 2);
    CHECK(limit_of("age(x) > 5m") == 300);
    CHECK(limit_of("age(x) > 60") == 60);
    CHECK(limit_of("load > 80%") == 0.8);
    CHECK(limit_of("load.share > 80%") == 80);
    CHECK(limit_of("load.share > 7%") == 7);
    CHECK(limit_of("ratio(a, b) > 7%") == 0.07);
    CHECK(limit_of("memory > 1GiB") == 1'073'741'824);
    CHECK(limit_of("disk.kib > 1MiB") == 1'024);
    CHECK(limit_of("increase(bytes[1h]) > 10GB") == 1e10);
    CHECK(limit_of("rate(x) > 5k") == 5'000);
    // A factor without a unit leaves the unit as it is; so does adding.
    CHECK(limit_of("2 * p95(x) > 1s") == 1'000);
    CHECK(limit_of("sum(x) / count(x) > 1s") == 1'000);
    CHECK(limit_of("max(x) - min(x) > 1s") == 1'000);
    CHECK(limit_of("clamp(max(x), 0, 10s) > 1s") == 1'000);
    CHECK(limit_of("ewma(x, 0.5) > 1s") == 1'000);

    const Program program = good("count_over(x, 1s) > 5 and count_over(db.seconds, 1s) > 5");
    CHECK(program.feeds[0].bound == 1'000);
    CHECK(program.feeds[1].bound == 1);
    CHECK(program.feeds[0].is_time);
    // An age beside a timer is in the timer's milliseconds.
    const Program mixed = good("age(x) > p95(y)");
    CHECK(mixed.steps[0].scale == 1'000);
}

TEST_CASE("groups and joins") {
    const auto labels = [](const std::string& text) {
        const Program program = good(text);
        return to_text(program.steps[program.root].labels);
    };
    CHECK(labels("rate(x) > 1") == "no labels");
    CHECK(labels("x > 1") == "every tag");
    CHECK(labels("sum(x) by (b, a) > 1") == "a, b");
    CHECK(labels("sum(x) by (a) > sum(y)") == "a");
    CHECK(labels("sum(x) > sum(y) by (a)") == "a");
    CHECK(labels("sum(x) by (a, b) > sum(y) by (a)") == "a, b");
    CHECK(labels("x > sum(y) by (a)") == "every tag");
    CHECK(labels("sum(x) without (host) > x") == "every tag");
    CHECK(labels("\"a.*\" > 1") == "every tag and $1");
    CHECK(labels("\"a.*\" > x") == "every tag and $1");
    CHECK(labels("sum(\"a.*.*\") by ($1) > 1") == "$1");
    CHECK(labels("1 < x") == "every tag");
    CHECK(labels("absent(x) by (worker)") == "worker");
    // What only the numerator asks for is summed away.
    CHECK(labels("ratio(x{status=\"failed\"}, x) > 1") == "no labels");
    CHECK(labels("ratio(x{status=\"failed\"}, x) by (*) > 1") == "every tag but status");
    CHECK(labels("ratio(x{status=\"failed\", env=\"p\"}, x{env=\"p\"}) by (*) > 1") ==
          "every tag but status");
    CHECK(labels("ratio(x{status=~\"5..\"}, x) by (status) > 1") == "status");
    CHECK(labels("ratio(x{status=\"failed\"}, x) by (node) > 1") == "node");
}

TEST_CASE("windows are whole flushes, and long ones share slots") {
    const auto feed = [](const std::string& text) { return good(text).feeds[0]; };
    CHECK(feed("rate(x) > 1").window_flushes == 1);
    CHECK(feed("rate(x[5m]) > 1").window_flushes == 30);
    CHECK(feed("rate(x[15s]) > 1").window_flushes == 2);
    CHECK(feed("rate(x[1s]) > 1").window_flushes == 1);
    CHECK(feed("rate(x[3f]) > 1").window_flushes == 3);
    CHECK(feed("last(x offset 10m) > 1").offset_flushes == 60);

    const auto plan = [&](const std::string& text) { return slot_plan(feed(text)); };
    CHECK(plan("rate(x[1h]) > 1").flushes_per_slot == 1);
    CHECK(plan("rate(x[1h]) > 1").slots() == 360);
    CHECK(plan("rate(x[2h]) > 1").flushes_per_slot == 2);
    CHECK(plan("p95(x[10m]) > 10").flushes_per_slot == 2);
    CHECK(plan("p95(x[10m]) > 10").slots() == 30);
    CHECK(plan("rate(x[1h] offset 1h) > 1").slots() == 360);
    for (const std::uint32_t flushes : {1U, 29U, 30U, 31U, 59U, 61U, 719U, 60'480U}) {
        Feed any{.fold = Fold::sketch, .window_flushes = flushes};
        const SlotPlan its = slot_plan(any);
        CHECK(its.slots() <= limits::sketch_slots_max);
        CHECK(its.slots() * its.flushes_per_slot >= flushes);
    }
    CHECK(group_bytes_max(feed("rate(x[1h]) > 1")) == 512 + 360 * 8);
    CHECK(group_bytes_max(feed("absent(x[1h])")) == 512);
}

TEST_CASE("a window or an offset on either side of a ratio holds for both, feeds are shared") {
    const Program program = good("ratio(a, b[5m]) > 5% and ratio(a[5m], b) > 4%");
    REQUIRE(program.feeds.size() == 2);
    CHECK(program.feeds[0].window_flushes == 30);
    CHECK(program.feeds[1].window_flushes == 30);
}

TEST_CASE("a rule shows the left side of its first comparison") {
    const auto shown = [](const std::string& text) {
        const Program program = good(text);
        return to_text(program.expression, program.steps[program.value].source);
    };
    CHECK(shown("rate(x) > 1") == "rate(x)");
    CHECK(shown("a / b > 1 and c > 2") == "a / b");
    CHECK(shown("not a + 1 > 1") == "a + 1");
    CHECK(shown("rate(x) between 1 and 2") == "rate(x)");
    CHECK(shown("absent(x)") == "absent(x)");
    CHECK(good("p95(x) > 1s").value_unit.name == "ms");
}

TEST_CASE("traps are pointed out") {
    CHECK(hint_of("rate(errors) > 0.05") ==
          "`rate()` is per second: 0.05 is 3 a minute. A share of all is `ratio(a, b) > 5%`");
    CHECK(hint_of("p95(query_duration[1m]) > 2.0") ==
          "`query_duration[1m]` is in milliseconds if it is sent as |ms, so that 2 means 2 ms; "
          "write `2s` if seconds are meant");
    CHECK(
        hint_of("count_over(x, 1) > 50") ==
        "`x` is in milliseconds if it is sent as |ms, so that 1 means 1 ms; write `1s` if seconds "
        "are meant");
    CHECK(hint_of("rate(x{status=\"failed\"}[5m]) / rate(x[5m]) > 0.1") ==
          "`ratio(a, b, min = 20)` says the same, takes nothing for 0, and waits for enough "
          "events");
    CHECK(hint_of("rate(x{s=\"failed\"}[5m]) by (s) / rate(x[5m]) by (s) > 0.1") ==
          "each side has the tag that only the left one is filtered by, so this is 1 wherever "
          "there is one event; `ratio(a, b)` sums it away");
    for (const char* const fine :
         {"rate(errors) > 5", "p95(x) > 2s", "p95(x) > 250", "p95(db.seconds) > 2",
          "ratio(a, b) > 0.05", "a / b > 80%", "rate(x) == 0"}) {
        CAPTURE(fine);
        CHECK(hint_of(fine) == "");
    }
    CHECK(hint_on_message("failure rate is {{ $value }}%") ==
          "`{{ $value }}%` shows 0.12% for a share of 12 %; write `{{ value | percent }}`");
    CHECK(hint_on_message("{{ labels.x }} {{ value | percent }} {{ value }} ms") == "");
    CHECK(hint_on_message("{{ value") == "");
}

TEST_CASE("a feed explains itself") {
    CHECK(explain(good("p95(x{env=\"p\"}[10m] offset 1h) by (a) > 1s").feeds[0], 10 * second_ns) ==
          "x{env=\"p\"}: distributions, grouped by a, window 10m in 5 slots of 140s, 1h ago, in "
          "ms, at most 161792 bytes for each group");
    CHECK(explain(good("absent(x)").feeds[0], 10 * second_ns) ==
          "x: times of the last sample, grouped by no labels, at most 512 bytes for each group");
}
