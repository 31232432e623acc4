// The engine: which notices come of rules and a stream. Told once, in time, with what belongs
// in a message; the cap, inhibition, flapping; and all of it over a restart.
#include "agent/alerts/engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/limits.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/state_file.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::agent::alerts;
using pitot::protocol::Kind;
using pitot::tests::SnapshotMaker;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t minute_ns = 60 * second_ns;

Program compiled(const std::string& text, std::vector<GroupLabels> expected = {},
                 std::int64_t forget_after_ns = 1'440 * minute_ns) {
    auto expression = parse_expression(SourceText(text));
    REQUIRE(expression.has_value());
    auto program = compile(std::move(*expression), Result::condition,
                           {.forget_after_ns = forget_after_ns, .expected = std::move(expected)});
    REQUIRE_MESSAGE(program.has_value(), program.error().what);
    return std::move(*program);
}

Rule rule_of(const std::string& name, const std::string& condition, const std::string& clear = "") {
    Rule rule{.name = name, .levels = {}};
    rule.levels.push_back({"critical", compiled(condition)});
    if (!clear.empty()) rule.levels[0].clear = compiled(clear);
    return rule;
}

// An engine that can be killed and started again, and a stream that goes on.
class Rig {
public:
    using Rules = std::function<std::vector<Rule>()>;

    explicit Rig(Rules rules) : rules_(std::move(rules)) { start(); }

    SnapshotMaker in;
    Moment now{1'000 * second_ns, 5'000'000 * second_ns};

    // "rule{label=value} firing critical 5 (peak 9, 30 s); …"
    std::string flush() {
        now.steady_ns += 10 * second_ns;
        now.wall_ns += 10 * second_ns;
        std::string out;
        std::vector<Notice> notices = engine_->flush(in.end_interval(), now);
        std::ranges::sort(notices, {}, &Notice::labels);
        for (const Notice& notice : notices) out += (out.empty() ? "" : "; ") + text_of(notice);
        return out;
    }
    // How many of each came of several flushes.
    std::string flushes(int count, const std::function<void(int)>& feed = {}) {
        std::string out;
        for (int i = 0; i < count; ++i) {
            if (feed) feed(i);
            const std::string text = flush();
            if (!text.empty()) out += (out.empty() ? "" : "; ") + text;
        }
        return out;
    }
    // What was on the disk is all that is left.
    void kill_and_start(std::int64_t away_ns) {
        const auto state = decode(encode(engine_->saved(now)));
        REQUIRE(state.has_value());
        now.wall_ns += away_ns;
        now.steady_ns = 77 * second_ns;  // another boot, for all we know
        start();
        engine_->restore(*state, now);
    }
    AlertEngine& engine() { return *engine_; }

private:
    void start() { engine_ = std::make_unique<AlertEngine>(rules_(), EvaluatorSettings{}); }

    static std::string number(double value) {
        std::string text = std::to_string(value);
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.pop_back();
        return text;
    }
    static std::string text_of(const Notice& notice) {
        std::string text = notice.rule;
        for (const Label& label : notice.labels) text += "{" + label.name + "=" + label.value + "}";
        text += " " + std::string(to_string(notice.type));
        if (!notice.severity.empty()) text += " " + notice.severity;
        if (notice.reason != Reason::condition) text += " " + std::string(to_string(notice.reason));
        if (notice.has_value) text += " " + number(notice.value);
        text += " (peak " + (notice.has_peak ? number(notice.peak) : std::string("none")) + ", " +
                std::to_string(notice.duration_ns / second_ns) + " s)";
        if (notice.untold > 0) text += " and " + std::to_string(notice.untold) + " more";
        return text;
    }

    Rules rules_;
    std::unique_ptr<AlertEngine> engine_;
};

}  // namespace

TEST_CASE("one message when it fires, one when it ends, with value, peak and duration") {
    Rig rig([] { return std::vector{rule_of("load", "load > 5")}; });
    rig.in.gauge("load", "host:a", 4);
    CHECK(rig.flush() == "");
    rig.in.gauge("load", "host:a", 6);
    CHECK(rig.flush() == "load{host=a} firing critical 6 (peak 6, 0 s)");
    rig.in.gauge("load", "host:a", 9);
    CHECK(rig.flush() == "");
    rig.in.gauge("load", "host:a", 3);
    CHECK(rig.flush() == "load{host=a} resolved critical 3 (peak 9, 20 s)");
    CHECK(rig.flushes(5) == "");
}

