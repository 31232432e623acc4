// An agent with a bit of everything, as the status documents show it: parts in each state,
// losses of each kind, and texts that would repaint a terminal if they were printed as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/web/documents.h"

namespace pitot::tests {

class StatusSample {
public:
    static constexpr std::int64_t second = 1'000'000'000;
    static constexpr std::int64_t now_unix_ns = 1'785'542'410'250'000'000;  // 2026-08-01
    static constexpr std::int64_t now_steady_ns = 1'000'000 * second;

    StatusSample() {
        process = {.version = "1.2.3",
                   .pid = 4711,
                   .started_unix_ns = now_unix_ns - 7'512 * second,
                   .started_steady_ns = now_steady_ns - 7'512 * second,
                   .interval_ns = 10 * second,
                   .shards = 2};
        process.limits = {.series_max = 1'000'000,
                          .series_per_metric_max = 100'000,
                          .table_bytes_max = 512ULL << 20U,
                          .value_bytes_max = 512ULL << 20U};
        facts.phase = agent::Phase::running;
        facts.now_steady_ns = now_steady_ns;
        facts.interval_ns = process.interval_ns;
        facts.loops = {{"shard 0", 0}, {"shard 1", 4 * second}, {"flush", 0}, {"delivery", 0}};
        facts.flush.due_steady_ns = now_steady_ns + 6 * second;
        add_listeners();
        add_interval();
        add_sinks();
        facts.flush.last = std::make_shared<const agent::IntervalStatus>(last);
        agent::Facts at_first = facts;
        at_first.flush.last = nullptr;
        for (agent::Ledger::Sink& sink : at_first.sinks) sink.status = {};
        tracker.update(agent::assess(at_first), now_unix_ns - 192 * second);
        health = tracker.update(agent::assess(facts), now_unix_ns);
    }
    StatusSample(const StatusSample&) = delete;
    StatusSample& operator=(const StatusSample&) = delete;

    agent::StatusReport report() const {
        return {.process = process, .now_unix_ns = now_unix_ns, .facts = facts, .health = health};
    }

    agent::ProcessFacts process;
    agent::Facts facts;
    agent::IntervalStatus last;
    agent::HealthTracker tracker;
    agent::HealthReport health;

private:
    void add_listeners() {
        facts.listeners = {"apps", "local"};
        agent::ListenerReport udp;
        udp.name = "apps";
        udp.where = "udp 127.0.0.1:8125";
        udp.sockets = 2;
        udp.receive_buffer_asked_bytes = 8U << 20U;
        udp.receive_buffer_granted_bytes = 212'992;
        agent::ListenerReport unopened;
        unopened.name = "local";
        process.listeners = {udp, unopened};
        process.advice = {"listeners.apps: set net.core.rmem_max to 8388608"};
        agent::ListenerCounters counters;
        counters.datagrams = 123'456;
        counters.bytes = 12'345'678;
        last.listeners_before = {counters, {}};
        counters.datagrams += 8'000;
        counters.bytes += 1'000'000;
        counters.kernel_drops = 17;
        last.total.listeners = {{.name = "apps", .counters = counters},
                                {.name = "local", .counters = {}}};
    }

    void add_interval() {
        last.sequence = 751;
        last.end_unix_ns = now_unix_ns - 4 * second;
        last.start_unix_ns = last.end_unix_ns - 10 * second;
        last.elapsed_s = 10;
        last.took_ns = 1'234'567;
        last.counts.lines = 123'000;
        last.counts.accepted = 122'997;
        last.counts.samples = 122'997;
        last.counts.aggregated = 122'997;
        last.shard_answered = {true, true};
        agent::IntakeCounts& intake = last.total.intake;
        intake.lines = 12'345'678;
        intake.accepted = 12'345'670;
        intake.rejected[std::to_underlying(protocol::Reject::no_value)] = 5;
        intake.rejected[std::to_underlying(protocol::Reject::bad_utf8)] = 3;
        intake.samples = 12'345'670;
        intake.aggregated = 12'345'670;
        intake.limited[std::to_underlying(agent::Limited::overflow_series)] = 40;
        last.total.flush = {
            .flushes = 751, .late = 2, .duration_ns_max = 45'000'000, .late_ns_max = 1'500'000'000};
        last.total.series = 950'000;
        last.total.series_rows = 960'000;
        last.total.table_bytes = 400ULL << 20U;
        last.total.value_bytes = 3ULL << 20U;
        last.total.series_expired = 12;
        last.busiest = {
            {.name = "page.views", .kind = protocol::Kind::counter, .count = 120'000, .series = 42},
            {.name = "\x1b]0;pwned\x07load\u202etxt",
             .kind = protocol::Kind::timer,
             .count = 2'997.5,
             .series = 1}};
        last.refused = {{.reason = protocol::Reject::bad_utf8,
                         .line = "caf\xe9:1|c\x1b[2J",
                         .sender = "udp 127.0.0.1:40000",
                         .seen_unix_ns = last.end_unix_ns},
                        {.reason = protocol::Reject::no_value,
                         .line = R"(<script>alert("\1")</script>)",
                         .sender = "unix pid 42",
                         .seen_unix_ns = last.end_unix_ns - 3'600 * second}};
        last.overflowing = {{.name = "user.\tclicks", .lines = 40}};
        last.overflow_unix_ns = last.end_unix_ns - 60 * second;
    }

    void add_sinks() {
        sinks::SinkStatus page;
        page.state = sinks::SinkState::working;
        page.ledger.offered = 700;
        page.ledger.delivered = 700;
        sinks::SinkStatus push;
        push.state = sinks::SinkState::retrying;
        push.since_unix_ns = now_unix_ns - 100 * second;
        push.last_success_unix_ns = now_unix_ns - 110 * second;
        push.last_error = "HTTP 502: \x1b[31m<html>\nbad gateway";
        push.last_error_unix_ns = now_unix_ns - 7 * second;
        push.failures_in_a_row = 6;
        push.attempts = 90;
        push.next_attempt_unix_ns = now_unix_ns + 8 * second;
        push.queued_batches = 3;
        push.queued_bytes = 70'000;
        push.ledger.offered = 1'000;
        push.ledger.delivered = 600;
        push.ledger.queued = 300;
        push.ledger.lost[sinks::LossReason::queue_full] = 90;
        push.ledger.lost[sinks::LossReason::too_old] = 10;
        last.sinks_before = {page, push};
        push.ledger.lost[sinks::LossReason::queue_full] += 20;
        push.ledger.offered += 20;
        facts.sinks = {{.name = "metrics", .type = "prometheus", .status = page},
                       {.name = "push", .type = "pushgateway", .status = push}};
    }
};

}  // namespace pitot::tests
