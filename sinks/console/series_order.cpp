#include "sinks/console/series_order.h"

#include <algorithm>
#include <tuple>

namespace pitot::sinks::console {
namespace {

using protocol::Series;
using protocol::Snapshot;

bool tag_before(const protocol::Tag& a, const protocol::Tag& b) {
    return std::tie(a.key, a.has_value, a.value) < std::tie(b.key, b.has_value, b.value);
}

bool before(const Series& left, const Series& right) {
    if (left.name() != right.name()) return left.name() < right.name();
    if (left.kind != right.kind) return left.kind < right.kind;
    return std::ranges::lexicographical_compare(left.tags(), right.tags(), tag_before);
}

}  // namespace

const std::vector<Updated>& SeriesOrder::update(const Snapshot& snapshot) {
    ++interval_;
    rows_.resize(std::max(rows_.size(), snapshot.series.size()));
    newborn_.clear();
    see(snapshot, snapshot.counters);
    see(snapshot, snapshot.gauges);
    see(snapshot, snapshot.timers);
    see(snapshot, snapshot.sets);

    // Before the newborn move in: their order is found by looking at series that are there.
    std::erase_if(order_, [this](const Place& place) {
        Row& row = rows_[place.id];
        if (row.birth == place.birth && row.seen == interval_) return false;
        if (row.seen != interval_) row = Row{};
        return true;
    });
    settle_newborn(snapshot);

    updated_.clear();
    for (const Place& place : order_) {
        const Row& row = rows_[place.id];
        if (!row.is_told) continue;
        updated_.push_back(
            {.series = &snapshot.series[place.id], .index = row.index, .head = row.head});
    }
    return updated_;
}

template <class Points>
void SeriesOrder::see(const Snapshot& snapshot, const Points& points) {
    for (std::uint32_t index = 0; index < points.size(); ++index) {
        const protocol::SeriesId id = points[index].id;
        const Series& series = snapshot.series[id];
        Row& row = rows_[id];
        if (row.birth != series.birth) {
            row.birth = series.birth;
            row.head.clear();
            head_(series, row.head);
            newborn_.push_back({.id = id, .birth = series.birth});
        }
        row.seen = interval_;
        row.index = index;
        row.is_told = points[index].told();
    }
}

void SeriesOrder::settle_newborn(const Snapshot& snapshot) {
    if (newborn_.empty()) return;
    const auto by_series = [&](const Place& left, const Place& right) {
        return before(snapshot.series[left.id], snapshot.series[right.id]);
    };
    std::ranges::sort(newborn_, by_series);
    const auto known = static_cast<std::ptrdiff_t>(order_.size());
    order_.insert(order_.end(), newborn_.begin(), newborn_.end());
    std::ranges::inplace_merge(order_, order_.begin() + known, by_series);
}

}  // namespace pitot::sinks::console
