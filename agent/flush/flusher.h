// The heartbeat: at the end of each interval asks the shards for their pages, merges them,
// hands the Snapshot to every sink, then to the alert rules, and keeps the ledger.
//
// Runs on a thread of its own between start() and stop(). The last interval is flushed by
// flush_rest(), on the thread that calls it, after the listeners have drained.
//
// Nothing here waits for a destination: a sink encodes and returns. What a flush costs the
// shards is in shard.h: little more than an exchange of pages.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/clock.h"
#include "agent/flush/intake_report.h"
#include "agent/flush/merger.h"
#include "agent/flush/schedule.h"
#include "agent/ledger.h"
#include "agent/self_metrics/self_metrics.h"
#include "agent/service/liveness.h"
#include "agent/shard_set.h"
#include "agent/status/interval_recorder.h"
#include "sinks/sink.h"

namespace spdlog {
class logger;
}

namespace pitot::agent::alerts {
class Alerting;
}

namespace pitot::agent {

struct FlusherSettings {
    std::int64_t interval_ns = 0;
    std::int64_t offset_ns = 0;
    MergerSettings merger;
    std::vector<std::string> listener_names;
    // None: the agent does not tell of itself.
    std::optional<SelfMetricsSettings> self_metrics = {};
    // Names of the sinks that are spared what the agent tells of itself.
    std::vector<std::string> sinks_without_self_metrics = {};
    // Makes series before the sinks are fed, and evaluates its rules afterwards. None: no alerts.
    alerts::Alerting* alerting = nullptr;
    // How the channels of alerts are, in the same order each time, from any thread.
    std::function<std::vector<Ledger::Channel>()> channels = {};
};

class Flusher {
public:
    // All references outlive the flusher. The sinks are owned by the caller.
    Flusher(FlusherSettings settings, ShardSet& shards, std::vector<sinks::Sink*> sinks,
            const Clock& clock, spdlog::logger& log);
    ~Flusher();  // stop() must have run if start() did
    Flusher(const Flusher&) = delete;
    Flusher& operator=(const Flusher&) = delete;

    void start();
    // Returns when a flush under way is done. No further one begins.
    void stop();

    // Flushes the open interval, however short, and before it that of a shard which had not
    // answered a regular flush in time. Not while the thread runs.
    void flush_rest(std::int64_t deadline_steady_ns);

    // For the watchdog, from any thread, between start() and stop().
    WatchedLoop watched();

    // Any thread. Sinks are as they are now, all else as of the last flush.
    Ledger ledger() const;

    // Any thread: how the channels of alerts are now.
    std::vector<Ledger::Channel> channels() const {
        return settings_.channels ? settings_.channels() : std::vector<Ledger::Channel>();
    }

    // Any thread: every series that is alive, the agent's own and made ones too. A flush waits
    // for a small part of the walk at most (SeriesRegistry::each()).
    void each_series(const std::function<void(const protocol::Series&)>& visit) const {
        merger_.each_series(visit);
    }

    // Any thread: what the last interval brought, and where the flush is.
    FlushProgress progress() const { return recorder_.progress(); }

private:
    void run();
    // The pages of the result are empty again.
    ShardSet::Turn flush(std::int64_t answer_deadline_steady_ns);
    ShardPage look_at_myself(const ShardSet::Turn& turn);
    void send(const protocol::Snapshot& snapshot);
    void evaluate_alerts(const protocol::Snapshot& snapshot);
    void account(const ShardSet::Turn& turn);
    void finish(const FlushSchedule::Closed& closed, std::int64_t started_ns);

    const FlusherSettings settings_;
    ShardSet& shards_;
    const std::vector<sinks::Sink*> sinks_;
    const Clock& clock_;
    spdlog::logger& log_;

    std::thread thread_;
    std::mutex wake_mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // guarded by wake_mutex_
    bool asked_ = false;     // for a sign of life; likewise
    Pulse pulse_;

    // Used by the thread that flushes.
    FlushSchedule schedule_;
    Merger merger_;
    std::optional<SelfMetrics> self_metrics_;
    IntakeReport report_;
    IntervalRecorder recorder_;

    mutable std::mutex ledger_mutex_;
    Ledger ledger_;  // guarded by ledger_mutex_; its sinks are filled in by ledger()
};

}  // namespace pitot::agent
