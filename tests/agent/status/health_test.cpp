// The rules of health: each part fails in each of its ways and comes back, and what it is then
// said to be; which loop a liveness probe hears of; since when a state has held.
#include "agent/status/health.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pitot;
using namespace pitot::agent;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t now_ns = 1'000 * second;

// An agent in the middle of its tenth interval, with nothing wrong; a row of a table changes
// what it is about.
struct Case {
    Facts facts;
    IntervalStatus last;

    Case() {
        facts.phase = Phase::running;
        facts.now_steady_ns = now_ns;
        facts.interval_ns = 10 * second;
        facts.loops = {{"shard 0", 0}, {"shard 1", 0}, {"flush", 0}, {"delivery", 0}};
        facts.listeners = {"apps", "local"};
        facts.flush.due_steady_ns = now_ns + 5 * second;
        last.sequence = 10;
        last.elapsed_s = 10;
        last.counts.lines = 1'000;
        last.counts.accepted = 1'000;
        last.shard_answered = {true, true};
        last.total.listeners = {{.name = "apps", .counters = {}},
                                {.name = "local", .counters = {}}};
        last.listeners_before.resize(2);
        for (ListenerCounters& before : last.listeners_before) before.datagrams = 5'000;
        for (Ledger::Listener& listener : last.total.listeners) listener.counters.datagrams = 6'000;
        sinks::SinkStatus status;
        status.state = sinks::SinkState::working;
        status.ledger.offered = 100;
        status.ledger.delivered = 100;
        last.sinks_before = {status};
        status.ledger.offered = 110;
        status.ledger.delivered = 110;
        facts.sinks = {{.name = "push", .type = "pushgateway", .status = status}};
        last.total.sinks = facts.sinks;
    }

    ListenerCounters& apps() { return last.total.listeners[0].counters; }
    sinks::SinkStatus& push() { return facts.sinks[0].status; }
    sinks::SinkStatus& push_before() { return last.sinks_before[0]; }
    void lose(sinks::LossReason reason, std::uint64_t points) {
        push().ledger.lost[reason] += points;
        push().ledger.offered += points;
    }

    // As the rules see themselves.
    void with_alerts(const std::function<void(alerts::AlertsView&)>& change) {
        alerts::AlertsView view;
        view.interval_ns = 10 * second;
        view.took_ns = second / 100;
        change(view);
        facts.alerts = std::make_shared<const alerts::AlertsView>(std::move(view));
    }
    alerts::channels::ChannelStatus& hook() {
        if (facts.channels.empty()) {
            facts.channels.push_back(
                {.name = "hook", .type = "webhook", .status = {}, .file_problem = {}});
        }
        return facts.channels[0].status;
    }

    std::vector<Verdict> verdicts() {
        facts.flush.last = std::make_shared<const IntervalStatus>(last);
        return assess(facts);
    }
};

struct Failing {
    std::string_view what;
    std::function<void(Case&)> change;
    std::string_view part;
    Health state;
    std::string_view reason;
};

void check_each(const std::vector<Failing>& rows) {
    for (const Failing& row : rows) {
        CAPTURE(row.what);
        Case changed;
        row.change(changed);
        bool is_found = row.part.empty();
        for (const Verdict& verdict : changed.verdicts()) {
            if (verdict.part == row.part) {
                is_found = true;
                CHECK(verdict.state == row.state);
                CHECK(verdict.reason == row.reason);
            } else {
                CHECK(verdict.state == Health::ok);
                CHECK(verdict.reason == "");
            }
        }
        CHECK(is_found);
    }
}

}  // namespace

TEST_CASE("all is well") {
    std::string parts;
    for (const Verdict& verdict : Case().verdicts()) {
        CHECK(verdict.state == Health::ok);
        CHECK(verdict.reason == "");
        parts += verdict.part + " ";
    }
    CHECK(parts ==
          "intake listeners.apps listeners.local shards.0 shards.1 flush delivery sinks.push ");
}

