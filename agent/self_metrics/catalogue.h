// Everything that the agent tells of itself: one table of names, kinds, units and meanings,
// and of the place that each value is read from.
//
// There is no second list. What is emitted is this table (self_metrics.h goes through it),
// what no client may use are its names (own_names()), and the page in agent/README.md is
// compared with it by a test, as is what really leaves the process.
//
// Names are in the manner of StatsD, with the unit last where it is not plain; times are
// timers, in milliseconds. From there every destination makes its own convention, as it does
// for clients: Prometheus has `pitot_lines_total` and `pitot_flush_duration_seconds`.
//
// The number of series is bounded by the configuration: no tag has a value that comes from
// outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/alerts/alerts_view.h"
#include "agent/alerts/channels/channel.h"
#include "agent/ledger.h"
#include "agent/net/listener_counters.h"
#include "agent/self_metrics/process_usage.h"
#include "protocol/sample.h"
#include "sinks/ledger.h"

namespace pitot::agent {

// What is looked at, once per flush: after the shards have turned their pages and before
// these are merged.
struct Observed {
    // With what this turn has brought. Of the flush, duration_ns_last is the one before's.
    const Ledger& ledger;
    ProcessUsage process;
    std::int64_t started_unix_ns = 0;  // the process
};

// Where a value is read, which also says what tags the metric has. Values of counters are
// sums since the start, whole numbers or not.

struct OfProcess {  // no tag
    double (*read)(const Observed&);
};
struct OfBuild {  // version: always 1
};
struct OfListener {  // listener
    double (*read)(const ListenerCounters&);
};
struct OfSink {  // sink
    double (*read)(const sinks::SinkStatus&);
};
// The enumerators first … last - 1 of a closed set, and how they are called.
struct Reasons {
    std::size_t first = 0;
    std::size_t last = 0;
    std::string_view (*name)(std::size_t reason) = nullptr;
};
struct OfProcessByReason {  // reason
    Reasons reasons;
    double (*read)(const Observed&, std::size_t reason);
};
struct OfSinkByReason {  // sink, reason
    Reasons reasons;
    double (*read)(const sinks::SinkStatus&, std::size_t reason);
};
struct TimeOfFlush {  // no tag; one value each flush, negative when there is none yet
    std::int64_t (*read_ns)(const FlushCounts&);
};
struct TimesOfSink {  // sink
    const sinks::RecentTimes& (*read)(const sinks::SinkStatus&);
};
struct OfRule {  // alert
    double (*read)(const alerts::AlertCounts::OfRule&);
};
struct OfChannel {  // channel
    double (*read)(const alerts::channels::ChannelStatus&);
};
struct OfChannelByReason {  // channel, reason
    Reasons reasons;
    double (*read)(const alerts::channels::ChannelStatus&, std::size_t reason);
};
using OwnReader =
    std::variant<OfProcess, OfBuild, OfListener, OfSink, OfProcessByReason, OfSinkByReason,
                 TimeOfFlush, TimesOfSink, OfRule, OfChannel, OfChannelByReason>;

struct OwnMetric {
    std::string_view name;  // behind the prefix: "lines" for "pitot.lines"
    protocol::Kind kind{};  // counter, gauge or timer
    std::string_view unit;
    std::string_view meaning;  // a sentence for the operator, without full stop
    OwnReader reader;
};

std::span<const OwnMetric> own_metrics();

// The keys of its tags, besides the constant ones: "", "listener", "sink, reason", ….
std::string_view tag_keys(const OwnMetric& metric);

// With the prefix and a '.', sorted.
std::vector<std::string> own_names(std::string_view prefix);

}  // namespace pitot::agent
