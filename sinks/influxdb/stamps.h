// The timestamps of points: fixed at encode, and never the same for two points of one key.
//
// InfluxDB knows a point by key and timestamp; a second one overwrites the first. That makes
// a repeated send harmless, and three things dangerous, which are settled here:
//
//   * Intervals of less than a unit of the precision, or a stop in the middle of one: the end
//     of an interval is rounded up, and each is after the one before.
//   * Samples with a time of their own (`|T`, whole seconds) that come in two intervals for
//     one second: they are put at that second plus an offset that the interval decides, so
//     that sums over time are right.
//   * Such samples beside the points of intervals: the two kinds never share a timestamp,
//     because ends of intervals are put on a coarser grid, and the offsets beside it.
//
//                 ends of intervals   offsets within a second   one offset comes back after
//     ns          whole microseconds  999,000,000               11.5 days
//     ms          tens of ms          887                       887 intervals, or a multiple
//     s           whole seconds       none                      -
//
// With a precision of seconds two intervals cannot be told apart within one: the encoder has
// no place for counters with a time of their own then.
//
// Pure, apart from remembering the last timestamp. It does not know of a process before this
// one: with coarse precision, a restart within one unit may overwrite the last point.
#pragma once

#include <cstdint>

namespace pitot::sinks::influxdb {

enum class Precision : std::uint8_t { nanoseconds, milliseconds, seconds };

// The latest second that fits into 64 bits of nanoseconds, which is how servers keep time.
inline constexpr std::int64_t own_time_s_max = 9'223'372'035;

class Stamps {
public:
    explicit Stamps(Precision precision);

    // Begins the interval that ends then; ends ascend. Timestamps are in units of the
    // precision from here on.
    void begin(std::int64_t end_unix_ns);

    // Of everything aggregated in the interval.
    std::int64_t interval() const { return interval_; }
    // The interval's timestamp is this far in the future of its end: intervals are shorter
    // than the precision can tell.
    bool runs_ahead() const { return runs_ahead_; }

    // Of a sample with its own time, at most own_time_s_max.
    std::int64_t own(std::int64_t timestamp_s) const { return timestamp_s * per_second_ + offset_; }
    // Whether two intervals have different own() for one second.
    bool tells_intervals_apart() const { return precision_ != Precision::seconds; }

    // Of something that happened in the interval: the first at its end, each further one a
    // unit later, over all intervals.
    std::int64_t next_event();

private:
    Precision precision_;
    std::int64_t unit_ns_;
    std::int64_t per_second_;
    std::int64_t grid_;  // in units
    std::int64_t interval_ = 0;
    std::int64_t last_event_ = 0;
    std::int64_t offset_ = 0;
    bool runs_ahead_ = false;
};

}  // namespace pitot::sinks::influxdb
