#include "agent/flush/flusher.h"

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include <spdlog/logger.h>

#include "agent/alerts/alerting.h"

namespace pitot::agent {
namespace {

// A shard answers between two batches of datagrams, that is within a millisecond. One that
// takes longer than this is left out until the next flush.
constexpr std::int64_t answer_ns_max = 1'000'000'000;

MergerSettings with_wishes(MergerSettings settings, std::vector<sinks::Sink*> sinks) {
    settings.wants_total = [sinks = std::move(sinks)](const protocol::Series& series) {
        return std::ranges::any_of(sinks, [&](sinks::Sink* sink) {
            return sink->encoder().wants_total_distribution(series);
        });
    };
    return settings;
}

void add_turn(Ledger& ledger, const ShardSet::Turn& turn) {
    for (const ShardPage& page : turn.pages) {
        if (page.closed.page != nullptr) ledger.intake.add(page.closed.page->counts);
    }
    for (std::size_t i = 0; i < turn.listeners.size(); ++i) {
        ledger.listeners[i].counters = turn.listeners[i];
    }
    ledger.series_rows = turn.series_rows;
    ledger.table_bytes = turn.table_bytes;
    ledger.value_bytes = turn.value_bytes;
}

}  // namespace

Flusher::Flusher(FlusherSettings settings, ShardSet& shards, std::vector<sinks::Sink*> sinks,
                 const Clock& clock, spdlog::logger& log)
    : settings_(std::move(settings)),
      shards_(shards),
      sinks_(std::move(sinks)),
      clock_(clock),
      log_(log),
      schedule_(settings_.interval_ns, settings_.offset_ns, clock.wall_ns(), clock.steady_ns()),
      merger_(with_wishes(settings_.merger, sinks_)),
      report_(settings_.listener_names, log),
      recorder_(schedule_.due_steady_ns()) {
    if (settings_.self_metrics) {
        std::vector<std::string> sink_names;
        sink_names.reserve(sinks_.size());
        for (const sinks::Sink* sink : sinks_) sink_names.emplace_back(sink->name());
        const Ledger parts = ledger();
        std::vector<std::string> rule_names;
        rule_names.reserve(parts.alerts.rules.size());
        for (const auto& rule : parts.alerts.rules) rule_names.push_back(rule.name);
        std::vector<std::string> channel_names;
        channel_names.reserve(parts.channels.size());
        for (const Ledger::Channel& channel : parts.channels) channel_names.push_back(channel.name);
        self_metrics_.emplace(*settings_.self_metrics,
                              OwnParts{.listeners = settings_.listener_names,
                                       .sinks = sink_names,
                                       .rules = rule_names,
                                       .channels = channel_names},
                              clock.wall_ns());
    }
    for (const std::string& name : settings_.listener_names) {
        ledger_.listeners.push_back({.name = name, .counters = {}});
    }
}

Flusher::~Flusher() {
    assert(!thread_.joinable());
}

void Flusher::start() {
    thread_ = std::thread([this] { run(); });
    static_cast<void>(pthread_setname_np(thread_.native_handle(), "pitot-flush"));
}

void Flusher::stop() {
    {
        const std::scoped_lock lock(wake_mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Flusher::run() {
    for (;;) {
        {
            std::unique_lock lock(wake_mutex_);
            const std::chrono::nanoseconds left(schedule_.due_steady_ns() - clock_.steady_ns());
            wake_.wait_for(lock, left, [this] { return stopping_ || asked_; });
            if (stopping_) return;
            if (std::exchange(asked_, false)) pulse_.answer();
        }
        // The wait may end a little early by the other clock.
        if (clock_.steady_ns() < schedule_.due_steady_ns()) continue;
        flush(clock_.steady_ns() + answer_ns_max);
    }
}

WatchedLoop Flusher::watched() {
    return {"flush", &pulse_, [this](std::int64_t now_ns) {
                if (!pulse_.ask(now_ns)) return;
                const std::scoped_lock lock(wake_mutex_);
                asked_ = true;
                wake_.notify_one();
            }};
}

void Flusher::flush_rest(std::int64_t deadline_steady_ns) {
    assert(!thread_.joinable());
    ShardSet::Turn turn;
    do {
        turn = flush(deadline_steady_ns);
    } while (turn.belated_shards > 0 && clock_.steady_ns() < deadline_steady_ns);
    const std::size_t lost = turn.silent_shards + turn.belated_shards;
    if (lost == 0) return;
    log_.error(
        "flush: {} shard(s) did not hand over the last interval in time, and what they counted in "
        "it is lost; if the host is not overloaded, raise shutdown_deadline",
        lost);
}

ShardSet::Turn Flusher::flush(std::int64_t answer_deadline_steady_ns) {
    const std::int64_t started_ns = clock_.steady_ns();
    recorder_.begin(started_ns);
    ShardSet::Turn turn = shards_.turn(answer_deadline_steady_ns);
    const std::int64_t turned_ns = clock_.steady_ns();
    const FlushSchedule::Closed closed = schedule_.close(clock_.wall_ns(), turned_ns);
    {
        const std::scoped_lock lock(ledger_mutex_);
        ledger_.flush.turn_ns_last = turned_ns - started_ns;
        ledger_.flush.turn_ns_max = std::max(ledger_.flush.turn_ns_max, turned_ns - started_ns);
        ledger_.flush.stall_ns_max = std::max(ledger_.flush.stall_ns_max, turn.stall_ns_max);
        ledger_.flush.late_ns_last = closed.late_ns;
        ledger_.flush.silent_shards += turn.silent_shards;
    }

    const protocol::Snapshot& snapshot =
        merger_.merge(turn.pages, closed.interval, look_at_myself(turn));
    account(turn);  // what the merge folded, too
    recorder_.collect(turn, snapshot.without_own());
    if (settings_.alerting != nullptr) merger_.add(settings_.alerting->made(snapshot));
    send(snapshot);
    evaluate_alerts(snapshot);
    report_.interval(turn, snapshot, closed.interval);
    merger_.finish();
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
        shards_.retire(shard, merger_.take_retirements(shard));
    }
    finish(closed, started_ns);
    return turn;
}

// The account with what this turn has brought, but for what the merge will fold.
ShardPage Flusher::look_at_myself(const ShardSet::Turn& turn) {
    if (!self_metrics_) return {};
    Ledger now = ledger();
    add_turn(now, turn);
    return self_metrics_->look(now);
}

void Flusher::send(const protocol::Snapshot& snapshot) {
    const protocol::Snapshot clients_only = snapshot.without_own();
    for (sinks::Sink* sink : sinks_) {
        const bool is_spared =
            std::ranges::find(settings_.sinks_without_self_metrics, sink->name()) !=
            settings_.sinks_without_self_metrics.end();
        sink->send(is_spared ? clients_only : snapshot);
    }
}

void Flusher::evaluate_alerts(const protocol::Snapshot& snapshot) {
    if (settings_.alerting == nullptr) return;
    const std::int64_t started_ns = clock_.steady_ns();
    settings_.alerting->flush(snapshot, merger_.made_refused());
    const std::scoped_lock lock(ledger_mutex_);
    ledger_.flush.alerts_ns_last = clock_.steady_ns() - started_ns;
}

void Flusher::account(const ShardSet::Turn& turn) {
    const std::scoped_lock lock(ledger_mutex_);
    add_turn(ledger_, turn);
}

void Flusher::finish(const FlushSchedule::Closed& closed, std::int64_t started_ns) {
    const std::int64_t took_ns = clock_.steady_ns() - started_ns;
    // Timers of the system are not exact; what counts as late is what somebody could see.
    const bool late = closed.late_ns > settings_.interval_ns / 10;
    {
        const std::scoped_lock lock(ledger_mutex_);
        FlushCounts& counts = ledger_.flush;
        ++counts.flushes;
        counts.late += late ? 1U : 0U;
        counts.late_ns_max = std::max(counts.late_ns_max, closed.late_ns);
        counts.duration_ns_last = took_ns;
        counts.duration_ns_max = std::max(counts.duration_ns_max, took_ns);
        ledger_.series = merger_.series();
        ledger_.series_expired = merger_.expired_total();
    }
    recorder_.publish(ledger(), {.interval = closed.interval,
                                 .late_ns = closed.late_ns,
                                 .took_ns = took_ns,
                                 .next_due_steady_ns = schedule_.due_steady_ns()});
    if (late) {
        log_.warn(
            "flush: interval {} was flushed {} ms late, which took {} ms; nothing is lost, but the "
            "host is overloaded, or the interval too short for so many series: raise interval",
            closed.interval.sequence, closed.late_ns / 1'000'000, took_ns / 1'000'000);
    }
    constexpr std::int64_t noticeable_step_ns = 1'000'000'000;
    if (closed.clock_step_ns > noticeable_step_ns || closed.clock_step_ns < -noticeable_step_ns) {
        log_.warn(
            "flush: the wall clock was set by {} ms during interval {}, whose end is moved by "
            "that; rates are right, they use the steady clock. If that comes again, look at the "
            "time service of this host",
            closed.clock_step_ns / 1'000'000, closed.interval.sequence);
    }
}

Ledger Flusher::ledger() const {
    Ledger copy;
    {
        const std::scoped_lock lock(ledger_mutex_);
        copy = ledger_;
    }
    for (sinks::Sink* sink : sinks_) {
        copy.sinks.push_back({.name = std::string(sink->name()),
                              .type = std::string(sink->type()),
                              .status = sink->status()});
    }
    if (settings_.alerting != nullptr) copy.alerts = settings_.alerting->counts();
    if (settings_.channels) copy.channels = settings_.channels();
    return copy;
}

}  // namespace pitot::agent
