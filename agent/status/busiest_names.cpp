#include "agent/status/busiest_names.h"

#include <algorithm>
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace pitot::agent {
namespace {

// What a metric is counted under: names of two kinds are two metrics.
struct NameOfKind {
    std::string_view name;
    protocol::Kind kind{};

    bool operator==(const NameOfKind&) const = default;
};

struct HashOfName {
    std::size_t operator()(const NameOfKind& key) const noexcept {
        return std::hash<std::string_view>{}(key.name) + std::to_underlying(key.kind);
    }
};

// Calls take(series id, count) for each series with news.
template <typename Take>
void for_each_news(const protocol::Snapshot& snapshot, Take take) {
    for (const protocol::CounterPoint& point : snapshot.counters) {
        if (point.updated) take(point.id, std::abs(point.delta));
    }
    for (const protocol::GaugePoint& point : snapshot.gauges) {
        if (point.updated) take(point.id, 1.0);
    }
    for (const protocol::TimerPoint& point : snapshot.timers) {
        if (point.updated) take(point.id, point.values.count());
    }
    for (const protocol::SetPoint& point : snapshot.sets) {
        if (point.updated) take(point.id, point.unique);
    }
}

}  // namespace

std::vector<BusyName> BusiestNames::of(const protocol::Snapshot& snapshot) {
    fill_buckets(snapshot);
    choose_buckets();
    std::vector<BusyName> names = names_of_chosen(snapshot);
    for (Bucket* const bucket : filled_) *bucket = {};
    filled_.clear();

    const std::size_t shown = std::min(names.size(), busiest_names_max);
    // By name where counts are equal, so that pages of equal intervals are equal.
    std::ranges::partial_sort(names, names.begin() + static_cast<std::ptrdiff_t>(shown),
                              [](const BusyName& left, const BusyName& right) {
                                  return left.count != right.count ? left.count > right.count
                                                                   : left.name < right.name;
                              });
    names.resize(shown);
    return names;
}

void BusiestNames::fill_buckets(const protocol::Snapshot& snapshot) {
    buckets_.resize(std::clamp(std::bit_ceil(snapshot.series.size()), buckets_min, buckets_max));
    for_each_news(snapshot, [&](protocol::SeriesId id, double count) {
        Bucket& bucket = bucket_of(snapshot.series[id]);
        if (bucket.series++ == 0) filled_.push_back(&bucket);
        bucket.count += count;
    });
}

void BusiestNames::choose_buckets() {
    std::ranges::sort(filled_, std::ranges::greater(), &Bucket::count);
    std::size_t series = 0;
    for (std::size_t i = 0; i < filled_.size(); ++i) {
        if (i >= fullest_buckets_min && series >= series_looked_at_min) break;
        filled_[i]->is_looked_at = true;
        series += filled_[i]->series;
    }
}

std::vector<BusyName> BusiestNames::names_of_chosen(const protocol::Snapshot& snapshot) {
    struct Sum {
        double count = 0;
        std::size_t series = 0;
    };
    boost::unordered_flat_map<NameOfKind, Sum, HashOfName> sums;
    for_each_news(snapshot, [&](protocol::SeriesId id, double count) {
        const protocol::Series& series = snapshot.series[id];
        if (!bucket_of(series).is_looked_at) return;
        Sum& sum = sums[{.name = series.name(), .kind = series.kind}];
        sum.count += count;
        ++sum.series;
    });
    std::vector<BusyName> names;
    names.reserve(sums.size());
    for (const auto& [key, sum] : sums) {
        names.push_back({.name = std::string(key.name),
                         .kind = key.kind,
                         .count = sum.count,
                         .series = sum.series});
    }
    return names;
}

}  // namespace pitot::agent
