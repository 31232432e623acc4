#include "sinks/ledger.h"

#include <numeric>

namespace pitot::sinks {

std::string_view to_string(LossReason reason) noexcept {
    constexpr std::array<std::string_view, loss_reason_count> names{
        "queue_full", "too_old",     "rejected",       "too_large",
        "name_clash", "quarantined", "negative_delta", "shutdown"};
    return names[std::to_underlying(reason)];
}

std::string_view to_string(SkipReason reason) noexcept {
    constexpr std::array<std::string_view, skip_reason_count> names{"idle", "event",
                                                                    "service_check", "own_time"};
    return names[std::to_underlying(reason)];
}

std::string_view to_string(SinkState state) noexcept {
    constexpr std::array<std::string_view, 6> names{"idle",      "working", "retrying",
                                                    "throttled", "held",    "stopped"};
    return names[std::to_underlying(state)];
}

std::uint64_t Losses::sum() const {
    return std::accumulate(points.begin(), points.end(), std::uint64_t{0});
}

void Losses::add(const Losses& other) {
    for (std::size_t i = 0; i < points.size(); ++i) points[i] += other.points[i];
}

std::uint64_t Skips::sum() const {
    return std::accumulate(points.begin(), points.end(), std::uint64_t{0});
}

void Skips::add(const Skips& other) {
    for (std::size_t i = 0; i < points.size(); ++i) points[i] += other.points[i];
}

}  // namespace pitot::sinks
