// What the agent tells of itself, through the real merger: sums that are the ledger's, series
// that are there from the first interval on, limits and expiry that do not touch them, and
// names that no client may use. Durations are those of the test, which has no clock.
#include "agent/self_metrics/self_metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/version.h"
#include "tests/support/lines.h"

namespace pitot::tests {
namespace {

using agent::Ledger;
using protocol::Kind;
using protocol::Reject;
using protocol::Snapshot;

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t second = 1'000'000'000;

// An account with one listener and two sinks; nothing has happened yet.
Ledger quiet() {
    Ledger ledger;
    ledger.listeners.push_back({.name = "udp", .counters = {}});
    ledger.sinks.push_back({.name = "push", .type = "pushgateway", .status = {}});
    ledger.sinks.push_back({.name = "out", .type = "console", .status = {}});
    ledger.alerts.rules.push_back({.name = "slow"});
    ledger.channels.push_back(
        {.name = "hook", .type = "webhook", .status = {}, .file_problem = {}});
    return ledger;
}

// An agent's shard, merger and own metrics; the test says what the account is at each flush.
class Agent {
public:
    explicit Agent(agent::SelfMetricsSettings settings = {}, agent::TableSettings table = {},
                   agent::MergerSettings merger = {})
        : own_(with_usage(std::move(settings), usage_),
               {.listeners = listeners_, .sinks = sinks_, .rules = rules_, .channels = channels_},
               1'700'000'000 * second),
          intake_(with_reserved(std::move(table)), std::vector<protocol::Reading>(1)),
          merger_(std::move(merger)) {}

    void say(std::string_view lines) {
        intake_.take(0, lines, agent::Peer("test"), 1);
        intake_.settle();
    }

    // Valid until the next one.
    const Snapshot& flush(const Ledger& ledger) {
        if (sequence_ > 0) merger_.finish();
        agent::SeriesTable& table = intake_.table();
        const agent::Retirements asked = merger_.take_retirements(0);
        table.request_retirement(asked.rows, asked.turn);
        while (table.retire_some(64)) {
        }
        const agent::ShardPage page{.rows = &table.rows(), .closed = table.turn()};
        counts = page.closed.page->counts;
        ++sequence_;
        const auto end = static_cast<std::int64_t>(sequence_) * 10 * second;
        return merger_.merge({&page, 1},
                             {.sequence = sequence_,
                              .start_unix_ns = end - 10 * second,
                              .end_unix_ns = end,
                              .elapsed_s = 10},
                             own_.look(ledger));
    }

    agent::ProcessUsage& usage() { return usage_; }
    const agent::Merger& merger() const { return merger_; }

    agent::IntakeCounts counts;  // of the last flush

private:
    static agent::SelfMetricsSettings with_usage(agent::SelfMetricsSettings settings,
                                                 const agent::ProcessUsage& usage) {
        settings.usage = [&usage] { return usage; };
        return settings;
    }
    static agent::TableSettings with_reserved(agent::TableSettings settings) {
        settings.reserved_names = agent::own_names("pitot");
        return settings;
    }

    const std::vector<std::string> listeners_{"udp"};
    const std::vector<std::string> sinks_{"push", "out"};
    const std::vector<std::string> rules_{"slow"};
    const std::vector<std::string> channels_{"hook"};
    agent::ProcessUsage usage_{.cpu_ns = 0, .resident_bytes = 0};
    agent::SelfMetrics own_;
    agent::LineIntake intake_;
    agent::Merger merger_;
    std::uint64_t sequence_ = 0;
};

// Names of all living series, without tags.
std::set<std::string> names_in(const Snapshot& snapshot) {
    std::set<std::string> names;
    const auto collect = [&](const auto& points) {
        for (const auto& point : points) names.emplace(snapshot.series[point.id].name());
    };
    collect(snapshot.counters);
    collect(snapshot.gauges);
    collect(snapshot.timers);
    return names;
}

TEST_CASE("every metric of the catalogue is there from the first interval on, and no other") {
    Agent agent;
    const Snapshot& first = agent.flush(quiet());
    const std::vector<std::string> listed = agent::own_names("pitot");
    CHECK(names_in(first) == std::set<std::string>(listed.begin(), listed.end()));
    CHECK(first.points() == first.own.counters + first.own.gauges + first.own.timers);
    for (const agent::OwnMetric& metric : agent::own_metrics()) {
        CAPTURE(metric.name);
        for (const protocol::Series& series : first.series) {
            if (series.name() == "pitot." + std::string(metric.name)) {
                CHECK(series.kind == metric.kind);
            }
        }
    }
    // One for each reason, sink and listener: a rate needs the zero before the first increase.
    REQUIRE(counter(first, "pitot.rejected{reason:bad_number}") != nullptr);
    CHECK(counter(first, "pitot.rejected{reason:bad_number}")->updated);
    CHECK(counter(first, "pitot.rejected{reason:bad_number}")->total == 0);
    CHECK(counter(first, "pitot.rejected{reason:none}") == nullptr);
    CHECK(counter(first, "pitot.sink.lost{reason:queue_full,sink:push}") != nullptr);
    CHECK(counter(first, "pitot.sink.lost{reason:queue_full,sink:out}") != nullptr);
    CHECK(counter(first, "pitot.listener.kernel_drops{listener:udp}") != nullptr);
    CHECK(gauge(first, "pitot.build_info{version:" + std::string(agent::version()) + "}")->value ==
          1);
    CHECK(gauge(first, "pitot.process.start_time_seconds")->value == 1'700'000'000);
    CHECK_FALSE(timer(first, "pitot.sink.attempt.duration{sink:push}")->updated);
}

// Every number of the account grows by its own amount; every one of them must arrive.
Ledger with_everything() {
    Ledger ledger = quiet();
    std::uint64_t amount = 0;
    agent::IntakeCounts& intake = ledger.intake;
    for (std::uint64_t* sum : {&intake.lines, &intake.accepted, &intake.samples, &intake.aggregated,
                               &intake.unknown_fields, &intake.slow_readings}) {
        *sum = ++amount;
    }
    for (std::size_t i = 1; i < intake.rejected.size(); ++i) intake.rejected[i] = ++amount;
    for (std::uint64_t& sum : intake.limited) sum = ++amount;
    agent::ListenerCounters& udp = ledger.listeners[0].counters;
    for (std::uint64_t* sum :
         {&udp.datagrams, &udp.bytes, &udp.reads, &udp.kernel_drops, &udp.truncated_datagrams,
          &udp.receive_errors, &udp.connections_accepted, &udp.connections_refused_over_cap,
          &udp.connections_closed_idle, &udp.connections_open, &udp.accept_errors}) {
        *sum = ++amount;
    }
    ledger.flush.flushes = ++amount;
    ledger.flush.late = ++amount;
    ledger.flush.silent_shards = ++amount;
    ledger.flush.duration_ns_last = 5 * millisecond;
    ledger.flush.turn_ns_last = 2 * millisecond;
    ledger.flush.late_ns_last = 3 * millisecond;
    ledger.series = ++amount;
    ledger.series_rows = ++amount;
    ledger.table_bytes = ++amount;
    ledger.value_bytes = ++amount;
    ledger.series_expired = ++amount;
    for (Ledger::Sink& sink : ledger.sinks) {
        sinks::SinkStatus& status = sink.status;
        sinks::Ledger& points = status.ledger;
        for (std::uint64_t* sum :
             {&points.offered, &points.delivered, &points.queued, &points.in_flight,
              &points.superseded, &status.attempts, &status.delivered_bytes}) {
            *sum = ++amount;
        }
        for (std::uint64_t& sum : points.lost.points) sum = ++amount;
        for (std::uint64_t& sum : points.skipped.points) sum = ++amount;
        status.queued_batches = ++amount;
        status.queued_bytes = ++amount;
        status.queue_used = static_cast<double>(++amount);
        status.failures_in_a_row = static_cast<std::uint32_t>(++amount);
        status.last_success_unix_ns = static_cast<std::int64_t>(++amount) * second;
        status.encodings.add(7 * millisecond);
        status.attempts_taken.add(8 * millisecond);
    }
    ledger.flush.alerts_ns_last = 11 * millisecond;
    agent::alerts::AlertCounts& alerts = ledger.alerts;
    for (std::uint64_t* sum : {&alerts.state_bytes, &alerts.refused_groups, &alerts.unfit_series,
                               &alerts.derived_series, &alerts.derived_refused}) {
        *sum = ++amount;
    }
    agent::alerts::AlertCounts::OfRule& rule = alerts.rules[0];
    rule.counts.pending = ++amount;
    rule.counts.firing = ++amount;
    rule.counts.suppressed = ++amount;
    rule.notices = ++amount;
    agent::alerts::channels::ChannelStatus& hook = ledger.channels[0].status;
    for (std::uint64_t* sum : {&hook.counts.told, &hook.counts.delivered, &hook.counts.superseded,
                               &hook.counts.unwanted, &hook.counts.waiting}) {
        *sum = ++amount;
    }
    for (std::uint64_t& sum : hook.counts.lost) sum = ++amount;
    hook.queued_bytes = ++amount;
    hook.alerts = ++amount;
    hook.destinations.emplace_back().failures_in_a_row = static_cast<std::uint32_t>(++amount);
    return ledger;
}

TEST_CASE("whatever happens, every metric has news, and each number arrives in one of them") {
    Agent agent;
    agent.flush(quiet());
    agent.usage() = {.cpu_ns = 1'500 * millisecond, .resident_bytes = 9'000'000};
    const Snapshot& now = agent.flush(with_everything());

    std::set<std::string> with_news;
    std::map<double, int> values;
    const auto note = [&](const auto& point, double value) {
        if (!point.updated) return;
        with_news.emplace(now.series[point.id].name());
        ++values[value];
    };
    for (const protocol::CounterPoint& point : now.counters) {
        CHECK(point.updated);
        note(point, point.delta);
    }
    for (const protocol::GaugePoint& point : now.gauges) note(point, point.value);
    for (const protocol::TimerPoint& point : now.timers) note(point, point.values.sum());
    const std::vector<std::string> listed = agent::own_names("pitot");
    CHECK(with_news == std::set<std::string>(listed.begin(), listed.end()));
    // The amounts of with_everything(), of which 1 and 0 are also values of build_info and
    // sink.working; the durations; the processor time.
    const Ledger all = with_everything();
    // The last one that it gives.
    const std::uint64_t last = all.channels[0].status.destinations[0].failures_in_a_row;
    for (std::uint64_t amount = 2; amount <= last; ++amount) {
        CAPTURE(amount);
        CHECK(values[static_cast<double>(amount)] >= 1);
    }
    CHECK(counter(now, "pitot.process.cpu_seconds")->delta == 1.5);
    CHECK(gauge(now, "pitot.process.resident_memory_bytes")->value == 9'000'000);
    CHECK(timer(now, "pitot.flush.duration")->values.sum() == 5);
    CHECK(timer(now, "pitot.flush.turn")->values.sum() == 2);
    CHECK(timer(now, "pitot.flush.lateness")->values.sum() == 3);
    CHECK(timer(now, "pitot.alerts.evaluation.duration")->values.sum() == 11);
    CHECK(timer(now, "pitot.sink.encode.duration{sink:push}")->values.sum() == 7);
    CHECK(timer(now, "pitot.sink.attempt.duration{sink:out}")->values.sum() == 8);
}

TEST_CASE("counters follow the account: delta by delta, and in all") {
    Agent agent;
    Ledger ledger = quiet();
    ledger.intake.lines = 10;
    CHECK(counter(agent.flush(ledger), "pitot.lines")->delta == 10);
    ledger.intake.lines = 25;
    const Snapshot& second_flush = agent.flush(ledger);
    CHECK(counter(second_flush, "pitot.lines")->delta == 15);
    CHECK(counter(second_flush, "pitot.lines")->total == 25);
    const Snapshot& third = agent.flush(ledger);
    // No news for who wants news, and the same state for who holds it.
    CHECK_FALSE(counter(third, "pitot.lines")->updated);
    CHECK(counter(third, "pitot.lines")->total == 25);
    CHECK(gauge(third, "pitot.series")->updated);
}

TEST_CASE("a sink that tries again, or waits, does not work") {
    Agent agent;
    Ledger ledger = quiet();
    using sinks::SinkState;
    const std::vector<std::pair<SinkState, double>> states{
        {SinkState::idle, 1},      {SinkState::working, 1}, {SinkState::retrying, 0},
        {SinkState::throttled, 0}, {SinkState::held, 0},    {SinkState::stopped, 0}};
    for (const auto& [state, working] : states) {
        CAPTURE(to_string(state));
        ledger.sinks[0].status.state = state;
        const Snapshot& now = agent.flush(ledger);
        CHECK(gauge(now, "pitot.sink.working{sink:push}")->value == working);
        CHECK(gauge(now, "pitot.sink.working{sink:out}")->value == 1);
    }
}

TEST_CASE("of many attempts between two looks, all are counted and the newest are told") {
    Agent agent;
    Ledger ledger = quiet();
    sinks::RecentTimes& times = ledger.sinks[0].status.attempts_taken;
    const auto attempts = [&](const Snapshot& now) {
        return timer(now, "pitot.sink.attempt.duration{sink:push}");
    };
    for (int i = 0; i < 3; ++i) times.add(4 * millisecond);
    CHECK(attempts(agent.flush(ledger))->values.count() == 3);
    CHECK_FALSE(attempts(agent.flush(ledger))->updated);
    for (int i = 0; i < 40; ++i) times.add((i < 20 ? 1'000 : 2) * millisecond);
    const Snapshot& now = agent.flush(ledger);
    CHECK(attempts(now)->values.count() == doctest::Approx(40));
    CHECK(attempts(now)->values.maximum() == 2);
    CHECK(attempts(now)->total_count == doctest::Approx(43));
    CHECK(attempts(now)->total_sum == doctest::Approx(12 + 80));
}

TEST_CASE("constant tags tell hosts apart; a key of the catalogue stays what it is") {
    Agent agent({.prefix = "pitot", .tags = {{"host", "a"}, {"sink", "mine"}}});
    const Snapshot& now = agent.flush(quiet());
    CHECK(counter(now, "pitot.lines{host:a,sink:mine}") != nullptr);
    CHECK(counter(now, "pitot.sink.offered{host:a,sink:push}") != nullptr);
}

TEST_CASE("limits do not touch own series, and own series take no room from clients") {
    agent::TableSettings table;
    table.series_max = 3;
    agent::MergerSettings merger;
    merger.series_max = 3;
    merger.total_bytes_max = 1;
    merger.wants_total = [](const protocol::Series&) { return true; };
    Agent agent({}, table, merger);
    agent.say("a:1|c|#x:1\nb:1|c|#x:1\nc:1|c|#x:1\nd:1|c|#x:1");
    const Snapshot& now = agent.flush(with_everything());
    CHECK(counter(now, "a{x:1}")->total == 1);
    CHECK(counter(now, "c{x:1}")->total == 1);
    CHECK(counter(now, "d{pitot_overflow:true}")->total == 1);
    CHECK(agent.merger().series() == 4);
    for (const protocol::Series& series : now.series) {
        CHECK_FALSE(
            (series.name().starts_with("pitot.") && series.tags().text() == "pitot_overflow:true"));
    }
    CHECK(timer(now, "pitot.flush.turn")->total != nullptr);
}

TEST_CASE("own series stand first while clients come and go, and never expire") {
    agent::MergerSettings merger;
    merger.expiry_intervals.fill(2);
    Agent agent({}, {}, merger);
    const Ledger ledger = quiet();
    for (int interval = 0; interval < 100; ++interval) {
        for (int i = 0; i < 3; ++i) {
            const std::string id = std::to_string(interval / 10 * 3 + i);
            agent.say("hits:1|c|#id:" + id + "\nlevel:2|g|#id:" + id + "\nload:3|ms|#id:" + id);
        }
        const Snapshot& now = agent.flush(ledger);
        const Snapshot rest = now.without_own();
        CHECK(rest.points() + now.own.counters + now.own.gauges + now.own.timers == now.points());
        CHECK(rest.points() >= 9);
        for (const std::string& name : names_in(rest)) CHECK_FALSE(name.starts_with("pitot."));
        REQUIRE(counter(now, "pitot.rejected{reason:bad_utf8}") != nullptr);
    }
    CHECK(agent.merger().expired_total() > 0);
    CHECK(agent.merger().series() < 60);
}

TEST_CASE("a client may not use an own name, with whatever kind, tags or time; others it may") {
    Agent agent;
    agent.say(
        "pitot.lines:7|c\npitot.lines:7|g|#a:b\npitot.flush.duration:1|ms\n"
        "pitot.lines:7|c|T1700000000\npitot.speed:250|g\npitot.lines.mine:1|c\nlines:2|c");
    Ledger ledger = quiet();
    ledger.intake.lines = 7;
    const Snapshot& now = agent.flush(ledger);
    CHECK(agent.counts.lines == 7);
    CHECK(agent.counts.accepted == 3);
    CHECK(now.rejected[std::to_underlying(Reject::reserved_name)] == 4);
    CHECK(counter(now, "pitot.lines")->total == 7);
    CHECK(counter(now, "lines")->total == 2);
    CHECK(gauge(now, "pitot.speed")->value == 250);
    CHECK(counter(now, "pitot.lines.mine")->total == 1);
    CHECK(gauge(now, "pitot.lines{a:b}") == nullptr);
    CHECK(now.timed.empty());
}

TEST_CASE("a listener's prefix does not lead around it") {
    agent::TableSettings settings;
    settings.additions = {{.prefix = "pitot.", .tags = {}}};
    settings.reserved_names = agent::own_names("pitot");
    ShardRig rig(1, settings);
    rig.say(0, "lines:7|c\nspeed:1|c");
    const Snapshot& now = rig.flush();
    CHECK(now.rejected[std::to_underlying(Reject::reserved_name)] == 1);
    CHECK(counter(now, "pitot.speed")->total == 1);
}

TEST_CASE("the kernel is asked what the process takes") {
    const agent::ProcessUsage usage = agent::read_process_usage();
    CHECK(usage.resident_bytes > 100'000);
    CHECK(usage.resident_bytes < 1ULL << 40U);
    CHECK(agent::read_process_usage().cpu_ns >= usage.cpu_ns);
}

}  // namespace
}  // namespace pitot::tests
