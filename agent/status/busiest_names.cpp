#include "agent/status/busiest_names.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pitot::agent {

std::vector<BusyName> BusiestNames::of(const protocol::Snapshot& snapshot) {
    if (sums_.size() > known_names_max) {
        numbers_.clear();
        sums_.clear();
        known_.clear();
    }
    if (known_.size() < snapshot.series.size()) known_.resize(snapshot.series.size());
    for (const protocol::CounterPoint& point : snapshot.counters) {
        if (point.updated) add(snapshot.series[point.id], point.id, std::abs(point.delta));
    }
    for (const protocol::GaugePoint& point : snapshot.gauges) {
        if (point.updated) add(snapshot.series[point.id], point.id, 1);
    }
    for (const protocol::TimerPoint& point : snapshot.timers) {
        if (point.updated) add(snapshot.series[point.id], point.id, point.values.count());
    }
    for (const protocol::SetPoint& point : snapshot.sets) {
        if (point.updated) add(snapshot.series[point.id], point.id, point.unique);
    }

    const auto shown =
        met_.begin() + static_cast<std::ptrdiff_t>(std::min(met_.size(), busiest_names_max));
    // By name where counts are equal, so that pages of equal intervals are equal.
    std::ranges::partial_sort(met_, shown, [this](std::uint32_t a, std::uint32_t b) {
        const Sum& left = sums_[a];
        const Sum& right = sums_[b];
        return left.count != right.count ? left.count > right.count : left.name < right.name;
    });
    std::vector<BusyName> busiest;
    for (auto at = met_.begin(); at != shown; ++at) {
        const Sum& sum = sums_[*at];
        busiest.push_back(
            {.name = sum.name, .kind = sum.kind, .count = sum.count, .series = sum.series});
    }
    for (const std::uint32_t number : met_) {
        sums_[number].count = 0;
        sums_[number].series = 0;
    }
    met_.clear();
    return busiest;
}

void BusiestNames::add(const protocol::Series& series, protocol::SeriesId id, double count) {
    Known& known = known_[id];
    const auto birth = static_cast<std::uint32_t>(series.birth);
    if (known.name == none || known.birth != birth) {
        known = {.birth = birth, .name = number_of(series)};
    }
    Sum& sum = sums_[known.name];
    if (sum.series++ == 0) met_.push_back(known.name);
    sum.count += count;
}

std::uint32_t BusiestNames::number_of(const protocol::Series& series) {
    const std::size_t kind = std::to_underlying(series.kind);
    if (numbers_.size() <= kind) numbers_.resize(kind + 1);
    NumberByName& numbers = numbers_[kind];
    if (const auto found = numbers.find(series.name); found != numbers.end()) {
        return found->second;
    }
    const auto number = static_cast<std::uint32_t>(sums_.size());
    sums_.push_back({.name = std::string(series.name), .kind = series.kind});
    numbers.emplace(std::string(series.name), number);
    return number;
}

}  // namespace pitot::agent
