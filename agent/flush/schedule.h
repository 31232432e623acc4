// When intervals end, and what they are called.
//
// Intervals are aligned to the wall clock, so that all hosts cut at the same moments (plus
// an offset of each host's own), and measured by the steady clock, so that a rate is right
// whatever happens to the wall clock.
//
// An interval aims at a boundary. It ends there if the wall clock is within half an interval
// of it when the interval is closed, so that the small steps and slews of a clock under
// discipline, and the time between two readings, mislabel nothing. After a larger step
// back ends do not follow: they creep on by a millisecond each until the wall clock has
// caught up, because no destination takes a point before its last one, and none should get
// one of the future.
//
// Pure: times come in, times go out. The flusher waits.
#pragma once

#include <cstdint>

#include "agent/flush/merger.h"

namespace pitot::agent {

class FlushSchedule {
public:
    // `interval_ns` > 0; 0 ≤ offset_ns < interval_ns. Opens the first interval, which ends
    // at the next boundary and so is shorter than the others.
    FlushSchedule(std::int64_t interval_ns, std::int64_t offset_ns, std::int64_t wall_ns,
                  std::int64_t steady_ns);

    // The end of the open interval.
    std::int64_t due_steady_ns() const noexcept { return due_steady_ns_; }

    struct Closed {
        Interval interval;
        std::int64_t late_ns = 0;        // after the due moment; 0 when before it
        std::int64_t clock_step_ns = 0;  // how far the wall clock went off the steady one
    };
    // Closes the open interval and opens the next. Before the due moment only at the end of
    // the process: the interval then ends now.
    Closed close(std::int64_t wall_ns, std::int64_t steady_ns);

private:
    void open(std::int64_t start_unix_ns, std::int64_t wall_ns, std::int64_t steady_ns);
    bool is_near(std::int64_t boundary_unix_ns, std::int64_t wall_ns) const noexcept;
    std::int64_t boundary_at_or_before(std::int64_t wall_ns) const noexcept;

    const std::int64_t interval_ns_;
    const std::int64_t offset_ns_;

    std::uint64_t sequence_ = 0;
    std::int64_t start_unix_ns_ = 0;
    std::int64_t aim_unix_ns_ = 0;  // the boundary at which the open interval is to end
    std::int64_t opened_wall_ns_ = 0;
    std::int64_t opened_steady_ns_ = 0;
    std::int64_t due_steady_ns_ = 0;
};

}  // namespace pitot::agent