TEST_CASE("before the first flush, and while starting, nothing is wrong") {
    Case at_first;
    at_first.facts.phase = Phase::starting;
    at_first.facts.flush.due_steady_ns = now_ns - 100 * second;
    for (const Verdict& verdict : assess(at_first.facts)) CHECK(verdict.state == Health::ok);
}

TEST_CASE("intake and listeners fail alone, and say why") {
    check_each({
        {"a line in a hundred may be refused", [](Case& c) { c.last.counts.accepted -= 10; }, "",
         Health::ok, ""},
        {"more may not",
         [](Case& c) {
             c.last.counts.accepted -= 11;
             c.last.counts.rejected[std::to_underlying(protocol::Reject::no_type)] = 8;
             c.last.counts.rejected[std::to_underlying(protocol::Reject::no_value)] = 3;
         },
         "intake", Health::degraded, "11 of 1000 line(s) refused, most for no_type"},
        {"nothing but refused lines is the sender's trouble still",
         [](Case& c) {
             c.last.counts.accepted = 0;
             c.last.counts.rejected[std::to_underlying(protocol::Reject::bad_utf8)] = 1'000;
         },
         "intake", Health::degraded, "1000 of 1000 line(s) refused, most for bad_utf8"},
        {"a limit that folds",
         [](Case& c) { c.last.counts.limited[std::to_underlying(Limited::overflow_series)] = 7; },
         "intake", Health::degraded, "7 sample(s) counted in overflow series: overflow_series"},
        {"a limit that drops",
         [](Case& c) { c.last.counts.limited[std::to_underlying(Limited::events)] = 7; }, "intake",
         Health::degraded, "7 sample(s) dropped: events"},
        {"drops of an earlier interval are over",
         [](Case& c) {
             c.apps().kernel_drops = 50;
             c.last.listeners_before[0].kernel_drops = 50;
         },
         "", Health::ok, ""},
        {"drops", [](Case& c) { c.apps().kernel_drops = 1; }, "listeners.apps", Health::degraded,
         "1 datagram(s) dropped by the kernel"},
        {"more drops than datagrams", [](Case& c) { c.apps().kernel_drops = 1'001; },
         "listeners.apps", Health::failing,
         "1001 datagram(s) dropped by the kernel, and only 1000 read"},
        {"truncated", [](Case& c) { c.apps().truncated_datagrams = 2; }, "listeners.apps",
         Health::degraded, "2 datagram(s) longer than can be received"},
        {"reads that fail", [](Case& c) { c.apps().receive_errors = 3; }, "listeners.apps",
         Health::degraded, "3 failed read(s)"},
        {"connections above the cap", [](Case& c) { c.apps().connections_refused_over_cap = 4; },
         "listeners.apps", Health::degraded, "4 connection(s) closed: too many"},
        {"connections that could not be accepted", [](Case& c) { c.apps().accept_errors = 5; },
         "listeners.apps", Health::degraded, "5 connection(s) not accepted"},
    });
}

TEST_CASE("so do shards") {
    check_each({
        {"a shard takes a moment", [](Case& c) { c.facts.loops[1].waiting_ns = second - 1; }, "",
         Health::ok, ""},
        {"a shard is slow", [](Case& c) { c.facts.loops[1].waiting_ns = second; }, "shards.1",
         Health::degraded, "has not answered for 1.0 s"},
        {"a shard is stuck", [](Case& c) { c.facts.loops[1].waiting_ns = 30 * second; }, "shards.1",
         Health::failing, "has not answered for 30.0 s"},
        {"a page did not come", [](Case& c) { c.last.shard_answered[0] = false; }, "shards.0",
         Health::degraded,
         "did not hand over the last interval in time: it comes with a later one"},
    });
}

TEST_CASE("so do the flush and the delivery") {
    check_each({
        {"a flush is due", [](Case& c) { c.facts.flush.due_steady_ns = now_ns - second; }, "",
         Health::ok, ""},
        {"a flush is overdue", [](Case& c) { c.facts.flush.due_steady_ns = now_ns - second - 1; },
         "flush", Health::degraded, "should have begun 1.0 s ago"},
        {"no flush begins", [](Case& c) { c.facts.flush.due_steady_ns = now_ns - 30 * second; },
         "flush", Health::failing, "should have begun 30.0 s ago"},
        {"a flush is under way",
         [](Case& c) {
             c.facts.flush.due_steady_ns = now_ns - 9 * second;
             c.facts.flush.begun_steady_ns = now_ns - 9 * second;
             c.facts.loops[2].waiting_ns = 9 * second;
         },
         "", Health::ok, ""},
        {"a flush takes longer than an interval",
         [](Case& c) { c.facts.flush.begun_steady_ns = now_ns - 11 * second; }, "flush",
         Health::degraded, "has been under way for 11.0 s"},
        {"a flush does not end",
         [](Case& c) { c.facts.flush.begun_steady_ns = now_ns - 31 * second; }, "flush",
         Health::failing, "has been under way for 31.0 s"},
        {"between flushes its thread is stuck",
         [](Case& c) { c.facts.loops[2].waiting_ns = 2 * second; }, "flush", Health::degraded,
         "has not answered for 2.0 s"},
        {"the last one was late", [](Case& c) { c.last.late_ns = 2 * second; }, "flush",
         Health::degraded, "the last one began 2.0 s late"},
        {"the last one was slow", [](Case& c) { c.last.took_ns = 12 * second; }, "flush",
         Health::degraded, "the last one took 12.0 s, longer than an interval"},
        {"delivery is stuck", [](Case& c) { c.facts.loops[3].waiting_ns = 31 * second; },
         "delivery", Health::failing, "has not answered for 31.0 s"},
    });
}

TEST_CASE("so do sinks") {
    using sinks::LossReason;
    using sinks::SinkState;
    check_each({
        {"a sink tries again",
         [](Case& c) {
             c.push().state = SinkState::retrying;
             c.push().last_error = "it said \x1b[31mno";
         },
         "sinks.push", Health::degraded, "retrying: it said \\x1b[31mno"},
        {"a sink is asked for time", [](Case& c) { c.push().state = SinkState::throttled; },
         "sinks.push", Health::degraded, "throttled"},
        {"a sink waits for the operator",
         [](Case& c) {
             c.push().state = SinkState::held;
             c.push().last_error = "401 Unauthorized";
         },
         "sinks.push", Health::failing, "held: 401 Unauthorized"},
        {"an error that is over", [](Case& c) { c.push().last_error = "connection refused"; }, "",
         Health::ok, ""},
        {"points that the destination refuses", [](Case& c) { c.lose(LossReason::rejected, 3); },
         "sinks.push", Health::degraded, "lost 3 point(s) (rejected)"},
        {"points for which there is no room",
         [](Case& c) {
             c.push().state = SinkState::retrying;
             c.push().last_error = "timeout";
             c.lose(LossReason::rejected, 3);
             c.lose(LossReason::queue_full, 2);
         },
         "sinks.push", Health::failing, "lost 2 point(s) (queue_full): timeout"},
        {"losses of an earlier interval are over",
         [](Case& c) {
             c.lose(LossReason::queue_full, 9);
             c.push_before().ledger.lost = c.push().ledger.lost;
         },
         "", Health::ok, ""},
        {"a destination that hangs, before its attempt is given up",
         [](Case& c) {
             c.push_before().ledger.in_flight = 8;
             c.push().ledger = c.push_before().ledger;
             c.push().ledger.queued = 10;
         },
         "sinks.push", Health::degraded, "has taken nothing for an interval, and 18 point(s) wait"},
        {"one that hangs with an empty state",
         [](Case& c) {
             c.push_before().queued_batches = 1;
             c.push() = c.push_before();
         },
         "sinks.push", Health::degraded, "has taken nothing for an interval, and 0 point(s) wait"},
        {"one that takes an empty state",
         [](Case& c) {
             c.push_before().queued_batches = 1;
             c.push() = c.push_before();
             c.push().last_success_unix_ns = 7;
         },
         "", Health::ok, ""},
        {"a slow one that gets on",
         [](Case& c) {
             c.push_before().ledger.in_flight = 8;
             c.push().ledger = c.push_before().ledger;
             c.push().ledger.delivered += 1;
         },
         "", Health::ok, ""},
    });
}

TEST_CASE("a process that stops is asked no more of: its loops end one by one") {
    Case stopping;
    stopping.facts.phase = Phase::stopping;
    for (Liveness::Answer& loop : stopping.facts.loops) loop.waiting_ns = 100 * second;
    stopping.facts.flush.due_steady_ns = now_ns - 100 * second;
    for (const Verdict& verdict : stopping.verdicts()) CHECK(verdict.state == Health::ok);
    CHECK(stuck_loop(stopping.facts) == "");
}

TEST_CASE("a liveness probe hears of the loop that is stuck, and of nothing else") {
    Case alive;
    alive.push().state = sinks::SinkState::held;
    alive.apps().kernel_drops = 1'000'000;
    alive.facts.loops[0].waiting_ns = 29 * second;
    CHECK(stuck_loop(alive.facts) == "");
    alive.facts.loops[0].waiting_ns = 30 * second;
    alive.facts.loops[3].waiting_ns = 45 * second;
    CHECK(stuck_loop(alive.facts) == "delivery has not answered for 45.0 s");
    alive.facts.loops.clear();
    CHECK(stuck_loop(alive.facts) == "");
}

TEST_CASE("three intervals are stuck, within reason") {
    CHECK(stuck_ns(100'000'000) == 5 * second);
    CHECK(stuck_ns(10 * second) == 30 * second);
    CHECK(stuck_ns(3'600 * second) == 60 * second);
}

TEST_CASE("since when, and what was last wrong") {
    HealthTracker tracker;
    const auto at = [&tracker](std::int64_t time, Health push, Health flush) {
        const std::vector<Verdict> verdicts{
            {.part = "sinks.push", .state = push, .reason = push == Health::ok ? "" : "no route"},
            {.part = "flush", .state = flush, .reason = flush == Health::ok ? "" : "late"}};
        return tracker.update(verdicts, time);
    };
    HealthReport report = at(10, Health::ok, Health::ok);
    CHECK(report.state == Health::ok);
    CHECK(report.since_unix_ns == 10);
    CHECK(report.reason == "");
    CHECK(report.parts[0].since_unix_ns == 10);
    CHECK(report.parts[0].last_error_unix_ns == 0);

    report = at(20, Health::degraded, Health::ok);
    CHECK(report.state == Health::degraded);
    CHECK(report.since_unix_ns == 20);
    CHECK(report.reason == "sinks.push: no route");
    CHECK(report.parts[0].since_unix_ns == 20);
    CHECK(report.parts[1].since_unix_ns == 10);

    // The worst part names the whole; the other's own history is its own.
    report = at(30, Health::degraded, Health::failing);
    CHECK(report.state == Health::failing);
    CHECK(report.since_unix_ns == 30);
    CHECK(report.reason == "flush: late");
    CHECK(report.parts[0].since_unix_ns == 20);
    CHECK(report.parts[0].last_error_unix_ns == 30);

    report = at(40, Health::ok, Health::ok);
    CHECK(report.state == Health::ok);
    CHECK(report.since_unix_ns == 40);
    CHECK(report.parts[0].since_unix_ns == 40);
    CHECK(report.parts[0].reason == "");
    CHECK(report.parts[0].last_error == "no route");
    CHECK(report.parts[0].last_error_unix_ns == 30);

    report = at(50, Health::ok, Health::ok);
    CHECK(report.since_unix_ns == 40);
    CHECK(report.parts[1].last_error == "late");
}

TEST_CASE("alerts") {
    using alerts::AlertsView;
    const auto with = [](std::function<void(AlertsView&)> change) {
        return [change = std::move(change)](Case& of) { of.with_alerts(change); };
    };
    check_each({
        {"well", with([](AlertsView&) {}), "alerts", Health::ok, ""},
        {"the state cannot be saved",
         with([](AlertsView& view) { view.save_problem = "cannot write"; }), "alerts",
         Health::degraded, "cannot write"},
        {"the state was damaged",
         with([](AlertsView& view) { view.restore_problem = "kept as x.bad"; }), "alerts",
         Health::degraded, "kept as x.bad"},
        {"no memory", with([](AlertsView& view) { view.usage.refused_groups = 3; }), "alerts",
         Health::degraded, "3 series are not seen by a rule, because alerts.max_state is used up"},
        {"no memory for what is derived",
         with([](AlertsView& view) { view.derived_usage.refused_groups = 2; }), "alerts",
         Health::degraded, "2 series are not seen by a rule, because alerts.max_state is used up"},
        {"a unit is missing", with([](AlertsView& view) {
             view.usage.unfit_series = 1;
             view.usage.unfit_example = "`x` is a gauge without a unit";
         }),
         "alerts", Health::degraded,
         "1 series cannot be compared by a rule: `x` is a gauge without a unit; declare it in "
         "[units]"},
        {"slow", with([](AlertsView& view) { view.took_ns = 2 * second; }), "alerts",
         Health::degraded, "evaluating the rules took 2.0 s, of an interval of 10.0 s"},
    });
}

TEST_CASE("channels of alerts") {
    using alerts::channels::ChannelState;
    check_each({
        {"well",
         [](Case& of) {
             of.hook().destinations = {
                 {.name = "127.0.0.1:1", .state = ChannelState::working, .last_error = {}}};
         },
         "channels.hook", Health::ok, ""},
        {"a destination of two is down",
         [](Case& of) {
             of.hook().counts.waiting = 2;
             of.hook().destinations = {
                 {.name = "a:1", .state = ChannelState::working, .last_error = {}},
                 {.name = "b:1",
                  .state = ChannelState::retrying,
                  .last_error = "Connection \x1b refused",
                  .failures_in_a_row = 3}};
         },
         "channels.hook", Health::degraded,
         "2 message(s) wait; b:1: retrying: Connection \\x1b refused"},
        {"a message was refused",
         [](Case& of) {
             of.hook().destinations = {
                 {.name = "a:1", .state = ChannelState::refused, .last_error = "400: no"}};
         },
         "channels.hook", Health::degraded, "0 message(s) wait; a:1: refused: 400: no"},
        {"its queue file is damaged",
         [](Case& of) {
             of.hook();
             of.facts.channels[0].file_problem = "kept as hook.queue.bad";
         },
         "channels.hook", Health::degraded, "kept as hook.queue.bad"},
    });
}

TEST_CASE("a destination that refuses all that it is offered is as good as none") {
    using sinks::LossReason;
    const auto refuses = [](Case& c) {
        c.push().ledger = c.push_before().ledger;
        c.lose(LossReason::rejected, 3);
        c.lose(LossReason::too_large, 2);
        c.push().last_error = "413";
    };
    check_each({
        {"all of an interval", refuses, "sinks.push", Health::failing,
         "loses all that it is given: 5 point(s) refused, and none delivered: 413"},
        {"with more that waits for its attempt",
         [&](Case& c) {
             refuses(c);
             c.push().ledger.queued = 1;
         },
         "sinks.push", Health::degraded, "lost 3 point(s) (rejected): 413"},
    });
}
