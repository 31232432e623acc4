// What rules read of series that there are: how many, in how many groups, which, at what cost;
// and why not, where there is none. What the text of `check --explain` makes of it.
#include "agent/alerts/reach.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "agent/alerts/rule_text.h"
#include "agent/config/alerts.h"
#include "tests/support/config_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot;
using namespace pitot::tests;
using agent::alerts::AlertsConfig;
using agent::alerts::FeedReach;
using agent::alerts::Program;
using agent::alerts::Reach;
using agent::alerts::RuleReach;
using protocol::Kind;

namespace {

constexpr std::int64_t interval_ns = 10'000'000'000;

AlertsConfig config_of(const std::string& toml) {
    const ConfigDirectory directory;
    const std::array files{directory.write("a.toml", toml)};
    auto loaded = agent::load_rules_files(files, {.environment = config_environment()});
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    return *std::move(loaded);
}

AlertsConfig rule(const std::string& condition) {
    return config_of("[alerts.a]\ncondition = '" + condition + "'\n");
}

const Program& condition_of(const AlertsConfig& config) {
    return config.rules.front().rule.levels.front().condition;
}

RuleReach reach_of(const AlertsConfig& config, const Reach& reach) {
    return reach.of(std::array{&condition_of(config)});
}

void make_checkouts(SnapshotMaker& in) {
    for (const char* const tags : {"env:prod,host:a,service:pay", "env:prod,host:b,service:pay",
                                   "env:prod,host:a,service:cart", "env:test,host:c,service:pay"}) {
        in.values(Kind::timer, "checkout.time", tags, {1});
    }
}

}  // namespace

TEST_CASE("series, groups, examples and memory of a selector") {
    SnapshotMaker in;
    make_checkouts(in);
    const AlertsConfig config = rule(R"(p95(checkout.time{env="prod"}[5m]) by (service) > 2s)");
    const Reach reach(config, in.end_interval().series);
    const Program& program = condition_of(config);
    const FeedReach& feed = reach.of(program.feeds.front());
    CHECK(feed.series == 3);
    CHECK(feed.groups == 2);
    CHECK(feed.examples.size() == 3);
    CHECK(feed.examples.front() == R"(checkout.time{env="prod", host="a", service="pay"})");
    CHECK(feed.reason.empty());
    CHECK(feed.nearest.empty());
    const RuleReach whole = reach_of(config, reach);
    CHECK(whole.instances == 2);
    CHECK(whole.bytes == 2 * group_bytes_max(program.feeds.front()));
}

TEST_CASE("five examples, and all are counted") {
    SnapshotMaker in;
    for (int i = 0; i < 40; ++i) in.gauge("queue.depth", "queue:" + std::to_string(i), 1);
    const AlertsConfig config = rule("queue.depth > 100");
    const Reach reach(config, in.end_interval().series);
    const FeedReach& feed = reach.of(condition_of(config).feeds.front());
    CHECK(feed.series == 40);
    CHECK(feed.examples.size() == agent::alerts::reach_examples_max);
}

TEST_CASE("instances are the groups of both sides, joined") {
    SnapshotMaker in;
    for (const char* const tags : {"disk:a,host:1", "disk:b,host:1", "disk:a,host:2"}) {
        in.gauge("used", tags, 1);
    }
    in.gauge("limit", "host:1", 1);
    const AlertsConfig config =
        rule("max(used[1m]) by (host, disk) / max(limit[1m]) by (host) > 0.5");
    CHECK(reach_of(config, Reach(config, in.end_interval().series)).instances == 3);
}

TEST_CASE("series that end, and those of a group that is only expected") {
    SnapshotMaker in;
    in.count("beat", "job:a", 1);
    in.count("beat", "job:b", 1);
    static_cast<void>(in.end_interval());
    in.forget(Kind::counter, "beat", "job:a");
    const AlertsConfig config = config_of(
        "[alerts.a]\ncondition = 'absent(beat[1m]) by (job)'\n"
        "expect = [{ job = 'b' }, { job = 'c' }]\n");
    const Reach reach(config, in.end_interval().series);
    const FeedReach& feed = reach.of(condition_of(config).feeds.front());
    CHECK(feed.series == 1);
    CHECK(feed.groups == 2);
}

TEST_CASE("why nothing is read") {
    SnapshotMaker in;
    in.values(Kind::timer, "checkout.time", "service:pay", {1});
    in.gauge("disk", "", 1);
    const auto fault_of = [&](const std::string& condition) {
        const AlertsConfig config = rule(condition);
        const Reach reach(config, in.end_interval().series);
        const FeedReach& feed = reach.of(condition_of(config).feeds.front());
        CHECK(feed.series == 0);
        CHECK(reach_of(config, reach).bytes == 0);
        return feed.nearest.empty() ? feed.reason : feed.nearest.front();
    };
    CHECK(fault_of("p95(chekout.time[5m]) > 2s") == "checkout.time");
    CHECK(fault_of(R"(p95(checkout.time{service="cart"}[5m]) > 2s)") ==
          "no series of `checkout.time` has the tags that are asked for");
    CHECK(fault_of("p95(disk[5m]) > 2").contains("`disk` is a gauge, where timers"));
    CHECK(fault_of("disk > 2s").contains("declare it in [units]"));
    CHECK(fault_of("zzz > 1").empty());
}

TEST_CASE("without any series nothing is near") {
    const AlertsConfig config = rule("a > 1 and b > 1");
    const Reach reach(config, {});
    CHECK(reach_of(config, reach).instances == 0);
    CHECK(reach.of(condition_of(config).feeds.back()).nearest.empty());
}

TEST_CASE("what is printed of it") {
    SnapshotMaker in;
    make_checkouts(in);
    const AlertsConfig config = config_of(
        "[alerts.slow]\n"
        "condition = 'p95(checkout.time{env=\"prod\"}[5m]) by (service) > 2s'\n"
        "[alerts.mistyped]\ncondition = 'count(chekout.time[5m]) < 1'\n"
        "[derive.load]\nexpr = 'p95(checkout.time[1m]) by (service)'\n");
    const Reach reach(config, in.end_interval().series);
    const std::string text = explain(config, interval_ns, &reach);
    CHECK(text.contains(
        "\n  matches     checkout.time{env=\"prod\"}: 3 series in 2 groups\n"
        "                checkout.time{env=\"prod\", host=\"a\", service=\"pay\"}\n"));
    CHECK(text.contains("\n  now         2 groups, "));
    CHECK(
        text.contains("\n  matches     chekout.time: no series; the closest name is "
                      "`checkout.time`\n"));
    CHECK(text.contains("\n  matches     checkout.time: 4 series in 2 groups\n"));
    CHECK(text.contains("\n  now         2 series, "));
    CHECK_FALSE(explain(config, interval_ns).contains("\n  matches "));
}
