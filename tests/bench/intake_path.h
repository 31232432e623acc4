// What a shard does with its datagrams and the flush with the shards, without sockets, threads or
// a clock: what the benchmarks of the hot path run.
//
//     IntakePath path;
//     path.take(load);
//     is_right(path.flush(), load.totals())
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/aggregate/line_intake.h"
#include "agent/flush/merger.h"
#include "protocol/quick_line.h"
#include "tests/bench/workload.h"

namespace pitot::bench {

// Shards and the flush behind them, with time moved by hand.
class IntakePath {
public:
    // `reader`: which vectors find the lines.
    explicit IntakePath(std::size_t shards = 1, protocol::QuickReader reader = {})
        : merger_(merger_settings(shards)) {
        for (std::size_t shard = 0; shard < shards; ++shard) {
            shards_.push_back(std::make_unique<agent::LineIntake>(
                table_settings(), std::array{reading}, agent::LineIntake::Way::quick, reader));
        }
    }

    // Each shard takes all of it, so that each has every series.
    void take(const Workload& load) {
        for (const std::unique_ptr<agent::LineIntake>& shard : shards_) {
            for (const std::string& datagram : load.datagrams()) {
                shard->take(0, datagram, sender_, 1);
            }
            shard->settle();
        }
    }

    // The three steps of a flush.
    void turn() {
        pages_.clear();
        for (const std::unique_ptr<agent::LineIntake>& shard : shards_) {
            pages_.push_back({.rows = &shard->table().rows(), .closed = shard->table().turn()});
        }
    }
    const protocol::Snapshot& merge() {
        return merger_.merge(pages_, {.sequence = ++sequence_, .elapsed_s = 10});
    }
    void finish() { merger_.finish(); }

    // All of them; what came since the last call.
    WorkloadTotals flush() {
        turn();
        WorkloadTotals totals = totals_of(merge());
        for (const agent::ShardPage& page : pages_) {
            totals.lines += page.closed.page->counts.accepted;
        }
        finish();
        return totals;
    }

    agent::SeriesTable& table() { return shards_.front()->table(); }

    static constexpr protocol::Reading reading{};

private:
    static constexpr std::uint32_t series_max = 2'000'000;

    static WorkloadTotals totals_of(const protocol::Snapshot& snapshot) {
        WorkloadTotals totals;
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
    static agent::TableSettings table_settings() {
        agent::TableSettings settings;
        settings.series_max = series_max;
        settings.series_per_metric_max = series_max;
        settings.bytes_max = 2ULL << 30U;
        settings.value_bytes_max = 2ULL << 30U;
        return settings;
    }
    static agent::MergerSettings merger_settings(std::size_t shards) {
        agent::MergerSettings settings{};
        settings.shards = shards;
        settings.series_max = series_max;
        return settings;
    }

    const agent::Peer sender_{"udp"};
    std::vector<std::unique_ptr<agent::LineIntake>> shards_;
    agent::Merger merger_;
    std::vector<agent::ShardPage> pages_;
    std::uint64_t sequence_ = 0;
};

// `times`: how often the load was taken.
inline bool is_right(const WorkloadTotals& got, const WorkloadTotals& expected,
                     unsigned times = 1) {
    const double timer_sum = expected.timer_sum_hundredths * times;
    return got.lines == expected.lines * times && got.counter_sum == expected.counter_sum * times &&
           got.timer_values == expected.timer_values * times &&
           std::abs(got.timer_sum_hundredths - timer_sum) <= 1e-9 * timer_sum;
}

}  // namespace pitot::bench