TEST_CASE("levels escalate within one alert") {
    Rig rig([] {
        Rule rule{.name = "mem", .levels = {}};
        rule.levels.push_back({"warning", compiled("mem > 80")});
        rule.levels.push_back({"critical", compiled("mem > 90"), compiled("mem < 85")});
        return std::vector{rule};
    });
    std::string out;
    for (const double value : {85.0, 95.0, 86.0, 84.0, 70.0}) {
        rig.in.gauge("mem", "", value);
        out += "[" + rig.flush() + "]";
    }
    CHECK(out ==
          "[mem firing warning 85 (peak 85, 0 s)][mem firing critical 95 (peak 95, 10 s)][]"
          "[mem firing warning 84 (peak 95, 30 s)][mem resolved warning 70 (peak 95, 40 s)]");
}

TEST_CASE("a value that swings around its limit") {
    const auto swing = [](Rig& rig) {
        return rig.flushes(360, [&](int i) { rig.in.gauge("x", "", i % 2 == 0 ? 70.1 : 69.9); });
    };
    SUBCASE("is one message with a clear of its own") {
        Rig rig([] { return std::vector{rule_of("x", "x > 70", "x < 65")}; });
        CHECK(swing(rig) == "x firing critical 70.1 (peak 70.1, 0 s)");
    }
    SUBCASE("is called flapping without") {
        Rig rig([] { return std::vector{rule_of("x", "x > 70")}; });
        CHECK(
            swing(rig) ==
            "x firing critical 70.1 (peak 70.1, 0 s); x resolved critical 69.9 (peak 70.1, 10 s); "
            "x firing critical 70.1 (peak 70.1, 0 s); x resolved critical 69.9 (peak 70.1, 10 s); "
            "x flapping critical 70.1 (peak 70.1, 0 s)");
        // And told how it ended.
        rig.in.gauge("x", "", 71);
        CHECK(rig.flushes(91) == "x settled critical 71 (peak 71, 900 s)");
        rig.in.gauge("x", "", 1);
        CHECK(rig.flush() == "x resolved critical 1 (peak 71, 910 s)");
    }
}

TEST_CASE("a timer that goes silent does not end an alert, but expires it") {
    Rig rig([] {
        Rule rule = rule_of("slow", "p95(t) > 100ms");
        rule.policy.resolve_after_ns = 10 * minute_ns;
        return std::vector{rule};
    });
    rig.in.values(Kind::timer, "t", "", {250});
    CHECK(rig.flush() == "slow firing critical 250 (peak 250, 0 s)");
    CHECK(rig.flushes(60) == "");
    CHECK(rig.flush() == "slow resolved critical expired (peak 250, 610 s)");
}

