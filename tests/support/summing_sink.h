// A sink that adds up what it is handed, for tests of everything before the sinks.
//
// send() is called by whoever flushes; the rest by the test, any time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "sinks/sink.h"

namespace pitot::tests {

class SummingSink final : public sinks::Sink {
public:
    struct Seen {
        std::uint64_t snapshots = 0;
        std::uint64_t late_or_doubled = 0;  // whose sequence was not the next one
        std::int64_t last_end_unix_ns = 0;
        std::map<std::string, double> deltas;        // of counters, over all intervals
        std::map<std::string, double> totals;        // of counters, as last told
        std::map<std::string, double> timer_counts;  // over all intervals
    };

    std::string_view name() const override { return "summing"; }
    std::string_view type() const override { return "test"; }
    sinks::Encoder& encoder() override { return encoder_; }

    void send(const protocol::Snapshot& snapshot) override {
        const std::scoped_lock lock(mutex_);
        seen_.late_or_doubled += snapshot.sequence == ++seen_.snapshots ? 0U : 1U;
        seen_.late_or_doubled += snapshot.end_unix_ns > seen_.last_end_unix_ns ? 0U : 1U;
        seen_.last_end_unix_ns = snapshot.end_unix_ns;
        for (const protocol::CounterPoint& point : snapshot.counters) {
            const std::string name(snapshot.series[point.id].name());
            seen_.deltas[name] += point.delta;
            seen_.totals[name] = point.total;
        }
        for (const protocol::TimerPoint& point : snapshot.timers) {
            seen_.timer_counts[std::string(snapshot.series[point.id].name())] +=
                point.values.count();
        }
        ledger_.offered += snapshot.points();
        ledger_.delivered += snapshot.points();
        changed_.notify_all();
    }

    void stop(std::int64_t /*deadline_steady_ns*/, std::function<void()> on_drained) override {
        on_drained();
    }

    sinks::SinkStatus status() const override {
        const std::scoped_lock lock(mutex_);
        sinks::SinkStatus status;
        status.ledger = ledger_;
        return status;
    }

    Seen seen() const {
        const std::scoped_lock lock(mutex_);
        return seen_;
    }

    // Returns when what was seen satisfies `fact`.
    void wait_for(const std::function<bool(const Seen&)>& fact) const {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return fact(seen_); });
    }

private:
    class NoEncoder final : public sinks::Encoder {
    public:
        void encode(const protocol::Snapshot& snapshot, sinks::Encoded& out) override {
            static_cast<void>(snapshot);
            static_cast<void>(out);
        }
    };

    NoEncoder encoder_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Seen seen_;               // guarded by mutex_
    sinks::Ledger ledger_{};  // guarded by mutex_
};

}  // namespace pitot::tests
