// Merges the closed pages of all shards into one Snapshot.
//
// Owns what the process knows of its series beyond one interval: ids, totals since birth,
// last values of gauges, and when a series was last heard of. Runs on the flush thread;
// `pitot once` runs it without threads.
//
//     merger.merge(pages, interval)   the Snapshot, valid until finish()
//     merger.add(gauges)              the same, with gauges made of it
//     … sinks and alert rules read it …
//     merger.finish()                 empties the pages: the shards may turn again
//     merger.take_retirements(shard)  rows that the shard is to forget
//
// What the agent tells of itself (self_metrics/own_series.h) is one page more, which is read
// first: its points are the first of their columns, and stay there (Snapshot::own). No limit
// refuses its series, and none expires.
//
// Shards hold the same series in rows of their own; a row is bound to a series id at its
// birth, so merging is one array look-up per touched row. Nothing here depends on which
// shard saw what, except where the order of writes matters: a gauge takes the value that
// was set last by the steady clock of the receive batches. Moves of a gauge (`+5|g`) on a
// shard that did not set it in the interval count after that value, even if they came
// before it: a shard keeps the sum of its moves, not their times.
//
// Memory
// ------
// What several shards saw of a timer or a set is merged where it is, in the page of one of
// them, and out of the memory for values of that page (page.h), a part of which is kept for
// this. Where it is used up, what another shard saw counts in the overflow series of the
// name. Totals since birth have a budget of their own; beyond it a timer that would need
// one is folded when it is born, as if there were too many series.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/aggregate/additions.h"
#include "agent/aggregate/canonical.h"
#include "agent/aggregate/handover.h"
#include "agent/aggregate/page.h"
#include "agent/aggregate/timer_cell.h"
#include "agent/flush/made_gauge.h"
#include "agent/flush/series_registry.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// Which interval, and how long it really was.
struct Interval {
    std::uint64_t sequence = 0;
    std::int64_t start_unix_ns = 0;
    std::int64_t end_unix_ns = 0;
    double elapsed_s = 0;
};

struct MergerSettings {
    std::size_t shards = 1;
    std::uint32_t series_max = 1'000'000;
    std::uint64_t key_seed = 0;
    protocol::HistogramShape histogram;
    // Of the totals that wants_total asks for; may be passed by half of it.
    std::uint64_t total_bytes_max = 512ULL << 20U;
    // Intervals without news after which a series is forgotten, by Kind; 0: never.
    std::array<std::uint32_t, protocol::kind_count> expiry_intervals{};
    // For so many intervals without news a counter stands still, and is told as 0; below 65536.
    std::uint32_t zero_intervals = 0;
    // Asked of each timer, histogram or distribution, at its birth: does some sink read
    // TimerPoint::total? It costs a histogram for life.
    std::function<bool(const protocol::Series&)> wants_total;
    // TimerPoint::quantiles: in (0, 1], ascending.
    std::vector<double> quantiles = {};
    // Of gauges that are made here: what tells this host from others.
    std::vector<std::pair<std::string, std::string>> constant_tags = {};
};

class Merger {
public:
    explicit Merger(MergerSettings settings);

    // `pages`: one per shard, by shard number; one whose page is null did not answer. What
    // is folded here is counted in the pages, so their counts are read after it (and before
    // finish()). `own`: what the agent tells of itself; in every merge from the first one on,
    // or in none.
    const protocol::Snapshot& merge(std::span<const ShardPage> pages, const Interval& interval,
                                    const ShardPage& own = {});
    // Between merge() and finish(), once at most: gauges that were made of what came in
    // (derived series). Each is there in the intervals that it is given in, and gone in
    // others; no limit refuses it. One that a client has a series of the same name and tags
    // for, or whose name and tags are too long, is left out and counted.
    const protocol::Snapshot& add(std::span<const MadeGauge> gauges);
    std::uint64_t made_refused() const noexcept { return made_refused_; }
    void finish();

    Retirements take_retirements(std::size_t shard);

