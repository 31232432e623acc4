#include "sinks/prometheus/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Series;
using protocol::SeriesId;
using protocol::Snapshot;

// Sentences per Snapshot: a renamed fleet must not fill a disk.
constexpr std::uint32_t reports_max = 5;
// Series that are kept back and looked at in each interval until all are told of. Where it is
// more, the names are made by a program, and a few tell it all.
constexpr std::size_t kept_back_told_max = 1'000;

std::string describe(protocol::Kind kind, std::string_view name) {
    return fmt::format("{} \"{}\"", to_string(kind), name);
}

std::string describe(const Series& series) {
    return describe(series.kind, series.name);
}

void append_line_stem(std::string_view name, std::string_view part, std::string_view labels,
                      std::string& out) {
    out += name;
    out += part;
    if (!labels.empty()) {
        out += '{';
        out += labels;
        out += '}';
    }
    out += ' ';
}

// Row::text of a series in this family.
std::string text_of(const Family& family, std::string_view labels) {
    std::string text;
    if (family.type == FamilyType::counter || family.type == FamilyType::gauge) {
        append_line_stem(family.name, "", labels, text);
    } else {
        text += family.name;
        text += family.type == FamilyType::histogram ? "_bucket{" : "{";
        text += labels;
        if (!labels.empty()) text += ',';
        append_line_stem(family.name, "_sum", labels, text);
        append_line_stem(family.name, "_count", labels, text);
    }
    text.shrink_to_fit();
    return text;
}

}  // namespace

std::string_view Row::labels() const {
    if (labels_bytes == 0) return {};
    return std::string_view(text).substr(text.find('{') + 1, labels_bytes);
}

Families::Families(const ExpositionSettings& settings,
                   std::function<void(const std::string&)> report)
    : settings_(settings), report_(std::move(report)) {
    // Claimed by nobody we know: null.
    for (const std::string& name : settings_.reserved_names) claims_.emplace(name, nullptr);
}

void Families::update(const Snapshot& snapshot) {
    newborn_.clear();
    rows_.resize(std::max(rows_.size(), snapshot.series.size()));
    see_all(snapshot, snapshot.counters);
    see_all(snapshot, snapshot.gauges);
    see_all(snapshot, snapshot.timers);
    see_all(snapshot, snapshot.sets);

    const std::uint64_t points = snapshot.counters.size() + snapshot.gauges.size() +
                                 snapshot.timers.size() + snapshot.sets.size();
    if (alive_ + newborn_.size() > points) bury_unseen(snapshot.sequence);
    const bool somebody_died = !with_dead_.empty();
    forget_dead();
    const bool somebody_is_untold =
        std::exchange(reports_, 0) > reports_max && kept_back_.size() <= kept_back_told_max;
    if (somebody_died || somebody_is_untold) {
        // A name may be free now: whoever waits for one is placed anew. Who still has to be told
        // of gets a turn.
        for (const KeptBack& waiting : kept_back_) newborn_.push_back(waiting.id);
        alive_ -= kept_back_.size();
        kept_back_.clear();
    }
    std::ranges::sort(newborn_, {}, [this](SeriesId id) { return rows_[id].birth; });
    for (const SeriesId id : newborn_) place(snapshot, id);
    sort_members(snapshot);
    report_rest();
}

template <class Points>
void Families::see_all(const Snapshot& snapshot, const Points& points) {
    for (std::uint32_t index = 0; index < points.size(); ++index) {
        const SeriesId id = points[index].id;
        Row& row = rows_[id];
        if (row.birth != snapshot.series[id].birth) {
            if (row.birth != 0) bury(row);
            row.birth = snapshot.series[id].birth;
            newborn_.push_back(id);
        }
        row.seen = snapshot.sequence;
        row.point = index;
    }
}

void Families::bury(Row& row) {
    if (row.family == nullptr) {
        dead_kept_back_ = true;
    } else if (!row.family->has_dead) {
        row.family->has_dead = true;
        with_dead_.push_back(row.family);
    }
    row = Row{};
    --alive_;
}

