// What the flush tells of an interval to whoever wants to know how the agent is: the status
// page, the health rules.
//
// Made by IntervalRecorder on the flush thread, once per flush, and never changed afterwards:
// readers on other threads share it and hold up nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/aggregate/page.h"
#include "agent/ledger.h"
#include "agent/net/listener_counters.h"
#include "protocol/reject.h"
#include "protocol/sample.h"

namespace pitot::agent {

// A metric name, over all of its tag sets.
struct BusyName {
    std::string name;
    protocol::Kind kind{};
    // What came in the interval: how much counters moved, values of timers, members of sets,
    // gauges that were set.
    double count = 0;
    std::size_t series = 0;  // with news
};

struct RefusedLine {
    protocol::Reject reason{};
    std::string line;    // its beginning, as it was sent
    std::string sender;  // as Peer::to_string() tells it
    std::int64_t seen_unix_ns = 0;
};

struct IntervalStatus {
    std::uint64_t sequence = 0;
    std::int64_t start_unix_ns = 0;
    std::int64_t end_unix_ns = 0;
    double elapsed_s = 0;

    std::int64_t late_ns = 0;  // the flush began so long after its moment
    std::int64_t took_ns = 0;

    // Since the start, as of this flush; the sinks as they were when they had been fed.
    Ledger total;
    // Of this interval.
    IntakeCounts counts;
    // The others as of the flush before.
    std::vector<ListenerCounters> listeners_before;
    std::vector<sinks::SinkStatus> sinks_before;
    std::vector<bool> shard_answered;  // by shard: its page came in time

    std::vector<BusyName> busiest;      // the busiest first
    std::vector<RefusedLine> refused;   // of this interval and before, the newest first
    std::vector<Culprit> overflowing;   // names that last passed a limit, the worst first
    std::int64_t overflow_unix_ns = 0;  // when that was; 0: never
};

// Where the flush is.
struct FlushProgress {
    std::shared_ptr<const IntervalStatus> last;  // null before the first one has ended
    std::int64_t due_steady_ns = 0;              // when the next one is to begin, or was
    std::int64_t begun_steady_ns = 0;            // that of the one under way; 0: none is
};

}  // namespace pitot::agent
