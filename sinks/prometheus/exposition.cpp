#include "sinks/prometheus/exposition.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "sinks/number_text.h"
#include "sinks/prometheus/family_header.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;
using protocol::Snapshot;

constexpr double milliseconds_per_second = 1000;

// The last label of a line and its end: quantile="0.5"}
std::string labelled(std::string_view name, double value) {
    std::string text(name);
    text += "=\"";
    text += canonical_label_value(value);
    text += "\"} ";
    return text;
}

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

// A value and the end of its line.
char* write_end(double value, char* at) {
    at = write_value(value, at);
    *at++ = '\n';
    return at;
}

constexpr std::size_t end_bytes_max = number_bytes_max + 1;

constexpr std::string_view sum_part = "_sum";
constexpr std::string_view count_part = "_count";
constexpr std::string_view bucket_part = "_bucket";

// What a line is at most without its value, its part and a last label: braces, comma, blank.
std::size_t stem_bytes_max(const Family& family, const Row& row) {
    constexpr std::size_t around_labels = 4;
    return family.name.size() + row.labels_size + around_labels;
}

// name_part{labels} and a blank.
char* write_stem(const Family& family, std::string_view part, const Row& row, char* at) {
    at = write_bytes(part, write_bytes(family.name, at));
    if (row.labels_size > 0) {
        *at++ = '{';
        at = write_bytes(row.labels(), at);
        *at++ = '}';
    }
    *at++ = ' ';
    return at;
}

// name_part{labels, where one more label follows.
char* write_open_stem(const Family& family, std::string_view part, const Row& row, char* at) {
    at = write_bytes(part, write_bytes(family.name, at));
    *at++ = '{';
    if (row.labels_size > 0) {
        at = write_bytes(row.labels(), at);
        *at++ = ',';
    }
    return at;
}

char* write_sum_and_count(const Family& family, const Row& row, double sum, double count,
                          char* at) {
    at = write_end(sum, write_stem(family, sum_part, row, at));
    return write_end(count, write_stem(family, count_part, row, at));
}

std::size_t sum_and_count_bytes_max(const Family& family, const Row& row) {
    return 2 * (stem_bytes_max(family, row) + count_part.size() + end_bytes_max);
}

}  // namespace

void append_value(double value, std::string& out) {
    char text[number_bytes_max];
    out.append(text, write_value(value, text));
}

