// What became of the points a sink was answerable for, and how the sink is.
//
// Every point of every Snapshot is in exactly one place:
//
//   offered = delivered + queued + in_flight + superseded + Σ lost + Σ skipped
//
// which Ledger::closed() checks, and the compliance test after every scenario. The agent
// copies SinkStatus out from any thread (status page, self metrics, tests).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sinks/recent_times.h"

namespace pitot::sinks {

// Data the operator wanted and did not get.
enum class LossReason : std::uint8_t {
    queue_full,      // the destination was away or slow for longer than the queue is deep
    too_old,         // waited longer than the age limit
    rejected,        // the destination refused the item for good
    too_large,       // one item alone is more than the destination takes
    name_clash,      // two series would be one in the destination: the younger is kept back
    quarantined,     // refused before, not offered again for a while
    negative_delta,  // a counter went down where counters only go up
    shutdown,        // not delivered before the deadline of the stop
};
inline constexpr std::size_t loss_reason_count = 8;

// Points the destination has no place for, or no use for.
enum class SkipReason : std::uint8_t {
    idle,           // no news in the interval, and the destination takes news only
    event,          // no place for events
    service_check,  // no place for service checks
    own_time,       // no place for a sample with a time of its own
};
inline constexpr std::size_t skip_reason_count = 4;

// As they stand in metrics and logs: "queue_full", "own_time".
std::string_view to_string(LossReason reason) noexcept;
std::string_view to_string(SkipReason reason) noexcept;

// Points by reason; the index is the enumerator.
struct Losses {
    std::array<std::uint64_t, loss_reason_count> points{};

    std::uint64_t& operator[](LossReason reason) { return points[std::to_underlying(reason)]; }
    std::uint64_t operator[](LossReason reason) const { return points[std::to_underlying(reason)]; }
    std::uint64_t sum() const;
    void add(const Losses& other);
};

struct Skips {
    std::array<std::uint64_t, skip_reason_count> points{};

    std::uint64_t& operator[](SkipReason reason) { return points[std::to_underlying(reason)]; }
    std::uint64_t operator[](SkipReason reason) const { return points[std::to_underlying(reason)]; }
    std::uint64_t sum() const;
    void add(const Skips& other);
};

// In points, since the sink was made.
struct Ledger {
    std::uint64_t offered = 0;
    std::uint64_t delivered = 0;   // the destination said that it has them
    std::uint64_t queued = 0;      // waiting, for their turn or for the next attempt
    std::uint64_t in_flight = 0;   // in the attempt that is under way
    std::uint64_t superseded = 0;  // state that a newer state replaced before it was sent
    Losses lost;
    Skips skipped;

    bool closed() const {
        return offered == delivered + queued + in_flight + superseded + lost.sum() + skipped.sum();
    }
};

enum class SinkState : std::uint8_t {
    idle,       // nothing was sent yet
    working,    // the last attempt succeeded
    retrying,   // the last attempt failed; the next one comes after a back-off
    throttled,  // the destination asked for time
    held,       // refused for a reason only the operator can mend: credentials, URL
    stopped,    // drained; nothing is sent any more
};

// "idle", "working", …
std::string_view to_string(SinkState state) noexcept;

struct SinkStatus {
    Ledger ledger;
    SinkState state = SinkState::idle;
    std::int64_t since_unix_ns = 0;         // the state began
    std::int64_t last_success_unix_ns = 0;  // 0: never
    std::string last_error;                 // "" when there was none
    std::int64_t last_error_unix_ns = 0;
    std::uint32_t failures_in_a_row = 0;
    std::uint64_t attempts = 0;
    std::int64_t next_attempt_unix_ns = 0;  // 0: none is waited for
    std::size_t queued_batches = 0;
    std::size_t queued_bytes = 0;
    double queue_used = 0;              // the share of its room, 0 to 1
    std::uint64_t delivered_bytes = 0;  // bodies as encoded, before any compression
    RecentTimes encodings;              // of one Snapshot each
    RecentTimes attempts_taken;         // from the attempt's begin to its Outcome
};

}  // namespace pitot::sinks
