#include "sinks/prometheus/exposition.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "sinks/number_text.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;
using protocol::Snapshot;

constexpr double milliseconds_per_second = 1000;

// The last label of a line and its end: quantile="0.5"}
std::string labelled(std::string_view name, double value) {
    std::string text(name);
    text += "=\"";
    append_number(value, text);
    text += "\"} ";
    return text;
}

// Timers are sent in milliseconds and shown in seconds.
double unit_of(Kind kind) {
    return kind == Kind::timer ? milliseconds_per_second : 1;
}

}  // namespace

void append_value(double value, std::string& out) {
    if (std::isfinite(value)) {
        append_number(value, out);
    } else {
        out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    }
}

std::string_view family_name(std::string_view item) {
    constexpr std::string_view before = "# HELP ";
    if (!item.starts_with(before)) return {};
    item.remove_prefix(before.size());
    return item.substr(0, item.find(' '));
}

Exposition::Exposition(ExpositionSettings settings, std::function<void(const std::string&)> report)
    : settings_(std::move(settings)), families_(settings_, std::move(report)) {
    for (const double quantile : settings_.quantiles) {
        quantile_labels_.push_back(labelled("quantile", quantile));
    }
    for (const FormRule& rule : settings_.rules) {
        std::vector<Bucket>& buckets = buckets_.emplace_back();
        for (const double bound : rule.buckets) {
            buckets.push_back({.bound = bound, .label = labelled("le", bound)});
        }
    }
}

bool Exposition::wants_total_distribution(const protocol::Series& series) const {
    return classify(series, settings_).type == FamilyType::histogram;
}

void Exposition::encode(const Snapshot& snapshot, const std::unordered_set<std::string>& withheld,
                        Encoded& out) {
    families_.update(snapshot);
    Batch batch;
    batch.sequence = snapshot.sequence;
    // A little more than last time, so that growing never copies the whole.
    batch.body.reserve(bytes_last_ + bytes_last_ / 16);
    for (const auto& [name, family] : families_.families()) {
        if (!withheld.empty() && withheld.contains(name)) {
            out.lost[LossReason::quarantined] += family.members.size();
            continue;
        }
        const std::uint32_t points = write_family(snapshot, family, batch.body, out.lost);
        batch.items.push_back(
            {.end = static_cast<std::uint32_t>(batch.body.size()), .points = points});
        batch.points += points;
    }
    bytes_last_ = batch.body.size();
    out.batches.push_back(std::move(batch));

    out.lost[LossReason::name_clash] += families_.clashing();
    out.skipped[SkipReason::own_time] += snapshot.timed.size();
    out.skipped[SkipReason::event] += snapshot.events.size();
    out.skipped[SkipReason::service_check] += snapshot.service_checks.size();
}

std::uint32_t Exposition::write_family(const Snapshot& snapshot, const Family& family,
                                       std::string& out, Losses& lost) {
    out += family.header;
    std::uint32_t points = 0;
    for (const protocol::SeriesId id : family.members) {
        Row& row = families_.row(id);
        bool is_whole = true;
        switch (row.kind) {
            case Kind::counter:
                is_whole = write_counter(family, row, snapshot.counters[row.point], out);
                break;
            case Kind::gauge:
                write_gauge(family, row, snapshot.gauges[row.point].value, out);
                break;
            case Kind::set:
                write_gauge(family, row, snapshot.sets[row.point].unique, out);
                break;
            case Kind::timer:
            case Kind::histogram:
            case Kind::distribution:
                if (family.type == FamilyType::summary) {
                    write_summary(family, row, snapshot.timers[row.point], out);
                } else {
                    write_histogram(family, row, snapshot.timers[row.point], out);
                }
                break;
        }
        if (is_whole) {
            ++points;
        } else {
            ++lost[LossReason::negative_delta];
        }
    }
    return points;
}

// "name{labels} " — what stands before the value of a sample without labels of its own.
void Exposition::begin_line(std::string_view suffix, const Family& family, const Row& row,
                            std::string& out) {
    out += family.name;
    out += suffix;
    if (!row.labels.empty()) {
        out += '{';
        out += row.labels;
        out += '}';
    }
    out += ' ';
}

// Likewise with a label more; `stem_` is "name_part{labels," already.
void Exposition::set_stem(std::string_view suffix, const Family& family, const Row& row) {
    stem_ = family.name;
    stem_ += suffix;
    stem_ += '{';
    if (row.labels.empty()) return;
    stem_ += row.labels;
    stem_ += ',';
}

// False when the point is a decrement, which is not shown.
bool Exposition::write_counter(const Family& family, Row& row, const protocol::CounterPoint& point,
                               std::string& out) {
    const bool is_decrement = point.updated && point.delta < 0;
    if (is_decrement) row.raised_by -= point.delta;
    // A total from before this encoder saw the series may be negative: it starts at 0 then.
    row.raised_by = std::max(row.raised_by, -point.total);
    begin_line("", family, row, out);
    append_value(point.total + row.raised_by, out);
    out += '\n';
    return !is_decrement;
}

void Exposition::write_gauge(const Family& family, const Row& row, double value, std::string& out) {
    begin_line("", family, row, out);
    append_value(value, out);
    out += '\n';
}

void Exposition::write_sum_and_count(const Family& family, const Row& row,
                                     const protocol::TimerPoint& point, std::string& out) {
    begin_line("_sum", family, row, out);
    append_value(point.total_sum / unit_of(row.kind), out);
    out += '\n';
    begin_line("_count", family, row, out);
    append_value(std::round(point.total_count), out);
    out += '\n';
}

void Exposition::write_summary(const Family& family, const Row& row,
                               const protocol::TimerPoint& point, std::string& out) {
    const double unit = unit_of(row.kind);
    set_stem("", family, row);
    for (std::size_t i = 0; i < quantile_labels_.size(); ++i) {
        out += stem_;
        out += quantile_labels_[i];
        if (point.updated) {
            append_value(point.values.quantile(settings_.quantiles[i]) / unit, out);
        } else {
            out += "NaN";
        }
        out += '\n';
    }
    write_sum_and_count(family, row, point, out);
}

void Exposition::write_histogram(const Family& family, const Row& row,
                                 const protocol::TimerPoint& point, std::string& out) {
    // wants_total_distribution() asked for it when the series was born.
    assert(point.total != nullptr);
    const double unit = unit_of(row.kind);
    const double count = std::round(point.total_count);
    set_stem("_bucket", family, row);
    if (point.total != nullptr) {
        const auto total = protocol::DistributionView::sketched(*point.total);
        for (const Bucket& bucket : buckets_[row.rule]) {
            out += stem_;
            out += bucket.label;
            const double below = std::round(total.count_at_most(bucket.bound * unit));
            append_value(std::min(below, count), out);
            out += '\n';
        }
    }
    out += stem_;
    out += "le=\"+Inf\"} ";
    append_value(count, out);
    out += '\n';
    write_sum_and_count(family, row, point, out);
}

}  // namespace pitot::sinks::prometheus
