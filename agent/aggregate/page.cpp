#include "agent/aggregate/page.h"

#include <utility>

namespace pitot::agent {

std::string_view to_string(Limited reason) noexcept {
    constexpr std::array<std::string_view, limited_count> names{"overflow_series", "timed_samples",
                                                                "events"};
    return names[std::to_underlying(reason)];
}

void IntakeCounts::add(const IntakeCounts& other) noexcept {
    bytes += other.bytes;
    lines += other.lines;
    accepted += other.accepted;
    for (std::size_t i = 0; i < rejected.size(); ++i) rejected[i] += other.rejected[i];
    samples += other.samples;
    aggregated += other.aggregated;
    for (std::size_t i = 0; i < limited.size(); ++i) limited[i] += other.limited[i];
    unknown_fields += other.unknown_fields;
    slow_readings += other.slow_readings;
}

void Page::reset() {
    touched.clear();
    births.clear();
    retired.clear();
    gauges.clear();
    distributions.reset();
    sets.reset();
    values.reset();
    text.reset();
    timed.clear();
    events.clear();
    service_checks.clear();
    event_tags.clear();
    rejected_samples.clear();
    culprits.clear();
    counts = {};
}

}  // namespace pitot::agent
