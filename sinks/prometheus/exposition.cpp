#include "sinks/prometheus/exposition.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "sinks/number_text.h"
#include "sinks/prometheus/family_header.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;
using protocol::Snapshot;

constexpr double milliseconds_per_second = 1000;

// The most milliseconds that are not more than so many seconds. Bounds are inclusive, and a
// product would be less than what divides to the bound for every hundredth of them.
double milliseconds_up_to(double seconds) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double most = seconds * milliseconds_per_second;
    while (most / milliseconds_per_second > seconds) most = std::nextafter(most, -infinity);
    while (true) {
        const double more = std::nextafter(most, infinity);
        if (more == most || more / milliseconds_per_second > seconds) return most;
        most = more;
    }
}

// Timers are sent in milliseconds and shown in seconds.
double unit_of(Kind kind) {
    return kind == Kind::timer ? milliseconds_per_second : 1;
}

char* write_value(double value, char* at) {
    if (std::isfinite(value)) return write_number(value, at);
    return write_bytes(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", at);
}

}  // namespace

void append_value(double value, std::string& out) {
    char text[number_bytes_max];
    out.append(text, write_value(value, text));
}

std::string_view family_name(std::string_view item) {
    constexpr std::string_view before = "# HELP ";
    if (!item.starts_with(before)) return {};
    item.remove_prefix(before.size());
    return item.substr(0, item.find(' '));
}

Exposition::Exposition(ExpositionSettings settings, std::function<void(const std::string&)> report)
    : settings_(std::move(settings)),
      families_(settings_, std::move(report)),
      lines_(settings_),
      quantiles_(settings_.quantiles) {
    std::size_t lines_max = lines_.of(FamilyType::summary, no_rule).size();
    std::uint32_t rules = 0;
    for (const FormRule& rule : settings_.rules) {
        Buckets& buckets = buckets_.emplace_back();
        for (const double bound : rule.buckets) {
            buckets.bounds.push_back(bound);
            buckets.bounds_ms.push_back(milliseconds_up_to(bound));
        }
        lines_max = std::max(lines_max, lines_.of(FamilyType::histogram, rules++).size());
    }
    values_.resize(lines_max);
}

void Exposition::encode(const Snapshot& snapshot, const std::unordered_set<std::string>& withheld,
                        Encoded& out, OpenMetricsText* open_metrics) {
    families_.update(snapshot);
    keep_books(snapshot);
    quantiles_.begin(snapshot);
    Batch batch;
    batch.sequence = snapshot.sequence;
    const std::span<const FamilyIndex> order = families_.in_order();
    batch.items.reserve(order.size());
    // A little more than last time, so that growing never copies the whole.
    TextWriter writer(batch.body, bytes_last_ + bytes_last_ / 16);
    out_ = &writer;
    for (std::size_t i = 0; i < order.size(); ++i) {
        look_ahead(snapshot, order, i);
        const Family family = families_[order[i]];
        if (!withheld.empty() && withheld.contains(std::string(family.name))) {
            out.lost[LossReason::quarantined] += family.members.size();
            continue;
        }
        if (writer.size() >= settings_.bytes_max) {
            out.lost[LossReason::too_large] += family.members.size();
            continue;
        }
        const std::size_t begin = writer.size();
        write_family_header(family, snapshot.series[family.founder], writer);
        if (open_metrics != nullptr) open_metrics->begin_family(family, writer.written(begin));
        const std::uint32_t points = write_family(snapshot, family, open_metrics, out.lost);
        if (open_metrics != nullptr) open_metrics->end_family(writer.size());
        batch.items.push_back({.end = static_cast<std::uint32_t>(writer.size()), .points = points});
        batch.points += points;
    }
    if (open_metrics != nullptr) open_metrics->finish();
    out_ = nullptr;
    writer.finish();
    bytes_last_ = batch.body.size();
    out.batches.push_back(std::move(batch));

    out.lost[LossReason::name_clash] += families_.clashing();
    out.skipped[SkipReason::own_time] += snapshot.timed.size();
    out.skipped[SkipReason::event] += snapshot.events.size();
    out.skipped[SkipReason::service_check] += snapshot.service_checks.size();
}

// Of every series, shown in this interval or not: one that is withheld for a while must come
// back neither lower nor with gaps.
void Exposition::keep_books(const Snapshot& snapshot) {
    for (const protocol::CounterPoint& point : snapshot.counters) {
        if (point.updated && point.delta < 0) families_.raised_by(point.id) -= point.delta;
    }
    if (settings_.rules.empty()) return;
    for (const protocol::TimerPoint& point : snapshot.timers) {
        if (point.updated) count_values(point);
    }
}

void Exposition::count_values(const protocol::TimerPoint& point) {
    Row& row = families_.row(point.id);
    if (row.rule == Row::rules_max || settings_.rules[row.rule].form != Form::histogram) return;
    const Buckets& buckets = buckets_[row.rule];
    counts_.resize(buckets.bounds.size());
    point.values.counts_by_bucket(row.kind == Kind::timer ? buckets.bounds_ms : buckets.bounds,
                                  counts_);
    double* const since_birth = families_.bucket_counts(row, counts_.size());
    for (std::size_t i = 0; i < counts_.size(); ++i) since_birth[i] += counts_[i];
}

