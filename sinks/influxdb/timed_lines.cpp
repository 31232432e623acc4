#include "sinks/influxdb/timed_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pitot::sinks::influxdb {
namespace {

using protocol::Kind;
using protocol::TimedPoint;

// Samples of one series and second.
struct Merged {
    const TimedPoint* first = nullptr;
    std::string key;
    double value = 0;
    std::uint32_t points = 0;
};

bool have_one_series(const TimedPoint& a, const TimedPoint& b) {
    return a.name == b.name && std::ranges::equal(a.tags, b.tags);
}

bool has_place(const TimedPoint& point, const Stamps& stamps) {
    if (point.timestamp_s > own_time_s_max) return false;
    return point.kind != Kind::counter || stamps.tells_intervals_apart();
}

}  // namespace

void append_timed_lines(const protocol::Snapshot& snapshot, const TimedContext& context,
                        LineWriter& lines, Encoded& out) {
    std::vector<Merged> all;  // in the order of their first samples
    std::unordered_map<std::string, std::size_t> places;
    for (const TimedPoint& point : snapshot.timed) {
        if (!has_place(point, context.stamps)) {
            ++out.skipped[SkipReason::own_time];
            continue;
        }
        std::string key = series_key(point.name, point.tags, point.kind, context.settings.keys);
        if (key.size() > line_key_bytes_max) {
            ++out.lost[LossReason::too_large];
            continue;
        }
        const auto [place, is_new] = places.try_emplace(
            fmt::format("{} {} {}", point.timestamp_s, std::to_underlying(point.kind), key),
            all.size());
        if (is_new && context.keys.belongs_to_another(key, point, snapshot)) {
            places.erase(place);
            ++out.lost[LossReason::name_clash];
            continue;
        }
        if (is_new) all.push_back({.first = &point, .key = std::move(key)});
        Merged& merged = all[place->second];
        if (!have_one_series(*merged.first, point)) {
            ++out.lost[LossReason::name_clash];
            continue;
        }
        merged.value = point.kind == Kind::counter ? merged.value + point.value : point.value;
        ++merged.points;
    }
    for (const Merged& merged : all) {
        lines.begin(merged.key);
        lines.number(merged.first->kind == Kind::counter ? "delta=" : "value=", merged.value);
        lines.end(context.stamps.own(merged.first->timestamp_s), merged.points, out.lost);
    }
}

}  // namespace pitot::sinks::influxdb