void Families::bury_unseen(std::uint64_t sequence) {
    for (Row& row : rows_) {
        if (row.birth != 0 && row.seen != sequence) bury(row);
    }
}

// Takes the dead out of their families before anybody moves in under their ids.
void Families::forget_dead() {
    for (Family* family : with_dead_) {
        family->has_dead = false;
        std::erase_if(family->members, [&](SeriesId id) { return rows_[id].family != family; });
        family->sorted = family->members.size();
        if (!family->members.empty()) continue;
        const std::vector<std::string> names =
            claimed_names(family->name, family->type, settings_.open_metrics);
        for (const std::string& name : names) claims_.erase(name);
        families_.erase(families_.find(family->name));
        for (const std::string& name : names) claims_changed(name);
    }
    with_dead_.clear();
    if (std::exchange(dead_kept_back_, false)) {
        std::erase_if(kept_back_, [&](const KeptBack& waiting) {
            return rows_[waiting.id].birth != waiting.birth;
        });
    }
}

void Families::place(const Snapshot& snapshot, SeriesId id) {
    const Series& series = snapshot.series[id];
    Row& row = rows_[id];
    ++alive_;
    Classified classified = classify(series, settings_);
    row.kind = series.kind;
    row.rule = classified.rule;
    const Labels labels = labels_of(series, row);
    Family* const family = claim(series, std::move(classified), row);
    if (family == nullptr) {
        keep_back(id);
        return;
    }
    row.family = family;
    row.text = text_of(*family, labels.text);
    row.labels_bytes = static_cast<std::uint32_t>(labels.text.size());
    if (family->members.size() == family->sorted) unsorted_.push_back(family);
    family->members.push_back(id);
}

Labels Families::labels_of(const Series& series, Row& row) {
    Labels labels = label_text(series.tags, settings_.reserved_labels);
    if (labels.merged > 0 && !std::exchange(row.is_merge_reported, true)) {
        merged_labels_ += labels.merged;
        if (!may_report()) return labels;
        report_(
            fmt::format("tags of {} share one label after their names were made legal; "
                        "their values are joined: {{{}}}",
                        describe(series), labels.text));
    }
    return labels;
}

void Families::keep_back(SeriesId id) {
    rows_[id].family = nullptr;
    kept_back_.push_back({.id = id, .birth = rows_[id].birth});
}

// The family of that name and type, made now if nobody uses any of its names. Null, after a
// report, when somebody does.
Family* Families::claim(const Series& series, Classified classified, Row& row) {
    const auto existing = families_.find(classified.name);
    if (existing != families_.end() && existing->second.type == classified.type) {
        return &existing->second;
    }
    const std::vector<std::string> names =
        claimed_names(classified.name, classified.type, settings_.open_metrics);
    for (const std::string& name : names) {
        const auto taken = claims_.find(name);
        if (taken == claims_.end()) continue;
        if (!row.is_reported && may_report()) {
            row.is_reported = true;
            report_(fmt::format(
                "{} would use the name {}, which {} uses already in another "
                "form; it came later and is not sent. Rename one of them",
                describe(series), name,
                taken->second == nullptr
                    ? "the destination itself"
                    : describe(taken->second->founder_kind, taken->second->founder_name)));
        }
        return nullptr;
    }
    Family& family = families_[classified.name];
    family.name = std::move(classified.name);
    family.type = classified.type;
    for (const std::string& name : names) claims_.emplace(name, &family);
    found(series, family);
    for (const std::string& name : names) claims_changed(name);
    return &family;
}

void Families::found(const Series& series, Family& family) {
    family.founder_kind = series.kind;
    family.founder_name = series.name;
    family.header = fmt::format("# HELP {} StatsD {} ", family.name, to_string(series.kind));
    append_help(series.name, family.header);
    family.header += fmt::format("\n# TYPE {} {}\n", family.name, to_string(family.type));
    if (settings_.open_metrics) write_open_metrics_header(family);
}