std::uint32_t Exposition::write_family(const Snapshot& snapshot, const Family& family,
                                       OpenMetricsText* open_metrics, Losses& lost) {
    const bool created = open_metrics != nullptr && open_metrics->has_created();
    std::uint32_t points = 0;
    for (std::size_t member = 0; member < family.members.size(); ++member) {
        if (out_->size() >= settings_.bytes_max) {
            lost[LossReason::too_large] += family.members.size() - member;
            break;
        }
        look_ahead(snapshot, family, member);
        const protocol::SeriesId id = family.members[member];
        Row& row = families_.row(id);
        if (take_values(snapshot, family.type, row)) {
            ++points;
        } else {
            ++lost[LossReason::negative_delta];
        }
        const std::size_t begin = out_->size();
        const std::string_view labels = families_.labels(row);
        const Lines& lines = lines_.of(family.type, row.rule);
        out_->wrote(lines.write(
            family.name, labels,
            out_->room(lines.bytes(family.name, labels) + lines.size() * number_bytes_max),
            [this](std::size_t line, char* at) { return write_value(values_[line], at); }));
        if (created) {
            open_metrics->add_created(family, labels, out_->written(begin),
                                      snapshot.series[id].born_unix_ns);
        }
    }
    return points;
}

// Families and series are read in the order of their names and labels, and lie in the order of
// their births: what comes soon is fetched while this one is written, each step after the one
// that it takes its place from.
void Exposition::look_ahead(const Snapshot& snapshot, std::span<const FamilyIndex> order,
                            std::size_t at) const {
    constexpr std::size_t far = 24;
    constexpr std::size_t middle = 16;
    constexpr std::size_t near = 8;
    if (at + far < order.size()) __builtin_prefetch(families_.store().near(order[at + far]));
    if (at + middle < order.size()) {
        const FamilyIndex index = order[at + middle];
        __builtin_prefetch(families_.store().near_name(index));
        const Family family = families_.store().unnamed(index);
        __builtin_prefetch(&snapshot.series[family.founder]);
        __builtin_prefetch(&families_.row(family.members.front()));
    }
    if (at + near < order.size()) {
        const Family family = families_.store().unnamed(order[at + near]);
        __builtin_prefetch(snapshot.series[family.founder].name.data());
        look_ahead(snapshot, families_.row(family.members.front()));
    }
}

void Exposition::look_ahead(const Snapshot& snapshot, const Family& family,
                            std::size_t member) const {
    constexpr std::size_t far = 16;
    constexpr std::size_t near = 6;
    const auto& members = family.members;
    if (member + far < members.size()) __builtin_prefetch(&families_.row(members[member + far]));
    if (member + near >= members.size()) return;
    look_ahead(snapshot, families_.row(members[member + near]));
}

// What a row leads to.
void Exposition::look_ahead(const Snapshot& snapshot, const Row& row) const {
    __builtin_prefetch(families_.store().texts().near(row.labels));
    if (row.kind == Kind::counter) {
        __builtin_prefetch(&snapshot.counters[row.point]);
    } else if (row.kind != Kind::gauge && row.kind != Kind::set) {
        __builtin_prefetch(&snapshot.timers[row.point]);
    }
}

// The values of a series' lines. False when the point is not shown as it is.
bool Exposition::take_values(const Snapshot& snapshot, FamilyType type, Row& row) {
    switch (row.kind) {
        case Kind::counter:
            return take_counter(row, snapshot.counters[row.point]);
        case Kind::gauge:
            values_[0] = snapshot.gauges[row.point].value;
            return true;
        case Kind::set:
            values_[0] = snapshot.sets[row.point].unique;
            return true;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            break;
    }
    const protocol::TimerPoint& point = snapshot.timers[row.point];
    if (type == FamilyType::summary) {
        take_summary(row, point);
    } else {
        take_histogram(row, point);
    }
    return true;
}

// False when the point is a decrement, which is not shown.
bool Exposition::take_counter(Row& row, const protocol::CounterPoint& point) {
    const bool is_decrement = point.updated && point.delta < 0;
    double shown = point.total;
    // A total from before this encoder saw the series may be negative: it starts at 0 then.
    if (row.is_raised || point.total < 0) {
        double& raised_by = families_.raised_by(point.id);
        raised_by = std::max(raised_by, -point.total);
        shown += raised_by;
    }
    // Both are rounded, each in its own way: their sum may be a trifle less than it was.
    shown = std::max(row.shown(), shown);
    row.set_shown(shown);
    values_[0] = shown;
    return !is_decrement;
}

void Exposition::take_summary(const Row& row, const protocol::TimerPoint& point) {
    const double unit = unit_of(row.kind);
    const std::size_t quantiles = settings_.quantiles.size();
    if (point.updated) {
        const std::span<const double> values = quantiles_.of(point);
        for (std::size_t i = 0; i < quantiles; ++i) values_[i] = values[i] / unit;
    } else {
        std::fill_n(values_.begin(), quantiles, std::numeric_limits<double>::quiet_NaN());
    }
    values_[quantiles] = point.total_sum / unit;
    values_[quantiles + 1] = std::round(point.total_count);
}

void Exposition::take_histogram(const Row& row, const protocol::TimerPoint& point) {
    const double count = std::round(point.total_count);
    const std::size_t buckets = buckets_[row.rule].bounds.size();
    const double* const since_birth = families_.bucket_counts(std::as_const(row));
    for (std::size_t i = 0; i < buckets; ++i) {
        values_[i] = std::min(since_birth != nullptr ? std::round(since_birth[i]) : 0, count);
    }
    values_[buckets] = count;
    values_[buckets + 1] = point.total_sum / unit_of(row.kind);
    values_[buckets + 2] = count;
}

}  // namespace pitot::sinks::prometheus
