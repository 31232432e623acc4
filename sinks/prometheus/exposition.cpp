#include "sinks/prometheus/exposition.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "sinks/number_text.h"
#include "sinks/prometheus/family_header.h"
#include "sinks/prometheus/value_text.h"
#include "sinks/text_writer.h"

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

}  // namespace

// The text, as a batch.
class Exposition::Text {
public:
    Text(const Layout& layout, Batch& batch, std::size_t bytes_expected)
        : layout_(layout), batch_(batch), writer_(batch.body, bytes_expected) {}

    std::size_t text_bytes() const { return writer_.size(); }
    static constexpr bool has_births() { return false; }
    void begin_family(const FamilyHeader& header) {
        type_ = header.type;
        name_ = header.name;
        writer_.wrote(write_header(header, writer_.room(header_bytes(header))));
    }
    void add_series(const PageRecords::Series& series) {
        const Lines& lines = layout_.lines.of(type_, series.rule);
        char* const room = writer_.room(lines.bytes(name_.size(), series.labels.size()) +
                                        lines.size() * number_bytes_max);
        writer_.wrote(lines.write(name_, series.labels, room, [&](std::size_t line, char* at) {
            return write_value(series.values[line], at);
        }));
    }
    void end_family(std::uint32_t points) {
        batch_.items.push_back(
            {.end = static_cast<std::uint32_t>(writer_.size()), .points = points});
    }
    void finish() { writer_.finish(); }

private:
    const Layout& layout_;
    Batch& batch_;
    TextWriter writer_;
    FamilyType type_ = FamilyType::gauge;  // of the family that is being written
    std::string_view name_;                // its name
};

std::string_view family_name(std::string_view item) {
    constexpr std::string_view before = "# HELP ";
    if (!item.starts_with(before)) return {};
    item.remove_prefix(before.size());
    return item.substr(0, item.find(' '));
}

Exposition::Exposition(ExpositionSettings settings, std::function<void(const std::string&)> report)
    : layout_(std::make_shared<const Layout>(std::move(settings))),
      settings_(layout_->settings),
      families_(settings_, std::move(report)),
      quantiles_(settings_.quantiles) {
    std::size_t lines_max = layout_->lines.of(FamilyType::summary, no_rule).size();
    std::uint32_t rules = 0;
    for (const FormRule& rule : settings_.rules) {
        Buckets& buckets = buckets_.emplace_back();
        for (const double bound : rule.buckets) {
            buckets.bounds.push_back(bound);
            buckets.bounds_ms.push_back(milliseconds_up_to(bound));
        }
        lines_max = std::max(lines_max, layout_->lines.of(FamilyType::histogram, rules++).size());
    }
    values_.resize(lines_max);
}

void Exposition::encode(const Snapshot& snapshot, const std::unordered_set<std::string>& withheld,
                        Encoded& out) {
    begin(snapshot);
    Batch batch;
    batch.sequence = snapshot.sequence;
    batch.items.reserve(families_.in_order().size());
    // A little more than last time, so that growing never copies the whole.
    Text text(*layout_, batch, bytes_last_ + bytes_last_ / 16);
    batch.points = write_families(snapshot, withheld, text, out.lost);
    text.finish();
    bytes_last_ = batch.body.size();
    out.batches.push_back(std::move(batch));
    count_left_out(snapshot, out);
}

std::uint64_t Exposition::encode(const Snapshot& snapshot, Encoded& out, PageRecords& page) {
    begin(snapshot);
    const std::uint64_t points = write_families(snapshot, {}, page, out.lost);
    count_left_out(snapshot, out);
    return points;
}

void Exposition::begin(const Snapshot& snapshot) {
    families_.update(snapshot);
    keep_books(snapshot);
    quantiles_.begin(snapshot);
}

void Exposition::count_left_out(const Snapshot& snapshot, Encoded& out) const {
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

// Points that were written.
template <class Form>
std::uint64_t Exposition::write_families(const Snapshot& snapshot,
                                         const std::unordered_set<std::string>& withheld,
                                         Form& form, Losses& lost) {
    std::uint64_t points = 0;
    const std::span<const FamilyIndex> order = families_.in_order();
    for (std::size_t i = 0; i < order.size(); ++i) {
        look_ahead(snapshot, order, i);
        const Family family = families_[order[i]];
        families_.write_name(order[i], name_);
        if (!withheld.empty() && withheld.contains(name_)) {
            lost[LossReason::quarantined] += family.members.size();
            continue;
        }
        if (form.text_bytes() >= settings_.bytes_max) {
            lost[LossReason::too_large] += family.members.size();
            continue;
        }
        const protocol::Series& founder = snapshot.series[family.founder];
        form.begin_family({.name = name_,
                           .type = family.type,
                           .kind = founder.kind,
                           .founder = founder.name(),
                           .is_open_metrics_counter = family.is_open_metrics_counter});
        const std::uint32_t written = write_members(snapshot, family, form, lost);
        form.end_family(written);
        points += written;
    }
    return points;
}

template <class Form>
std::uint32_t Exposition::write_members(const Snapshot& snapshot, const Family& family, Form& form,
                                        Losses& lost) {
    std::uint32_t points = 0;
    for (std::size_t member = 0; member < family.members.size(); ++member) {
        if (form.text_bytes() >= settings_.bytes_max) {
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
        const Lines& lines = layout_->lines.of(family.type, row.rule);
        form.add_series({.rule = row.rule,
                         .labels = families_.labels(row),
                         .values = std::span(values_).first(lines.size()),
                         .born_unix_ns = form.has_births() ? snapshot.series[id].born_unix_ns : 0});
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
    if (at + far < order.size()) __builtin_prefetch(families_.near(order[at + far]));
    if (at + middle < order.size()) {
        const Family family = families_[order[at + middle]];
        __builtin_prefetch(&snapshot.series[family.founder]);
        __builtin_prefetch(&families_.row(family.members.front()));
    }
    if (at + near < order.size()) {
        const Family family = families_[order[at + near]];
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
void Exposition::look_ahead(const Snapshot& snapshot, const Row& row) const {
    __builtin_prefetch(families_.near_labels(row));
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
