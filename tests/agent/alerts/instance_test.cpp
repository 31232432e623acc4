// One instance of an alert over a sequence of evaluations, with a clock moved by hand: for,
// keep_firing_for, levels with a clear of their own, silence, and flapping.
#include "agent/alerts/instance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace pitot::agent::alerts;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

Value number(double value) {
    return Value::exact(value);
}

// Evaluates every ten seconds.
class Rig {
public:
    explicit Rig(RulePolicy policy) : policy_(policy) {}

    InstanceState state;

    // One level.
    std::string step(Truth truth, double value = 0) {
        const std::array<LevelTruth, 1> levels{{{truth, inverted(truth)}}};
        return step(levels, number(value));
    }
    std::string step(std::span<const LevelTruth> levels, const Value& value) {
        now_.steady_ns += 10 * second_ns;
        now_.wall_ns += 10 * second_ns;
        evaluate(state, policy_, levels, value, now_);
        return text();
    }
    std::string missing() { return step(Truth::no_data); }
    std::string forgotten() {
        now_.steady_ns += 10 * second_ns;
        expire(state, policy_, now_);
        return text();
    }
    // "yynn." : yes, no, no data; what comes out for each, by its first letter.
    std::string run(std::string_view truths) {
        std::string out;
        for (const char c : truths) {
            const Truth truth = c == 'y'   ? Truth::yes
                                : c == 'n' ? Truth::no
                                : c == '.' ? Truth::no_data
                                           : Truth::filling;
            out += step(truth).front();
        }
        return out;
    }

private:
    std::string text() const { return std::string(to_string(state.phase)); }

    RulePolicy policy_;
    Moment now_{1, 0};
};

struct Row {
    const char* what;
    RulePolicy policy;
    const char* truths;
    const char* phases;  // ok, pending, firing, recovering
};

}  // namespace

