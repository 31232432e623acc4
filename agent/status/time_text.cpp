#include "agent/status/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace pitot::agent {

std::string rfc3339(std::int64_t unix_ns) {
    const std::chrono::sys_time<std::chrono::milliseconds> moment(
        std::chrono::milliseconds(std::max<std::int64_t>(0, unix_ns) / 1'000'000));
    const auto midnight = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(moment - midnight);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

}  // namespace pitot::agent
