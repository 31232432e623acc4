// Feeds lines to a LineIntake as a shard would, and merges what several saw.
//
//     ShardRig rig(2);                       // two shards
//     rig.say(0, "hits:1|c\nhits:2|c");
//     const protocol::Snapshot& now = rig.flush();
//     CHECK(counter(now, "hits")->delta == 3);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/aggregate/line_intake.h"
#include "agent/flush/merger.h"

namespace pitot::tests {

class ShardRig {
public:
    explicit ShardRig(std::size_t shards = 1, agent::TableSettings table = {},
                      agent::MergerSettings merger = {},
                      std::vector<protocol::Reading> readings = {protocol::Reading{}})
        : merger_(with_shards(std::move(merger), shards)) {
        for (std::size_t i = 0; i < shards; ++i) {
            table.key_seed = 0x9E3779B97F4A7C15ULL * (i + 1);
            shards_.push_back(std::make_unique<agent::LineIntake>(table, readings));
        }
    }

    void say(std::size_t shard, std::string_view lines, std::uint16_t listener = 0) {
        shards_[shard]->take(listener, lines, agent::Peer("test"), ++now_ns_);
        shards_[shard]->settle();
    }

    // Takes from the next flush what it would ask the shard.
    agent::Retirements retirements(std::size_t shard) { return merger_.take_retirements(shard); }

    agent::LineIntake& shard(std::size_t index) { return *shards_[index]; }
    std::size_t shards() const { return shards_.size(); }

    // Valid until the next flush.
    const protocol::Snapshot& flush() {
        if (sequence_ > 0) merger_.finish();
        counts_ = {};
        bytes_ = 0;
        std::vector<agent::ShardPage> pages;
        for (std::size_t i = 0; i < shards_.size(); ++i) {
            agent::SeriesTable& table = shards_[i]->table();
            const agent::Retirements asked = merger_.take_retirements(i);
            table.request_retirement(asked.rows, asked.turn);
            while (table.retire_some(64)) {
            }
            pages.push_back({.rows = &table.rows(), .closed = table.turn()});
        }
        ++sequence_;
        constexpr std::int64_t second = 1'000'000'000;
        const auto end = static_cast<std::int64_t>(sequence_) * 10 * second;
        const protocol::Snapshot& merged = merger_.merge(pages, {.sequence = sequence_,
                                                                 .start_unix_ns = end - 10 * second,
                                                                 .end_unix_ns = end,
                                                                 .elapsed_s = 10});
        for (const agent::ShardPage& page : pages) {
            counts_.add(page.closed.page->counts);
            bytes_ += page.closed.page->bytes();
        }
        return merged;
    }

    // Of the last flush.
    const agent::IntakeCounts& counts() const { return counts_; }
    // What the pages of the last flush hold.
    std::size_t bytes() const { return bytes_; }
    agent::Merger& merger() { return merger_; }
    // What was merged last, with gauges made of it.
    const protocol::Snapshot& add(const std::vector<agent::MadeGauge>& gauges) {
        return merger_.add(gauges);
    }

private:
    static agent::MergerSettings with_shards(agent::MergerSettings settings, std::size_t shards) {
        settings.shards = shards;
        return settings;
    }

    agent::Merger merger_;
    std::vector<std::unique_ptr<agent::LineIntake>> shards_;
    agent::IntakeCounts counts_;
    std::size_t bytes_ = 0;
    std::uint64_t sequence_ = 0;
    std::int64_t now_ns_ = 0;
};

// "name", or "name{tag,tag}" with the tags as in a canonical key.
inline std::string full_name(const protocol::Series& series) {
    std::string text(series.name());
    if (!series.tags().empty()) text.append("{").append(series.tags().text()).append("}");
    return text;
}

template <typename Point>
const Point* find_point(const protocol::Snapshot& snapshot, std::span<const Point> points,
                        std::string_view name) {
    for (const Point& point : points) {
        if (full_name(snapshot.series[point.id]) == name) return &point;
    }
    return nullptr;
}

inline const protocol::CounterPoint* counter(const protocol::Snapshot& in, std::string_view name) {
    return find_point(in, in.counters, name);
}
inline const protocol::GaugePoint* gauge(const protocol::Snapshot& in, std::string_view name) {
    return find_point(in, in.gauges, name);
}
inline const protocol::TimerPoint* timer(const protocol::Snapshot& in, std::string_view name) {
    return find_point(in, in.timers, name);
}
inline const protocol::SetPoint* set(const protocol::Snapshot& in, std::string_view name) {
    return find_point(in, in.sets, name);
}

}  // namespace pitot::tests
