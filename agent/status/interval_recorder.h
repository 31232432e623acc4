// Keeps what the status page and the health rules want to know of each interval.
//
// The flush calls begin(), collect() and publish() in each flush; what is published is an
// IntervalStatus of its own, so that nobody who reads it holds up the flush, and the flush
// holds up nobody. Where the flush is (progress()) can be read at any time: also while it is
// stuck.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/flush/merger.h"
#include "agent/shard_set.h"
#include "agent/status/busiest_names.h"
#include "agent/status/interval_status.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// Refused lines kept of each reason, so that one kind of trouble does not hide another.
inline constexpr std::size_t refused_lines_per_reason = 3;

class IntervalRecorder {
public:
    // `due_steady_ns`: when the first flush is to begin.
    explicit IntervalRecorder(std::int64_t due_steady_ns) : due_steady_ns_(due_steady_ns) {}

    // The flush thread, in this order.
    void begin(std::int64_t now_steady_ns);
    // While the pages of the turn and the snapshot are there.
    void collect(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot);
    struct Ended {
        Interval interval;
        std::int64_t late_ns = 0;
        std::int64_t took_ns = 0;
        std::int64_t next_due_steady_ns = 0;
    };
    // `total`: its sinks too.
    void publish(Ledger total, const Ended& ended);

    // Any thread.
    FlushProgress progress() const;

private:
    void keep_refused(const ShardSet::Turn& turn, std::int64_t now_unix_ns);
    void keep_overflowing(const ShardSet::Turn& turn, std::int64_t now_unix_ns);

    // Of the flush thread.
    BusiestNames names_;
    std::unique_ptr<IntervalStatus> made_;  // between collect() and publish()
    std::vector<RefusedLine> refused_;      // newest first
    std::vector<Culprit> overflowing_;
    std::int64_t overflow_unix_ns_ = 0;

    mutable std::mutex mutex_;
    std::shared_ptr<const IntervalStatus> last_;  // guarded by mutex_, and so are these
    std::int64_t due_steady_ns_;
    std::int64_t begun_steady_ns_ = 0;
};

}  // namespace pitot::agent
