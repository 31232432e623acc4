// Names that a rule may have meant: near ones only, the nearest first.
#include "agent/alerts/unmatched.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/evaluator.h"
#include "agent/alerts/parser.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot;
using namespace pitot::agent::alerts;
using namespace pitot::tests;

namespace {

// Of the first thing that a condition reads.
std::string reason_for(std::string_view condition, SnapshotMaker& in) {
    auto expression = parse_expression(SourceText(std::string(condition)));
    REQUIRE(expression);
    const auto unit_of = [](std::string_view name) {
        return name == "disk" ? find_metric_unit("KiB") : std::nullopt;
    };
    const auto program = compile(std::move(*expression), Result::condition, {.unit_of = unit_of});
    REQUIRE(program);
    const Leaf leaf = leaves_of(*program).front();
    UnmatchedFinder finder({program->feeds[leaf.feed]}, unit_of, {"made"});
    finder.look(in.end_interval(), {false});
    CHECK((finder.reason(0).empty() || finder.nearest(0).empty()));
    return finder.reason(0);
}

}  // namespace

TEST_CASE("names near a mistyped one") {
    const std::vector<std::string_view> names{"request",      "http.requests", "temperature",
                                              "errors",       "error",         "checkout.time",
                                              "checkout.tme", "cpu",           "queue.depth"};
    using Names = std::vector<std::string>;
    CHECK(nearest_metrics("requests", names) == Names{"request", "http.requests"});
    CHECK(nearest_metrics("erors", names) == Names{"errors"});
    CHECK(nearest_metrics("checkout.tim", names) == Names{"checkout.time", "checkout.tme"});
    CHECK(nearest_metrics("depth.queue", names) == Names{"queue.depth"});
    CHECK(nearest_metrics("zzz", names).empty());
    CHECK(nearest_metrics("", {}).empty());
}

TEST_CASE("what is compared is bounded") {
    const std::string huge(100'000, 'a');
    const std::string other = std::string(100'000, 'a') + "b";
    CHECK(nearest_metrics(huge, {other}) == std::vector<std::string>{other});
}

TEST_CASE("why series of that name are not read") {
    SnapshotMaker in;
    in.gauge("h", "zone:a", 9);
    in.count("cnt", "zone:a", 1);
    in.gauge("disk", "", 9);
    CHECK(reason_for("h > 2s", in) == "`h` is a gauge without a unit; declare it in [units]");
    CHECK(reason_for("p95(cnt) > 1", in) ==
          "`cnt` is a counter, where timers, histograms and distributions are read");
    CHECK(reason_for("last(\"cn*\") > 2s", in) ==
          "`cnt` is a counter without a unit; declare it in [units]");
    CHECK(reason_for("h{zone=\"b\"} > 2", in) ==
          "no series of `h` has the tags that are asked for");
    CHECK(reason_for("made > 2", in) == "`made` is derived, and has no value now");
    CHECK(reason_for("maid > 2", in).empty());
    CHECK(reason_for("h > 2", in) == "`h` has found no room: alerts.max_state is used up");
}
