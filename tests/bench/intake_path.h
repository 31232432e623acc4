// What a shard does with its datagrams and the flush with a shard, without sockets, threads or
// a clock: what the benchmarks of the hot path run.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "agent/aggregate/line_intake.h"
#include "agent/flush/merger.h"
#include "tests/bench/workload.h"

namespace pitot::bench {

// One shard and the flush behind it, with time moved by hand.
class IntakePath {
public:
    IntakePath() : intake_(table_settings(), std::array{reading}), merger_(merger_settings()) {}

    void take(const Workload& load) {
        for (const std::string& datagram : load.datagrams()) {
            intake_.take(0, datagram, sender_, 1);
        }
        intake_.settle();
    }

    // What came since the last call.
    WorkloadTotals flush() {
        if (sequence_ > 0) merger_.finish();
        const agent::ShardPage page{.rows = &intake_.table().rows(),
                                    .closed = intake_.table().turn()};
        WorkloadTotals totals;
        totals.lines = page.closed.page->counts.accepted;
        const protocol::Snapshot& snapshot =
            merger_.merge({&page, 1}, {.sequence = ++sequence_, .elapsed_s = 10});
        for (const protocol::CounterPoint& point : snapshot.counters) {
            if (point.updated) totals.counter_sum += point.delta;
        }
        for (const protocol::TimerPoint& point : snapshot.timers) {
            if (!point.updated) continue;
            totals.timer_values += static_cast<std::uint64_t>(std::llround(point.values.count()));
            totals.timer_sum_hundredths += point.values.sum() * 100;
        }
        return totals;
    }

private:
    static constexpr protocol::Reading reading{};
    static constexpr std::uint32_t series_max = 2'000'000;

    static agent::TableSettings table_settings() {
        agent::TableSettings settings;
        settings.series_max = series_max;
        settings.series_per_metric_max = series_max;
        return settings;
    }
    static agent::MergerSettings merger_settings() {
        agent::MergerSettings settings{};
        settings.shards = 1;
        settings.series_max = series_max;
        return settings;
    }

    const agent::Peer sender_{"udp"};
    agent::LineIntake intake_;
    agent::Merger merger_;
    std::uint64_t sequence_ = 0;
};

inline bool is_right(const WorkloadTotals& got, const WorkloadTotals& expected) {
    return got.lines == expected.lines && got.counter_sum == expected.counter_sum &&
           got.timer_values == expected.timer_values &&
           std::abs(got.timer_sum_hundredths - expected.timer_sum_hundredths) <=
               1e-9 * expected.timer_sum_hundredths;
}

}  // namespace pitot::bench
