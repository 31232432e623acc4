// Tells of the agent itself, once per flush, as series like all others: so every sink shows
// them, and no sink knows of them.
//
//     SelfMetrics own(settings, {.listeners = …, .sinks = …}, started_unix_ns);
//     merger.merge(turn.pages, interval, own.look(ledger));       // each flush
//
// The catalogue (catalogue.h) says what is told; here it is multiplied by listeners, sinks,
// rules, channels and reasons, once, and followed: a counter gets what its sum has grown by since
// the last look, so that totals in every destination are the ledger's; a gauge gets its value each
// time; a timer the durations that are new.
//
// All counters exist from the first interval on, with zero: who computes a rate needs the
// value before the first increase. Later a counter that stands still is no news: what holds
// the state (a Pushgateway, /metrics) repeats it, what takes news is spared it.
//
// What is told of flush and sinks is as of the flush before, for this one is not over. Used by
// the flusher, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/aggregate/handover.h"
#include "agent/clock.h"
#include "agent/self_metrics/catalogue.h"
#include "agent/self_metrics/own_series.h"

namespace pitot::agent {

struct SelfMetricsSettings {
    std::string prefix = "pitot";  // before each name, with a '.'
    // To every series: what tells this host from others. The catalogue's own keys win.
    std::vector<std::pair<std::string, std::string>> tags = {};
    std::function<ProcessUsage()> usage = read_process_usage;
};

// What there is one series of each for; in the order of the ledger.
struct OwnParts {
    std::span<const std::string> listeners = {};
    std::span<const std::string> sinks = {};
    std::span<const std::string> rules = {};
    std::span<const std::string> channels = {};
};

class SelfMetrics {
public:
    SelfMetrics(SelfMetricsSettings settings, const OwnParts& parts, std::int64_t started_unix_ns);

    // What is new since the last look, for one Merger::merge(). `now` has the parts in the
    // order of their names, and what this turn has brought.
    ShardPage look(const Ledger& now);

private:
    // One series of the catalogue.
    struct Told {
        const OwnMetric* metric = nullptr;
        std::size_t part = 0;    // which listener, sink, rule or channel
        std::size_t reason = 0;  //
        RowId row = 0;
        double sum = 0;           // of a counter, as last told
        std::uint64_t times = 0;  // of a sink's timer, likewise
        bool is_new = true;
    };

    class Namer;
    struct Reader;

    void tell_value(Told& told, double value);
    void tell_time(const Told& told, std::int64_t ns);
    void tell_times(Told& told, const sinks::RecentTimes& times);

    const SelfMetricsSettings settings_;
    const std::int64_t started_unix_ns_;
    OwnSeries series_;
    std::vector<Told> told_;
};

}  // namespace pitot::agent
