#include "agent/aggregate/page.h"

#include <algorithm>
#include <utility>

#include "agent/limits.h"

namespace pitot::agent {

std::string_view to_string(Limited reason) noexcept {
    constexpr std::array<std::string_view, limited_count> names{
        "overflow_series", "overflow_values", "overflow_rows", "timed_samples", "events"};
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

bool UnsentValues::has_room_for(RowId row) const {
    if (by_row_.size() < by_row_.max_load() || by_row_.contains(row)) return true;
    // It moves to twice the room, and has both for a moment.
    constexpr std::size_t place_bytes = sizeof(Map::value_type) + 2;
    constexpr std::size_t places_min = 32;
    return memory_->has_room_for(place_bytes * (2 * by_row_.bucket_count() + places_min));
}

double UnsentValues::of(RowId row) const {
    if (by_row_.empty()) return 0;
    const auto found = by_row_.find(row);
    return found == by_row_.end() ? 0 : found->second.value();
}

Page::Page(const protocol::HistogramShape& shape, std::uint64_t bytes_max)
    : value_memory(bytes_max / 4 * 3, bytes_max / 16 * 3),
      passing_memory(bytes_max / 4),
      distributions(&value_memory, shape),
      sets(&value_memory),
      values(&value_memory),
      unsent(&value_memory),
      text(&passing_memory),
      tags(&passing_memory),
      timed(&passing_memory),
      events(&passing_memory),
      service_checks(&passing_memory) {}

void Page::note_culprit(std::string_view name) {
    const auto known = std::ranges::find(culprits, name, &Culprit::name);
    if (known != culprits.end()) {
        ++known->lines;
    } else if (culprits.size() < limits::culprits_max) {
        culprits.push_back({.name = std::string(name), .lines = 1});
    }
}

void Page::reset() {
    touched.clear();
    births.clear();
    retired.clear();
    gauges.clear();
    if (value_memory.is_tight()) {
        distributions.release();
        sets.release();
        values.release();
        unsent.release();
    } else {
        distributions.reset();
        sets.reset();
        values.reset();
        unsent.reset();
    }
    value_memory.restore_reserve();
    const auto empty = [is_tight = passing_memory.is_tight()](auto& column) {
        column.clear();
        if (is_tight) column.shrink_to_fit();
    };
    empty(timed);
    empty(events);
    empty(service_checks);
    text.reset();
    tags.reset();
    rejected_samples.clear();
    culprits.clear();
    counts = {};
}

}  // namespace pitot::agent