TEST_CASE("above the cap the first are told, the rest is counted, and told when there is room") {
    Rig rig([] {
        Rule rule = rule_of("x", "x > 0");
        rule.instances_max = 50;
        return std::vector{rule};
    });
    const auto set = [&](int number, double value) {
        rig.in.gauge("x", "n:" + std::to_string(number), value);
    };
    for (int i = 0; i < 1'000; ++i) set(i, 1 + i % 7);
    const std::string first = rig.flush();
    CHECK(std::ranges::count(first, ';') == 49);
    // The worst of them.
    CHECK(first.contains("firing critical 7"));
    CHECK_FALSE(first.contains("firing critical 6"));
    // Once, in the last of them, and not of each.
    CHECK(first.contains(" and 950 more"));
    const std::vector<Notice> told = rig.engine().told(rig.now);
    CHECK(std::ranges::count(told, 950U, &Notice::untold) == 1);
    CHECK(rig.engine().counts("x").firing == 1'000);
    CHECK(rig.engine().counts("x").suppressed == 950);
    CHECK(rig.flushes(3) == "");
    // One that was told of ends: the next worst takes its place.
    set(104, 0);
    const std::string next = rig.flush();
    CHECK(next.starts_with("x{n=104} resolved critical 0 (peak 7, 40 s); "));
    CHECK(std::ranges::count(next, '{') == 2);
    CHECK(next.ends_with(" and 949 more"));
    CHECK(next.contains("firing critical 7"));
    // One that nobody was told of ends without a word.
    set(0, 0);
    CHECK(rig.flush() == "");
    CHECK(rig.engine().counts("x").suppressed == 948);
}

TEST_CASE("inhibited while another rule fires with the same labels") {
    Rig rig([] {
        std::vector<Rule> rules{rule_of("errors", "increase(errors) by (host, path) > 0"),
                                rule_of("host_down", "absent(beat[20s]) by (host)")};
        rules[0].inhibited_by = {"host_down"};
        rules[0].policy.keep_firing_ns = 40 * second_ns;
        return rules;
    });
    rig.in.gauge("beat", "host:a", 1);
    rig.in.gauge("beat", "host:b", 1);
    CHECK(rig.flush() == "");
    rig.in.gauge("beat", "host:b", 1);
    rig.flush();
    rig.in.gauge("beat", "host:b", 1);
    rig.in.count("errors", "host:a,path:x", 5);
    rig.in.count("errors", "host:b,path:x", 5);
    const std::string text = rig.flush();
    CHECK(text.contains("errors{host=b}{path=x} firing"));
    CHECK_FALSE(text.contains("errors{host=a}"));
    // It still fires when the host is back.
    rig.in.gauge("beat", "host:a", 1);
    rig.in.gauge("beat", "host:b", 1);
    rig.in.count("errors", "host:a,path:x", 5);
    CHECK(rig.flush().contains("errors{host=a}{path=x} firing"));
}

TEST_CASE("killed while firing") {
    Rig rig([] { return std::vector{rule_of("load", "load > 5")}; });
    rig.in.gauge("load", "host:a", 6);
    rig.in.gauge("load", "host:b", 8);
    CHECK(rig.flush() ==
          "load{host=a} firing critical 6 (peak 6, 0 s); "
          "load{host=b} firing critical 8 (peak 8, 0 s)");
    rig.kill_and_start(5 * minute_ns);
    SUBCASE("it is not told again, and ends once") {
        // Before any line: nothing is known, nothing is told.
        rig.in.forget(Kind::gauge, "load", "host:a");
        rig.in.forget(Kind::gauge, "load", "host:b");
        CHECK(rig.flush() == "");
        rig.in.gauge("load", "host:a", 7);
        rig.in.gauge("load", "host:b", 1);
        CHECK(rig.flush() == "load{host=b} resolved critical 1 (peak 8, 320 s)");
        CHECK(rig.flushes(3) == "");
        rig.kill_and_start(minute_ns);
        CHECK(rig.flush() == "");
        rig.in.gauge("load", "host:a", 2);
        CHECK(rig.flush() == "load{host=a} resolved critical 2 (peak 7, 430 s)");
    }
    SUBCASE("a series that never comes back expires") {
        rig.in.forget(Kind::gauge, "load", "host:a");
        rig.in.forget(Kind::gauge, "load", "host:b");
        CHECK(rig.flushes(360) == "");
        CHECK(rig.flushes(2).contains("load{host=a} resolved critical expired"));
    }
}

TEST_CASE("a window that was full before a restart decides nothing until it is again") {
    Rig rig([] { return std::vector{rule_of("errors", "increase(errors[60s]) > 10")}; });
    rig.in.count("errors", "", 20);
    CHECK(rig.flush() == "errors firing critical 20 (peak 20, 0 s)");
    rig.kill_and_start(minute_ns);
    CHECK(rig.flushes(5) == "");
    CHECK(rig.flush().starts_with("errors resolved critical 0"));
}

TEST_CASE("a group that is silent since a restart has counted nothing") {
    Rig rig([] {
        std::vector rules{
            rule_of("count", "increase(errs[30s]) by (svc) > 3"),
            rule_of("held", "increase(errs[30s]) by (svc) > 3"),
            rule_of("cleared", "increase(errs[30s]) by (svc) > 3", "rate(errs[20s]) by (svc) < 1"),
            rule_of("share", "ratio(errs, all[30s], min = 2) by (svc) > 50%"),
            rule_of("both", "increase(errs[30s]) by (svc) > 3 and p95(lat[30s]) by (svc) > 1")};
        rules[1].policy.keep_firing_ns = 20 * second_ns;
        return rules;
    });
    rig.in.count("errs", "svc:a", 20);
    rig.in.count("all", "svc:a", 20);
    rig.in.values(Kind::timer, "lat", "svc:a", {5'000});
    rig.flushes(3);
    CHECK(rig.engine().counts("count").firing == 1);
    CHECK(rig.engine().counts("share").firing == 1);
    CHECK(rig.engine().counts("both").firing == 1);
    rig.in = SnapshotMaker();
    rig.kill_and_start(minute_ns);
    CHECK(rig.flushes(2) == "");
    // A ratio of nothing is the one that has no data, and stays as it is.
    std::string ended = rig.flush();
    CHECK(ended.contains("count{svc=a} resolved critical 0 (peak 20, 110 s)"));
    CHECK(ended.contains("cleared{svc=a} resolved critical 0"));
    CHECK(ended.contains("both{svc=a} resolved critical 0"));
    CHECK_FALSE(ended.contains("held"));
    CHECK_FALSE(ended.contains("share"));
    CHECK(rig.flushes(10) == "held{svc=a} resolved critical 0 (peak 20, 130 s)");
    CHECK(rig.engine().counts("share").firing == 1);
}

TEST_CASE("a group that comes again after a restart is none of those that did not") {
    Rig rig([] { return std::vector{rule_of("errors", "increase(errs[30s]) by (svc) > 3")}; });
    rig.in.count("errs", "svc:a", 20);
    rig.in.count("errs", "svc:b", 20);
    rig.flush();
    rig.in = SnapshotMaker();
    rig.kill_and_start(minute_ns);
    rig.in.count("errs", "svc:b", 5);
    CHECK(rig.flushes(2) == "");
    CHECK(rig.flush() == "errors{svc=a} resolved critical 0 (peak 20, 90 s)");
    CHECK(rig.flush().starts_with("errors{svc=b} resolved critical 0"));
}

// It would be so for ever, of a group that nobody may ever hear of again.
TEST_CASE("what is true of nothing does not go on without a group") {
    Rig rig([] {
        Rule rule = rule_of("few", "increase(jobs[20s]) by (svc) < 1");
        rule.policy.resolve_after_ns = 5 * minute_ns;
        return std::vector{rule};
    });
    rig.in.count("jobs", "svc:a", 0);
    rig.flushes(2);
    CHECK(rig.engine().counts("few").firing == 1);
    rig.in = SnapshotMaker();
    rig.kill_and_start(minute_ns);
    CHECK(rig.flushes(30) == "");
    CHECK(rig.flushes(3).contains("few{svc=a} resolved critical expired"));
}

TEST_CASE("that there is no data is not said before a window has filled") {
    const auto with = [](NoData no_data) {
        return [no_data] {
            std::vector rules{rule_of("slow", "p95(lat[60s]) by (svc) > 1"),
                              rule_of("share", "ratio(errs, all[60s]) by (svc) > 50%"),
                              rule_of("level", "fill[60s] > 5"),
                              rule_of("grows", "delta(fill[60s]) by (svc) > -1")};
            for (Rule& rule : rules) rule.policy.no_data = no_data;
            return rules;
        };
    };
    const auto feed = [](Rig& rig) {
        rig.in.values(Kind::timer, "lat", "svc:a", {5'000});
        rig.in.count("errs", "svc:a", 20);
        rig.in.count("all", "svc:a", 20);
        rig.in.gauge("fill", "svc:a", 9);
    };
    SUBCASE("and then ends it where that is ok") {
        Rig rig(with(NoData::ok));
        rig.flushes(6, [&](int) { feed(rig); });
        for (const char* const name : {"slow", "share", "level", "grows"}) {
            CHECK(rig.engine().counts(name).firing == 1);
        }
        rig.in = SnapshotMaker();
        rig.kill_and_start(minute_ns);
        CHECK(rig.flushes(5) == "");
        const std::string ended = rig.flush();
        for (const char* const name : {"slow", "share", "level", "grows"}) {
            CHECK(ended.contains(std::string(name) + "{svc=a} resolved critical no_data"));
        }
    }
    SUBCASE("nor is it an alert before") {
        Rig rig([] {
            Rule rule = rule_of("slow", "p95(lat[60s]) > 1");
            rule.policy.no_data = NoData::alert;
            Rule share = rule_of("share", "ratio(errs, all[60s]) > 50%");
            share.policy.no_data = NoData::alert;
            return std::vector{rule, share};
        });
        CHECK(rig.flushes(5) == "");
        const std::string fired = rig.flush();
        CHECK(fired.contains("slow firing critical no_data (peak none, 0 s)"));
        CHECK(fired.contains("share firing critical no_data (peak none, 0 s)"));
        // Over a restart, and until there is one.
        rig.kill_and_start(minute_ns);
        CHECK(rig.flushes(6) == "");
        rig.in.values(Kind::timer, "lat", "", {0.5});
        CHECK(rig.flush() == "slow resolved critical 0.5 (peak 0.5, 130 s)");
    }
}

TEST_CASE("a rule that is gone ends its alerts") {
    std::string condition = "load > 5";
    Rig rig([&] {
        return condition.empty() ? std::vector<Rule>{} : std::vector{rule_of("load", condition)};
    });
    rig.in.gauge("load", "host:a", 6);
    rig.flush();
    condition.clear();
    rig.kill_and_start(minute_ns);
    CHECK(rig.flush() == "load{host=a} resolved rule_removed (peak 6, 60 s)");
    CHECK(rig.flush() == "");
}

TEST_CASE("time that was away counts for what was pending, up to ten minutes") {
    Rig rig([] {
        Rule rule = rule_of("load", "load > 5");
        rule.policy.hold_for.nanoseconds = 11 * minute_ns;
        return std::vector{rule};
    });
    rig.in.gauge("load", "", 6);
    CHECK(rig.flushes(2) == "");
    rig.kill_and_start(60 * minute_ns);
    // Ten seconds before, ten minutes of the hour, and the flush's own ten seconds.
    CHECK(rig.flushes(4) == "");
    CHECK(rig.flush().starts_with("load firing critical 6"));
}

TEST_CASE("a wall clock that is set back changes nothing") {
    Rig rig([] {
        Rule rule = rule_of("load", "load > 5");
        rule.policy.hold_for.nanoseconds = 30 * second_ns;
        return std::vector{rule};
    });
    rig.in.gauge("load", "", 6);
    rig.flushes(2);
    rig.now.wall_ns -= 60 * minute_ns;
    CHECK(rig.flush() == "");
    CHECK(rig.flush() == "load firing critical 6 (peak 6, 0 s)");
    rig.kill_and_start(-60 * minute_ns);
    CHECK(rig.flush() == "");
    rig.in.gauge("load", "", 1);
    CHECK(rig.flush() == "load resolved critical 1 (peak 6, 20 s)");
}

TEST_CASE("what is expected and never came is absent") {
    Rig rig([] {
        Rule rule{.name = "worker", .levels = {}};
        rule.levels.push_back({"critical", compiled("absent(beat[20s]) by (worker)",
                                                    {{{"worker", "a"}}, {{"worker", "b"}}})});
        return std::vector{rule};
    });
    rig.in.gauge("beat", "worker:a", 1);
    CHECK(rig.flush() == "");
    rig.in.gauge("beat", "worker:a", 1);
    CHECK(rig.flush() == "worker{worker=b} firing critical 1 (peak 1, 0 s)");
    rig.in.gauge("beat", "worker:a", 1);
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush() == "worker{worker=b} resolved critical 0 (peak 1, 10 s)");
}

TEST_CASE("who was there is missed over a restart") {
    Rig rig([] { return std::vector{rule_of("worker", "absent(beat[20s]) by (worker)")}; });
    const std::uint64_t before = rig.engine().changes();
    rig.in.gauge("beat", "worker:a", 1);
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush() == "");
    CHECK(rig.engine().changes() > before);  // worth saving
    CHECK(rig.engine().saved(rig.now).memory.known.size() == 2);

    rig.in = SnapshotMaker();
    rig.kill_and_start(minute_ns);
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush() == "");  // the window is filling
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush() == "worker{worker=a} firing critical 1 (peak 1, 0 s)");

    // One that fires stays so, and is told of once.
    rig.in = SnapshotMaker();
    rig.kill_and_start(minute_ns);
    CHECK(rig.flushes(2, [&](int) { rig.in.gauge("beat", "worker:b", 1); }) == "");
    rig.in.gauge("beat", "worker:a", 1);
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush().starts_with("worker{worker=a} resolved critical 0"));
}

TEST_CASE("what absent() has forgotten fires no longer") {
    Rig rig([] {
        Rule rule{.name = "worker", .levels = {}};
        rule.levels.push_back(
            {"critical", compiled("absent(beat[20s]) by (worker)", {}, minute_ns)});
        return std::vector{rule};
    });
    SUBCASE("whose series is gone") {
        rig.in.count("beat", "worker:a", 1);
        rig.flush();
        rig.in.forget(Kind::counter, "beat", "worker:a");
    }
    SUBCASE("whose series is there, and silent") {
        rig.in.gauge("beat", "worker:a", 1);
        rig.flush();
    }
    CHECK(rig.flushes(2).starts_with("worker{worker=a} firing critical 1"));
    // A minute from when its window is empty.
    CHECK(rig.flushes(5) == "");
    CHECK(rig.flush() == "worker{worker=a} resolved critical expired (peak 1, 60 s)");
    CHECK(rig.flushes(400) == "");
}

TEST_CASE("more instances than can be tracked are counted") {
    Rig rig([] { return std::vector{rule_of("x", "x > 0")}; });
    const std::size_t beyond = 10;
    for (std::size_t i = 0; i < limits::tracked_instances_max + beyond; ++i) {
        rig.in.gauge("x", "n:" + std::to_string(i), 1);
    }
    rig.flush();
    CHECK(rig.engine().counts("x").firing == limits::tracked_instances_max);
    CHECK(rig.engine().counts("x").untracked == beyond);
}

TEST_CASE("absent() knows over a restart whom it has seen") {
    Rig rig([] { return std::vector{rule_of("silent", "absent(beat[20s]) by (host)")}; });
    rig.in.count("beat", "host:a", 1);
    rig.in.count("beat", "host:b", 1);
    CHECK(rig.flushes(3, [&](int) {
        rig.in.count("beat", "host:a", 1);
        rig.in.count("beat", "host:b", 1);
    }) == "");
    // It never comes back: not a series of it is left.
    rig.in.forget(Kind::counter, "beat", "host:a");
    rig.kill_and_start(30 * second_ns);
    CHECK(rig.flushes(4, [&](int) { rig.in.count("beat", "host:b", 1); }) ==
          "silent{host=a} firing critical 1 (peak 1, 0 s)");
}

TEST_CASE("what was smoothed goes on over a restart") {
    Rig rig([] { return std::vector{rule_of("load", "ewma(load, 0.5) > 6")}; });
    rig.in.gauge("load", "host:a", 10);
    CHECK(rig.flush() == "load firing critical 10 (peak 10, 0 s)");
    rig.kill_and_start(30 * second_ns);
    rig.in.gauge("load", "host:a", 4);
    CHECK(rig.flush() == "");
    rig.in.gauge("load", "host:a", 4);
    CHECK(rig.flush() == "load resolved critical 5.5 (peak 10, 50 s)");
}

TEST_CASE("memory of a rule that was changed is of no use") {
    bool is_changed = false;
    Rig rig([&] {
        return std::vector{
            rule_of("load", is_changed ? "ewma(load, 0.25) > 6" : "ewma(load, 0.5) > 6")};
    });
    rig.in.gauge("load", "host:a", 4);
    CHECK(rig.flush() == "");
    is_changed = true;
    rig.kill_and_start(30 * second_ns);
    rig.in.gauge("load", "host:a", 10);
    CHECK(rig.flush() == "load firing critical 10 (peak 10, 0 s)");
}
