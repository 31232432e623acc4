#include "sinks/influxdb/line_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pitot::sinks::influxdb {
namespace {

using protocol::Series;
using protocol::SeriesId;
using protocol::Snapshot;

std::string describe(const Series& series) {
    return fmt::format("{} \"{}\"", to_string(series.kind), excerpt(series.name()));
}

}  // namespace

LineKeys::LineKeys(const KeySettings& settings, std::function<void(const std::string&)> report)
    : settings_(settings), report_(std::move(report)) {}

void LineKeys::update(const Snapshot& snapshot) {
    reports_ = 0;
    newborn_.clear();
    rows_.resize(std::max(rows_.size(), snapshot.series.size()));
    see_all(snapshot, snapshot.counters);
    see_all(snapshot, snapshot.gauges);
    see_all(snapshot, snapshot.timers);
    see_all(snapshot, snapshot.sets);
    const std::uint64_t points = snapshot.counters.size() + snapshot.gauges.size() +
                                 snapshot.timers.size() + snapshot.sets.size();
    if (alive_ > points) bury_unseen(snapshot.sequence);
    if (std::exchange(has_free_, false)) recall_kept_back();
    std::ranges::sort(newborn_, {}, [this](SeriesId id) { return rows_[id].birth; });
    for (const SeriesId id : newborn_) place(snapshot, id);
}

template <class Points>
void LineKeys::see_all(const Snapshot& snapshot, const Points& points) {
    for (const auto& point : points) {
        Row& row = rows_[point.id];
        const std::uint64_t birth = snapshot.series[point.id].birth;
        if (row.birth != birth) {
            if (row.birth != 0) bury(row);
            row.birth = birth;
            ++alive_;
            newborn_.push_back(point.id);
        }
        row.seen = snapshot.sequence;
    }
}

void LineKeys::bury(Row& row) {
    if (row.key != nullptr) {
        holders_.erase(holders_.find(*row.key));
        has_free_ = true;
    }
    row = Row{};
    --alive_;
}

void LineKeys::bury_unseen(std::uint64_t sequence) {
    for (Row& row : rows_) {
        if (row.birth != 0 && row.seen != sequence) bury(row);
    }
}

// A key is free now: whoever waits for one is placed anew.
void LineKeys::recall_kept_back() {
    for (const KeptBack& waiting : kept_back_) {
        if (rows_[waiting.id].birth == waiting.birth) newborn_.push_back(waiting.id);
    }
    kept_back_.clear();
}

void LineKeys::place(const Snapshot& snapshot, SeriesId id) {
    const Series& series = snapshot.series[id];
    Row& row = rows_[id];
    std::string key = series_key(series.name(), series.tags().split(), series.kind, settings_);
    if (key.size() > line_key_bytes_max) {
        row.reason = LossReason::too_large;
        report(row, fmt::format("{} is not sent: its name and tags are {} bytes, and the "
                                "destination takes {}; shorten them",
                                describe(series), key.size(), line_key_bytes_max));
        return;
    }
    const auto [holder, is_free] = holders_.try_emplace(std::move(key), id);
    if (is_free) {
        row.key = &holder->first;
        return;
    }
    row.reason = LossReason::name_clash;
    kept_back_.push_back({.id = id, .birth = row.birth});
    report(row, fmt::format("{} and {} would both be written as {}; {} came later and is not "
                            "sent. Rename one of them",
                            describe(snapshot.series[holder->second]), describe(series),
                            excerpt(holder->first), describe(series)));
}

bool LineKeys::belongs_to_another(const std::string& key, const protocol::TimedPoint& point,
                                  const Snapshot& snapshot) const {
    const auto holder = holders_.find(key);
    if (holder == holders_.end()) return false;
    const Series& series = snapshot.series[holder->second];
    return series.kind != point.kind || series.name() != point.name ||
           !std::ranges::equal(series.tags(), point.tags);
}

void LineKeys::report(Row& row, const std::string& what) {
    if (std::exchange(row.is_reported, true)) return;
    if (++reports_ <= reports_per_snapshot_max) report_(what);
}

}  // namespace pitot::sinks::influxdb
