// Tells the operator, in the log, what intake lost or refused: rarely, and with an example.
//
// Each kind of trouble has one message, at most once in a while; what happens meanwhile is
// counted and told with the next one. No sender can make the log grow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/flush/merger.h"
#include "agent/shard_set.h"
#include "protocol/reject.h"
#include "protocol/snapshot.h"

namespace spdlog {
class logger;
}

namespace pitot::agent {

// Kinds of trouble that a listener's sockets count (ListenerCounters).
inline constexpr std::size_t listener_trouble_count = 5;

class IntakeReport {
public:
    // `listener_names` and `log` outlive the report.
    IntakeReport(const std::vector<std::string>& listener_names, spdlog::logger& log);

    // Once per flush, before the pages are emptied.
    void interval(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot,
                  const Interval& interval);

private:
    // Speaks at once, then holds its tongue for a while.
    struct Voice {
        std::uint64_t untold = 0;  // what happened since the last message
        std::int64_t quiet_until_unix_ns = 0;

        bool may_speak(std::uint64_t news, std::int64_t now_unix_ns);
    };

    void tell_refused(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot);
    void tell_overflow(const ShardSet::Turn& turn, const Interval& interval);
    void tell_listeners(const ShardSet::Turn& turn, const Interval& interval);

    const std::vector<std::string>& listener_names_;
    spdlog::logger& log_;
    std::array<Voice, protocol::reject_count> refused_;
    std::array<Voice, limited_count> limited_;
    struct OfListener {
        std::array<Voice, listener_trouble_count> voices;
        ListenerCounters last;
    };
    std::vector<OfListener> listeners_;
};

}  // namespace pitot::agent
