#include "sinks/console/series_order.h"

#include <algorithm>
#include <span>
#include <tuple>

namespace pitot::sinks::console {
namespace {

template <class Point>
void collect(const protocol::Snapshot& snapshot, std::span<const Point> points,
             std::vector<Updated>& out) {
    for (std::uint32_t index = 0; index < points.size(); ++index) {
        if (!points[index].updated) continue;
        out.push_back({.series = &snapshot.series[points[index].id], .index = index});
    }
}

bool tag_before(const protocol::Tag& a, const protocol::Tag& b) {
    return std::tie(a.key, a.has_value, a.value) < std::tie(b.key, b.has_value, b.value);
}

bool before(const Updated& a, const Updated& b) {
    const protocol::Series& left = *a.series;
    const protocol::Series& right = *b.series;
    if (left.name != right.name) return left.name < right.name;
    if (left.kind != right.kind) return left.kind < right.kind;
    return std::ranges::lexicographical_compare(left.tags, right.tags, tag_before);
}

}  // namespace

std::vector<Updated> updated_series(const protocol::Snapshot& snapshot) {
    std::vector<Updated> out;
    collect(snapshot, snapshot.counters, out);
    collect(snapshot, snapshot.gauges, out);
    collect(snapshot, snapshot.timers, out);
    collect(snapshot, snapshot.sets, out);
    std::ranges::sort(out, before);
    return out;
}

}  // namespace pitot::sinks::console