    std::size_t series() const noexcept { return registry_.size(); }
    // Any thread: SeriesRegistry::each().
    void each_series(const std::function<void(const protocol::Series&)>& visit) const {
        registry_.each(visit);
    }
    std::size_t expired_total() const noexcept { return expired_total_; }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    // Of a turn, what a row keeps: enough for decades of intervals of a second.
    static constexpr unsigned turn_bits = 30;
    static constexpr std::uint32_t turn_mask = (std::uint32_t{1} << turn_bits) - 1;
    // A shard's row, seen from here.
    struct BoundRow {
        protocol::SeriesId id = none;
        std::uint32_t last_turn : turn_bits = 0;  // of the last news
        bool retiring : 1 = false;
        bool is_folded : 1 = false;  // into an overflow series, at birth
    };
    static_assert(sizeof(BoundRow) == 8, "there is one for each row of each shard");
    struct BoundShard {
        std::vector<BoundRow> rows;
        std::size_t sweep_at = 0;
        Retirements retirements;
    };
    // A set of the interval: an index in the page's pool.
    struct PlacedSet {
        Page* page = nullptr;
        std::uint32_t place = 0;

        protocol::UniqueCount& members() const { return page->sets[place]; }
    };
    struct GaugeMerge {
        const GaugeCell* last_set = nullptr;  // in the page of a shard; null: it was only moved
        double moved = 0;
    };

    void forget_last_interval();
    void view_columns();
    // None: it cannot be had.
    std::optional<protocol::SeriesId> made_series(const MadeGauge& gauge);
    void read_own(const ShardPage& from);
    void bind(BoundShard& shard, const Birth& birth, const SeriesRegistry::Resolved& resolved,
              std::uint32_t turn);
    void bind_births(BoundShard& shard, const ShardPage& from);
    void read_touched(BoundShard& shard, const ShardPage& from);
    // False, with nothing read, when there is no memory for the values.
    [[nodiscard]] bool read_cell(protocol::SeriesId id, RowId row, std::uint64_t cell, Page& page,
                                 Memory memory);
    void read_gauge(protocol::SeriesId id, const GaugeCell& seen);
    SeriesRegistry::Resolved resolve(const Birth& birth);
    protocol::SeriesId overflow_of(protocol::SeriesId id);
    // Marks a point as one with news; true if it is the first of this interval.
    bool note(protocol::SeriesId id, bool& updated);
    void release_retired(BoundShard& shard, const ShardPage& from);
    void add_point(protocol::SeriesId id);
    void drop_point(protocol::SeriesId id);
    void settle_counters();
    void settle_gauges();
    void settle_timers();
    void settle_sets();
    protocol::DistributionView view_of(PlacedTimer& timer);
    void sweep(BoundShard& shard, const ShardPage& from);
    std::uint32_t& slot_of(protocol::SeriesId id) { return slots_[id]; }

    MergerSettings settings_;
    SeriesRegistry registry_;
    std::vector<BoundShard> shards_;
    BoundShard own_;
    protocol::OwnPoints own_points_;
    std::vector<std::uint32_t> slots_;      // by SeriesId: index of its point
    std::vector<std::uint32_t> live_rows_;  // by SeriesId
    std::size_t expired_total_ = 0;

    std::vector<protocol::CounterPoint> counters_;
    std::vector<protocol::GaugePoint> gauges_;
    std::vector<protocol::TimerPoint> timers_;
    std::vector<protocol::SetPoint> sets_;
    MemoryMeter total_memory_;
    std::size_t totals_ = 0;                                             // how many there are
    std::vector<std::unique_ptr<protocol::Distribution>> timer_totals_;  // beside timers_
    // Overflow series made by the merge itself, for rows that have series of their own. No
    // row keeps them, so they stay.
    std::vector<bool> kept_;  // by SeriesId
    // Made gauges, and the interval in which each was given last.
    std::unordered_map<protocol::SeriesId, std::uint64_t> made_;
    std::uint64_t made_refused_ = 0;
    Adder adder_;
    Canonicalizer canonicalizer_;

    // Of the present interval.
    std::vector<protocol::SeriesId> updated_;
    std::vector<GaugeMerge> gauge_merges_;   // beside gauges_
    std::vector<PlacedTimer> timer_merges_;  // beside timers_
    std::vector<PlacedSet> set_merges_;      // beside sets_
    std::vector<double> quantiles_;          // of the timers with news
    std::vector<std::pair<double, double>> sort_scratch_;
    std::vector<protocol::TimedPoint> timed_;
    std::vector<protocol::Event> events_;
    std::vector<protocol::ServiceCheck> service_checks_;
    std::vector<ShardPage> pages_;  // of the shards, and behind them the agent's own
    protocol::Snapshot snapshot_;
};

}  // namespace pitot::agent
