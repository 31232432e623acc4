// The account of everything that came in and went out, since the process started.
//
//     datagrams = received + kernel drops      lines   = accepted + Σ rejected(reason)
//     samples = aggregated + Σ dropped(reason) points  = delivered + queued + Σ lost(reason)
//
// The flush adds up what the shards counted; closed() tells whether the equations hold,
// which they must at every moment at which all shards have turned their page. Written by
// the flush, read by whoever it hands a copy to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/aggregate/page.h"
#include "agent/alerts/alerts_view.h"
#include "agent/alerts/channels/channel.h"
#include "agent/net/listener_counters.h"
#include "sinks/ledger.h"

namespace pitot::agent {

struct FlushCounts {
    std::uint64_t flushes = 0;
    std::uint64_t late = 0;             // flushes that began after their moment
    std::uint64_t silent_shards = 0;    // pages that did not come in time; they come later
    std::int64_t duration_ns_last = 0;  // turn, merge, encoding and alerts
    std::int64_t duration_ns_max = 0;
    std::int64_t turn_ns_last = 0;  // asking all shards for their page, until the last answer
    std::int64_t turn_ns_max = 0;
    std::int64_t stall_ns_max = 0;  // of it, for which a shard could not read its sockets
    std::int64_t late_ns_last = 0;
    std::int64_t late_ns_max = 0;
    std::int64_t alerts_ns_last = -1;  // evaluating the rules; -1: there were none yet
};

struct Ledger {
    struct Listener {
        std::string name;
        ListenerCounters counters;
    };
    struct Sink {
        std::string name;
        std::string type;
        sinks::SinkStatus status;
    };

    // Of alerts (agent/alerts/channels).
    struct Channel {
        std::string name;
        std::string type;
        alerts::channels::ChannelStatus status;
        std::string file_problem;  // of its queue file; "" if all is well
    };

    std::vector<Listener> listeners;
    IntakeCounts intake;
    FlushCounts flush;
    std::vector<Sink> sinks;
    std::vector<Channel> channels;
    std::size_t series = 0;       // alive, of the process; without the agent's own
    std::size_t series_rows = 0;  // over all shards
    std::size_t table_bytes = 0;  // names, tags and rows, over all shards
    std::size_t value_bytes = 0;  // values of the last interval, over all shards
    std::uint64_t series_expired = 0;
    alerts::AlertCounts alerts;  // as of now, as the sinks are

    bool closed() const;
};

// The points of a sink that its destination was to get: those that a newer state replaced, or that
// have no place there, are not missed by anybody.
std::uint64_t to_be_delivered(const sinks::Ledger& points);

// One JSON object on one line; the names are those of the reasons.
std::string to_json(const Ledger& ledger);

}  // namespace pitot::agent
