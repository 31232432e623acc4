// One interval, merged over all shards: what sinks and alert rules read.
//
// A Snapshot is a view on the columns of the flush (agent/flush). It is valid during the
// call that it is handed to, on the flush thread, and must not be kept: a sink encodes
// what it needs into bytes of its own and returns.
//
// Every series that is alive has a point in each Snapshot, so that destinations which
// hold state (Pushgateway, /metrics) can repeat it; `updated` tells which ones have news
// in this interval. Both views are there, and no sink rebuilds one from the other: the
// delta of the interval, and the total since the series was born.
//
// Destinations that get what came in an interval get the points that are told(): those with
// news, and for a while counters that stand still, as 0. A graph falls to zero then, where it
// would end, and a mean over time is one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/distribution.h"
#include "protocol/event.h"
#include "protocol/reject.h"
#include "protocol/sample.h"
#include "protocol/series.h"
#include "protocol/unique_count.h"

namespace pitot::protocol {

struct CounterPoint {
    SeriesId id = 0;
    bool updated = false;
    bool stands_still = false;  // no news, and had some lately
    std::uint16_t silent = 0;   // intervals since the last news, up to 65535
    double delta = 0;           // weighted by sample rate; 0 when not updated
    double total = 0;           // since birth

    bool told() const { return updated || stands_still; }
};

struct GaugePoint {
    SeriesId id = 0;
    bool updated = false;
    double value = 0;  // the last one

    bool told() const { return updated; }
};

// Timers, histograms and distributions.
struct TimerPoint {
    SeriesId id = 0;
    bool updated = false;
    DistributionView values;              // of this interval; empty when not updated
    double total_count = 0;               // since birth
    double total_sum = 0;                 // of values.total_sum()
    const Distribution* total = nullptr;  // since birth; null unless some sink asked for it
    // values.quantile() of each of Snapshot::quantile_ranks, worked out once for all sinks;
    // empty when not updated.
    std::span<const double> quantiles = {};

    bool told() const { return updated; }
};

struct SetPoint {
    SeriesId id = 0;
    bool updated = false;
    double unique = 0;  // members seen in this interval; 0 when not updated
    bool is_exact = true;
    // What `unique` counts, for unions over series and intervals; null when not updated.
    const UniqueCount* members = nullptr;

    bool told() const { return updated; }
};

// A counter or gauge sample with a time of its own (`|T`): past aggregation.
struct TimedPoint {
    std::string_view name;
    std::span<const Tag> tags;  // sorted, without duplicates
    Kind kind = Kind::counter;
    std::int64_t timestamp_s = 0;
    double value = 0;  // of a counter: weighted by sample rate
};

// How many points at the begin of these columns are those of the agent's own metrics. They
// stay where they are for the life of the process; the other columns have none.
struct OwnPoints {
    std::size_t counters = 0;
    std::size_t gauges = 0;
    std::size_t timers = 0;
};

struct Snapshot {
    std::uint64_t sequence = 0;      // 1, 2, 3, … in this process
    std::int64_t start_unix_ns = 0;  // wall clock, aligned to the interval, as is the end
    std::int64_t end_unix_ns = 0;
    double elapsed_s = 0;  // measured by the steady clock: divide by this for rates

    // Of the configuration: in (0, 1], ascending. May be none, and then points have none.
    std::span<const double> quantile_ranks;

    std::span<const Series> series;  // by SeriesId; look at `birth` for holes
    std::span<const CounterPoint> counters;
    std::span<const GaugePoint> gauges;
    std::span<const TimerPoint> timers;
    std::span<const SetPoint> sets;
    std::span<const TimedPoint> timed;
    std::span<const Event> events;
    std::span<const ServiceCheck> service_checks;

    // Lines refused in this interval, by reason.
    std::array<std::uint64_t, reject_count> rejected{};
    OwnPoints own;

    // The same interval without the agent's own metrics: what came in and nothing else.
    Snapshot without_own() const {
        Snapshot rest = *this;
        rest.counters = counters.subspan(own.counters);
        rest.gauges = gauges.subspan(own.gauges);
        rest.timers = timers.subspan(own.timers);
        rest.own = {};
        return rest;
    }

    // Points a sink is answerable for: it delivers, queues, skips or loses each of them.
    std::size_t points() const {
        return counters.size() + gauges.size() + timers.size() + sets.size() + timed.size() +
               events.size() + service_checks.size();
    }
};

}  // namespace pitot::protocol