std::string canonical_label_value(double value) {
    // Go's format 'g' of the shortest digits: an exponent below 1e-4 and from 1e6 on.
    const double size = std::abs(value);
    const bool has_exponent = size != 0 && (size < 1e-4 || size >= 1e6);
    std::array<char, 64> text{};
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), value,
                      has_exponent ? std::chars_format::scientific : std::chars_format::fixed);
    std::string out(text.data(), written.ptr);
    if (!has_exponent && !out.contains('.')) out += ".0";
    return out;
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
      quantiles_(settings_.quantiles) {
    for (const double quantile : settings_.quantiles) {
        quantile_labels_.push_back(labelled("quantile", quantile));
        quantile_bytes_ += quantile_labels_.back().size();
    }
    for (const FormRule& rule : settings_.rules) {
        Buckets& buckets = buckets_.emplace_back();
        for (const double bound : rule.buckets) {
            buckets.bounds.push_back(bound);
            buckets.bounds_ms.push_back(milliseconds_up_to(bound));
            buckets.labels.push_back(labelled("le", bound));
        }
    }
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
        const Family& family = families_[order[i]];
        if (!withheld.empty() && withheld.contains(family.name)) {
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
    if (row.rule == no_rule || settings_.rules[row.rule].form != Form::histogram) return;
    const Buckets& buckets = buckets_[row.rule];
    counts_.resize(buckets.labels.size());
    point.values.counts_by_bucket(row.kind == Kind::timer ? buckets.bounds_ms : buckets.bounds,
                                  counts_);
    if (!row.bucket_counts) row.bucket_counts = std::make_unique<double[]>(counts_.size());
    for (std::size_t i = 0; i < counts_.size(); ++i) row.bucket_counts[i] += counts_[i];
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
        const std::size_t begin = out_->size();
        if (write_series(snapshot, family, row)) {
            ++points;
        } else {
            ++lost[LossReason::negative_delta];
        }
        if (created) {
            open_metrics->add_created(family, row.labels(), out_->written(begin),
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
    if (at + far < order.size()) __builtin_prefetch(&families_[order[at + far]]);
    if (at + middle < order.size()) {
        const Family& family = families_[order[at + middle]];
        __builtin_prefetch(family.name.data());
        __builtin_prefetch(&snapshot.series[family.founder]);
        __builtin_prefetch(&families_.row(family.members.front()));
    }
    if (at + near < order.size()) {
        const Family& family = families_[order[at + near]];
        __builtin_prefetch(snapshot.series[family.founder].name().data());
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
void Exposition::look_ahead(const Snapshot& snapshot, const Row& row) {
    __builtin_prefetch(row.label_bytes.get());
    if (row.kind == Kind::counter) {
        __builtin_prefetch(&snapshot.counters[row.point]);
    } else if (row.kind != Kind::gauge && row.kind != Kind::set) {
        __builtin_prefetch(&snapshot.timers[row.point]);
    }
}

// False when the point is not shown as it is.
bool Exposition::write_series(const Snapshot& snapshot, const Family& family, Row& row) {
    switch (row.kind) {
        case Kind::counter:
            return write_counter(family, row, snapshot.counters[row.point]);
        case Kind::gauge:
            write_gauge(family, row, snapshot.gauges[row.point].value);
            return true;
        case Kind::set:
            write_gauge(family, row, snapshot.sets[row.point].unique);
            return true;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            break;
    }
    const protocol::TimerPoint& point = snapshot.timers[row.point];
    if (family.type == FamilyType::summary) {
        write_summary(family, row, point);
    } else {
        write_histogram(family, row, point);
    }
    return true;
}

// False when the point is a decrement, which is not shown.
bool Exposition::write_counter(const Family& family, Row& row,
                               const protocol::CounterPoint& point) {
    const bool is_decrement = point.updated && point.delta < 0;
    double shown = point.total;
    // A total from before this encoder saw the series may be negative: it starts at 0 then.
    if (row.is_raised || point.total < 0) {
        double& raised_by = families_.raised_by(point.id);
        raised_by = std::max(raised_by, -point.total);
        shown += raised_by;
    }
    // Both are rounded, each in its own way: their sum may be a trifle less than it was.
    row.shown = std::max(row.shown, shown);
    write_gauge(family, row, row.shown);
    return !is_decrement;
}

void Exposition::write_gauge(const Family& family, const Row& row, double value) {
    char* const at = out_->room(stem_bytes_max(family, row) + end_bytes_max);
    out_->wrote(write_end(value, write_stem(family, "", row, at)));
}

void Exposition::write_summary(const Family& family, const Row& row,
                               const protocol::TimerPoint& point) {
    const double unit = unit_of(row.kind);
    const std::size_t quantiles = quantile_labels_.size();
    const std::span<const double> values =
        point.updated ? quantiles_.of(point) : std::span<const double>();
    char* at = out_->room(quantiles * (stem_bytes_max(family, row) + end_bytes_max) +
                          quantile_bytes_ + sum_and_count_bytes_max(family, row));
    for (std::size_t i = 0; i < quantiles; ++i) {
        at = write_bytes(quantile_labels_[i], write_open_stem(family, "", row, at));
        if (point.updated) {
            at = write_end(values[i] / unit, at);
        } else {
            at = write_bytes("NaN\n", at);
        }
    }
    out_->wrote(write_sum_and_count(family, row, point.total_sum / unit,
                                    std::round(point.total_count), at));
}

void Exposition::write_histogram(const Family& family, const Row& row,
                                 const protocol::TimerPoint& point) {
    constexpr std::string_view last_label = "le=\"+Inf\"} ";
    const double unit = unit_of(row.kind);
    const double count = std::round(point.total_count);
    const std::size_t stem_bytes = stem_bytes_max(family, row) + bucket_part.size();
    const auto line = [&](std::string_view label, double value) {
        char* const at = out_->room(stem_bytes + label.size() + end_bytes_max);
        out_->wrote(
            write_end(value, write_bytes(label, write_open_stem(family, bucket_part, row, at))));
    };
    const std::vector<std::string>& labels = buckets_[row.rule].labels;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const double below = row.bucket_counts ? std::round(row.bucket_counts[i]) : 0;
        line(labels[i], std::min(below, count));
    }
    line(last_label, count);
    char* const at = out_->room(sum_and_count_bytes_max(family, row));
    out_->wrote(write_sum_and_count(family, row, point.total_sum / unit, count, at));
}

}  // namespace pitot::sinks::prometheus
