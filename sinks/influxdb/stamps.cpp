#include "sinks/influxdb/stamps.h"

#include <algorithm>

namespace pitot::sinks::influxdb {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t millisecond_ns = 1'000'000;

std::int64_t unit_of(Precision precision) {
    switch (precision) {
        case Precision::nanoseconds:
            return 1;
        case Precision::milliseconds:
            return millisecond_ns;
        case Precision::seconds:
            break;
    }
    return second_ns;
}

std::int64_t grid_of(Precision precision) {
    switch (precision) {
        case Precision::nanoseconds:
            return 1'000;
        case Precision::milliseconds:
            return 10;
        case Precision::seconds:
            break;
    }
    return 1;
}

std::int64_t rounded_up(std::int64_t value, std::int64_t step) {
    return (value + step - 1) / step * step;
}

// Different for two intervals that end in different milliseconds, for as long as possible: a
// number of units within a second that is not on the grid.
std::int64_t offset_of(Precision precision, std::int64_t end_ms, std::int64_t grid) {
    if (precision == Precision::seconds) return 0;
    // Of milliseconds 900 are not on the grid; a prime, so that intervals of round lengths go
    // through all of them.
    const std::int64_t places = precision == Precision::milliseconds ? 887 : 999'000'000;
    const std::int64_t place = end_ms % places;
    return place / (grid - 1) * grid + place % (grid - 1) + 1;
}

}  // namespace

Stamps::Stamps(Precision precision)
    : precision_(precision),
      unit_ns_(unit_of(precision)),
      per_second_(second_ns / unit_ns_),
      grid_(grid_of(precision)) {}

void Stamps::begin(std::int64_t end_unix_ns) {
    const std::int64_t end = rounded_up(rounded_up(end_unix_ns, unit_ns_) / unit_ns_, grid_);
    const bool is_first = interval_ == 0;
    const std::int64_t next = interval_ + grid_;
    interval_ = is_first ? end : std::max(end, next);
    runs_ahead_ = interval_ > end + grid_;
    offset_ = offset_of(precision_, end_unix_ns / millisecond_ns, grid_);
}

std::int64_t Stamps::next_event() {
    last_event_ = std::max(interval_, last_event_ + 1);
    return last_event_;
}

}  // namespace pitot::sinks::influxdb