// A counter may be one in OpenMetrics only while nobody else has its names there.
void Families::claims_changed(std::string_view name) {
    if (!settings_.open_metrics) return;
    const auto look_at_counter = [this](std::string_view base) {
        const auto found = families_.find(fmt::format("{}_total", base));
        if (found != families_.end()) write_open_metrics_header(found->second);
    };
    look_at_counter(name);
    for (const std::string_view suffix :
         {std::string_view("_created"), std::string_view("_created_total")}) {
        if (name.ends_with(suffix)) look_at_counter(name.substr(0, name.size() - suffix.size()));
    }
}

void Families::write_open_metrics_header(Family& family) const {
    std::string_view name = family.name;
    std::string_view type = to_string(family.type);
    family.created_name.clear();
    std::vector<std::string> of_counter;
    if (family.type == FamilyType::counter) {
        of_counter = open_metrics_counter_names(family.name);
        const bool is_counter =
            !of_counter.empty() &&
            std::ranges::none_of(
                of_counter, [&](const std::string& other) { return claims_.contains(other); }) &&
            !families_.contains(of_counter[1] + "_total");  // a counter called x_created
        type = is_counter ? type : "unknown";
        if (is_counter) {
            name = of_counter[0];
            family.created_name = of_counter[1];
        }
    } else if (family.type != FamilyType::gauge) {
        family.created_name = family.name + "_created";
    }
    std::string& header = family.open_metrics_header;
    header = fmt::format("# TYPE {} {}\n", name, type);
    if (family.founder_kind == protocol::Kind::timer) {
        header += fmt::format("# UNIT {} seconds\n", name);
    }
    header += fmt::format("# HELP {} StatsD {} ", name, to_string(family.founder_kind));
    // Escapes what HELP must have escaped here, which the other format forbids.
    append_label_value(family.founder_name, header);
    header += '\n';
}

void Families::sort_members(const Snapshot& snapshot) {
    const auto before = [this](SeriesId a, SeriesId b) {
        const int order = rows_[a].labels().compare(rows_[b].labels());
        return order != 0 ? order < 0 : rows_[a].birth < rows_[b].birth;
    };
    for (Family* family : unsorted_) {
        std::vector<SeriesId>& members = family->members;
        const auto first_new = members.begin() + static_cast<std::ptrdiff_t>(family->sorted);
        std::sort(first_new, members.end(), before);
        std::inplace_merge(members.begin(), first_new, members.end(), before);
        drop_twins(snapshot, *family);
        family->sorted = members.size();
    }
    unsorted_.clear();
}

// Of members with the same labels only the one born first stays.
void Families::drop_twins(const Snapshot& snapshot, Family& family) {
    const auto are_twins = [this](SeriesId a, SeriesId b) {
        return rows_[a].labels() == rows_[b].labels();
    };
    std::vector<SeriesId>& members = family.members;
    const auto first = std::ranges::adjacent_find(members, are_twins);
    if (first == members.end()) return;
    std::vector<SeriesId> unique(members.begin(), first);
    for (auto member = first; member != members.end(); ++member) {
        const SeriesId id = *member;
        if (unique.empty() || !are_twins(unique.back(), id)) {
            unique.push_back(id);
            continue;
        }
        keep_back(id);
        if (rows_[id].is_reported || !may_report()) continue;
        rows_[id].is_reported = true;
        report_(
            fmt::format("{} and {} would both be {}{{{}}}; {} came later and is not sent. "
                        "Rename one of them",
                        describe(snapshot.series[unique.back()]), describe(snapshot.series[id]),
                        family.name, rows_[id].labels(), describe(snapshot.series[id])));
    }
    members = std::move(unique);
}

// Clashes that are not told now have their turn in the updates to come.
bool Families::may_report() {
    return ++reports_ <= reports_max;
}

void Families::report_rest() {
    if (reports_ <= reports_max) return;
    report_(fmt::format("{} more such clashes are not told yet: {} are in each interval",
                        reports_ - reports_max, reports_max));
}

}  // namespace pitot::sinks::prometheus
