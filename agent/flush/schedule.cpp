#include "agent/flush/schedule.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace pitot::agent {
namespace {

// The least by which one end is after the other.
constexpr std::int64_t step_ns_min = 1'000'000;

}  // namespace

FlushSchedule::FlushSchedule(std::int64_t interval_ns, std::int64_t offset_ns, std::int64_t wall_ns,
                             std::int64_t steady_ns)
    : interval_ns_(interval_ns), offset_ns_(offset_ns) {
    assert(interval_ns > 0 && offset_ns >= 0 && offset_ns < interval_ns);
    open(wall_ns, wall_ns, steady_ns);
}

std::int64_t FlushSchedule::boundary_at_or_before(std::int64_t wall_ns) const noexcept {
    const std::int64_t since_offset = wall_ns - offset_ns_;
    std::int64_t intervals = since_offset / interval_ns_;
    if (since_offset % interval_ns_ < 0) --intervals;
    return intervals * interval_ns_ + offset_ns_;
}

void FlushSchedule::open(std::int64_t start_unix_ns, std::int64_t wall_ns, std::int64_t steady_ns) {
    ++sequence_;
    start_unix_ns_ = start_unix_ns;
    opened_wall_ns_ = wall_ns;
    opened_steady_ns_ = steady_ns;
    // Shortly before a boundary that has ended an interval already, the next one is meant.
    const bool is_early = wall_ns < start_unix_ns && is_near(start_unix_ns, wall_ns);
    aim_unix_ns_ = boundary_at_or_before(is_early ? start_unix_ns : wall_ns) + interval_ns_;
    due_steady_ns_ = steady_ns + aim_unix_ns_ - wall_ns;
}

bool FlushSchedule::is_near(std::int64_t boundary_unix_ns, std::int64_t wall_ns) const noexcept {
    return std::abs(wall_ns - boundary_unix_ns) < interval_ns_ / 2;
}

FlushSchedule::Closed FlushSchedule::close(std::int64_t wall_ns, std::int64_t steady_ns) {
    const bool ahead_of_time = steady_ns < due_steady_ns_;
    const std::int64_t boundary =
        is_near(aim_unix_ns_, wall_ns) ? aim_unix_ns_ : boundary_at_or_before(wall_ns);
    const std::int64_t end =
        std::max(ahead_of_time ? wall_ns : boundary, start_unix_ns_ + step_ns_min);
    const std::int64_t elapsed_ns = std::max<std::int64_t>(1, steady_ns - opened_steady_ns_);
    const Closed closed{.interval = {.sequence = sequence_,
                                     .start_unix_ns = start_unix_ns_,
                                     .end_unix_ns = end,
                                     .elapsed_s = static_cast<double>(elapsed_ns) / 1e9},
                        .late_ns = std::max<std::int64_t>(0, steady_ns - due_steady_ns_),
                        .clock_step_ns = (wall_ns - opened_wall_ns_) - elapsed_ns};
    open(end, wall_ns, steady_ns);
    return closed;
}

}  // namespace pitot::agent