TEST_CASE("for, keep_firing_for and silence") {
    const RulePolicy at_once{};
    const RulePolicy held{.hold_for = {.nanoseconds = 30 * second_ns}};
    const RulePolicy some{.hold_for = {.needed = 3, .of = 5}};
    const RulePolicy kept{.keep_firing_ns = 30 * second_ns};
    const std::vector<Row> rows{
        {"at once", at_once, "nynyyn", "ofoffo"},
        {"held for 30 s", held, "nyyyyyn", "opppffo"},
        {"a false resets it", held, "yyynyyyy", "pppopppf"},
        {"no data neither advances nor resets", held, "yy..yyy", "pppppff"},
        {"nor does what cannot be decided", held, "yy??yyy", "pppppff"},
        {"3 of 5", some, "ynynnyyy", "ppppppff"},
        {"3 of 5, never enough", some, "ynnnnynnnn", "pppppppppp"},
        {"3 of 5, all forgotten", some, "ynnnnn", "pppppo"},
        {"no data does not count in 5", some, "y.y.y", "ppppf"},
        {"kept for 30 s", kept, "ynnnnn", "frrroo"},
        {"true again", kept, "ynnynn", "frrfrr"},
        {"silence holds it", at_once, "y...n", "ffffo"},
        {"silence holds its recovery", kept, "yn..nnn", "frrrrro"},
        {"no data is an end", {.no_data = NoData::ok}, "y.y", "fof"},
        {"no data is an alert", {.no_data = NoData::alert}, "n.n", "ofo"},
        {"no data is an alert, held",
         {.hold_for = {.nanoseconds = 20 * second_ns}, .no_data = NoData::alert},
         "n...",
         "oppf"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        Rig rig(row.policy);
        CHECK(rig.run(row.truths) == row.phases);
    }
}

TEST_CASE("levels rise by their condition and fall by their clear") {
    // info above 60, clear below 50; warn 70 and 60; crit 80 and 70.
    constexpr std::array<double, 3> limits{60, 70, 80};
    constexpr std::array<double, 3> clears{50, 60, 70};
    constexpr std::array<const char*, 4> names{"OK", "INFO", "WARN", "CRIT"};
    Rig rig({});
    std::string out;
    for (const double value : {61, 73, 64, 85, 62, 56, 47}) {
        std::array<LevelTruth, 3> levels{};
        for (std::size_t i = 0; i < levels.size(); ++i) {
            levels.at(i).raised = value > limits.at(i) ? Truth::yes : Truth::no;
            levels.at(i).cleared = value < clears.at(i) ? Truth::yes : Truth::no;
        }
        rig.step(levels, number(value));
        out += std::string(out.empty() ? "" : " ") + names.at(rig.state.level);
    }
    CHECK(out == "INFO WARN WARN CRIT INFO INFO OK");
}

TEST_CASE("each level has a hold of its own") {
    Rig rig({.hold_for = {.nanoseconds = 20 * second_ns}});
    const auto step = [&](Truth warn, Truth crit) {
        const std::array<LevelTruth, 2> levels{{{warn, inverted(warn)}, {crit, inverted(crit)}}};
        rig.step(levels, number(1));
        return static_cast<int>(rig.state.level);
    };
    CHECK(step(Truth::yes, Truth::no) == 0);
    CHECK(step(Truth::yes, Truth::yes) == 0);
    CHECK(step(Truth::yes, Truth::yes) == 1);
    CHECK(step(Truth::yes, Truth::yes) == 2);
    // What is unknown above does not make what is below less true.
    CHECK(step(Truth::yes, Truth::no_data) == 2);
    CHECK(step(Truth::yes, Truth::no) == 1);
}

TEST_CASE("peak, value and times of an alert") {
    Rig high({});
    high.step(Truth::yes, 5);
    high.step(Truth::yes, 9);
    high.step(Truth::yes, 7);
    CHECK(high.state.peak == 9);
    CHECK(high.state.value == 7);
    const std::int64_t started = high.state.started_ns;
    high.step(Truth::no, 2);
    CHECK(high.state.value == 2);
    CHECK(high.state.peak == 9);
    CHECK(high.state.started_ns == started);
    high.step(Truth::yes, 6);
    CHECK(high.state.peak == 6);

    Rig low({.worst_is_least = true});
    low.step(Truth::yes, 5);
    low.step(Truth::yes, 2);
    low.step(Truth::yes, 4);
    CHECK(low.state.peak == 2);
}

TEST_CASE("a firing alert without data is stale, and expires") {
    Rig rig({.resolve_after_ns = 60 * second_ns});
    CHECK(rig.step(Truth::yes, 5) == "firing");
    for (int i = 0; i < 6; ++i) {
        CHECK(rig.missing() == "firing");
        CHECK(rig.state.stale_since_ns != 0);
    }
    CHECK(rig.missing() == "ok");
    CHECK(rig.state.reason == Reason::expired);

    Rig again({.resolve_after_ns = 60 * second_ns});
    again.step(Truth::yes);
    again.missing();
    again.step(Truth::yes);
    CHECK(again.state.stale_since_ns == 0);

    // One that only waited to fire is given up as well.
    Rig pending({.hold_for = {.nanoseconds = 20 * second_ns}, .resolve_after_ns = 20 * second_ns});
    pending.step(Truth::yes);
    CHECK(pending.missing() == "pending");
    CHECK(pending.missing() == "pending");
    CHECK(pending.missing() == "ok");
}

TEST_CASE("what is forgotten is over at once") {
    Rig rig({});
    CHECK(rig.step(Truth::yes, 5) == "firing");
    CHECK(rig.forgotten() == "ok");
    CHECK(rig.state.reason == Reason::expired);

    Rig pending({.hold_for = {.nanoseconds = 20 * second_ns}});
    CHECK(pending.step(Truth::yes) == "pending");
    CHECK(pending.forgotten() == "ok");
    CHECK(pending.state.is_idle());
}

TEST_CASE("more than four changes in half an hour are flapping, until a quarter of one is quiet") {
    Rig rig({});
    CHECK(rig.run("ynyn") == "fofo");
    CHECK_FALSE(rig.state.is_flapping);
    rig.run("y");
    CHECK(rig.state.is_flapping);
    rig.run("nynyny");
    CHECK(rig.state.is_flapping);
    rig.run(std::string(89, 'y'));
    CHECK(rig.state.is_flapping);
    rig.run("y");
    CHECK_FALSE(rig.state.is_flapping);
    CHECK(rig.state.phase == Phase::firing);

    Rig slow({});
    for (int i = 0; i < 10; ++i) {
        slow.run("y" + std::string(120, 'n'));
        CHECK_FALSE(slow.state.is_flapping);
    }

    Rig off({.flap = {.transitions = 0}});
    off.run("ynynynynynynyn");
    CHECK_FALSE(off.state.is_flapping);
    CHECK(off.state.is_idle());
}
