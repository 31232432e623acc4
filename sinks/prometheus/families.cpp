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
    return describe(series.kind, series.name());
}

}  // namespace

Families::Families(const ExpositionSettings& settings,
                   std::function<void(const std::string&)> report)
    : settings_(settings),
      report_(std::move(report)),
      claims_(families_, settings.reserved_names, settings.open_metrics) {}

void Families::update(const Snapshot& snapshot) {
    newborn_.clear();
    rows_.resize(std::max(rows_.size(), snapshot.series.size()));
    see_all(snapshot, snapshot.counters);
    see_all(snapshot, snapshot.gauges);
    see_all(snapshot, snapshot.timers);
    see_all(snapshot, snapshot.sets);

    const std::uint64_t points = snapshot.counters.size() + snapshot.gauges.size() +
                                 snapshot.timers.size() + snapshot.sets.size();
    if (alive_ + newborn_.size() > points) {
        bury_unseen(static_cast<std::uint32_t>(snapshot.sequence));
    }
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
    sort_families();
    report_rest();
}

template <class Points>
void Families::see_all(const Snapshot& snapshot, const Points& points) {
    for (std::uint32_t index = 0; index < points.size(); ++index) {
        const SeriesId id = points[index].id;
        Row& row = rows_[id];
        if (row.birth != snapshot.series[id].birth) {
            if (row.birth != 0) bury(id);
            row.birth = snapshot.series[id].birth;
            newborn_.push_back(id);
        }
        row.seen = static_cast<std::uint32_t>(snapshot.sequence);
        row.point = index;
    }
}

void Families::bury(SeriesId id) {
    Row& row = rows_[id];
    if (row.family == no_family) {
        dead_kept_back_ = true;
    } else if (Family& family = families_[row.family]; !family.has_dead) {
        family.has_dead = true;
        with_dead_.push_back(row.family);
    }
    if (row.is_raised) raised_.erase(id);
    row = Row{};
    --alive_;
}

void Families::bury_unseen(std::uint32_t sequence) {
    for (SeriesId id = 0; id < rows_.size(); ++id) {
        if (rows_[id].birth != 0 && rows_[id].seen != sequence) bury(id);
    }
}

// Takes the dead out of their families before anybody moves in under their ids.
void Families::forget_dead() {
    std::vector<FamilyIndex> ended;
    for (const FamilyIndex index : with_dead_) {
        Family& family = families_[index];
        family.has_dead = false;
        const auto is_dead = [&](SeriesId id) { return rows_[id].family != index; };
        family.members.erase(std::remove_if(family.members.begin(), family.members.end(), is_dead),
                             family.members.end());
        family.sorted = static_cast<std::uint32_t>(family.members.size());
        if (family.members.empty()) {
            ended.push_back(index);
        } else {
            elect_founder(family);
        }
    }
    with_dead_.clear();
    for (const FamilyIndex index : ended) {
        claims_.remove(index);
        claims_changed(index);
    }
    if (!ended.empty()) {
        std::erase_if(order_,
                      [this](FamilyIndex index) { return families_[index].members.empty(); });
        ordered_ = order_.size();
    }
    for (const FamilyIndex index : ended) families_.release(index);
    if (std::exchange(dead_kept_back_, false)) {
        std::erase_if(kept_back_, [&](const KeptBack& waiting) {
            return rows_[waiting.id].birth != waiting.birth;
        });
    }
}

// After members were taken out.
void Families::elect_founder(Family& family) const {
    if (std::ranges::find(family.members, family.founder) != family.members.end()) return;
    family.founder = *std::ranges::min_element(family.members, {},
                                               [this](SeriesId id) { return rows_[id].birth; });
}

void Families::place(const Snapshot& snapshot, SeriesId id) {
    const Series& series = snapshot.series[id];
    Row& row = rows_[id];
    ++alive_;
    Classified classified = classify(series, settings_);
    row.kind = series.kind;
    row.rule = classified.rule;
    const Labels labels = labels_of(series, row);
    row.family = claim(snapshot, id, std::move(classified));
    if (row.family == no_family) {
        keep_back(id);
        return;
    }
    row.labels_size = static_cast<std::uint32_t>(labels.text.size());
    if (!labels.text.empty()) {
        row.label_bytes = std::make_unique_for_overwrite<char[]>(labels.text.size());
        std::ranges::copy(labels.text, row.label_bytes.get());
    }
    Family& family = families_[row.family];
    if (family.members.size() == family.sorted) unsorted_.push_back(row.family);
    family.members.push_back(id);
}

Labels Families::labels_of(const Series& series, Row& row) {
    Labels labels = label_text(series.tags().split(), settings_.reserved_labels);
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
    Row& row = rows_[id];
    row.family = no_family;
    row.label_bytes.reset();
    row.labels_size = 0;
    kept_back_.push_back({.id = id, .birth = row.birth});
}

// The family of that name and type, made now if nobody uses any of its names. None, after a
// report, when somebody does.
FamilyIndex Families::claim(const Snapshot& snapshot, SeriesId id, Classified classified) {
    const FamilyIndex existing = claims_.family_called(classified.name);
    if (existing != no_family && families_[existing].type == classified.type) return existing;

    std::string name = classified.name;
    for (const NamePart part : parts_of(classified.type, settings_.open_metrics)) {
        name.resize(classified.name.size());
        name += suffix_of(part);
        if (const auto taken = claims_.find(name)) {
            report_claimed(snapshot, id, name, taken->family);
            return no_family;
        }
    }
    const FamilyIndex index = families_.add();
    Family& family = families_[index];
    family.name = std::move(classified.name);
    family.name.shrink_to_fit();
    family.type = classified.type;
    family.founder = id;
    order_.push_back(index);
    claims_.add(index);
    claims_changed(index);
    return index;
}

void Families::report_claimed(const Snapshot& snapshot, SeriesId id, std::string_view name,
                              FamilyIndex owner) {
    if (rows_[id].is_reported || !may_report()) return;
    rows_[id].is_reported = true;
    report_(
        fmt::format("{} would use the name {}, which {} uses already in another form; it came "
                    "later and is not sent. Rename one of them",
                    describe(snapshot.series[id]), name,
                    owner == no_family ? "the destination itself"
                                       : describe(snapshot.series[families_[owner].founder])));
}

// A counter may be one in OpenMetrics only while nobody else has its names there. The names of
// this family are claimed now, or free.
void Families::claims_changed(FamilyIndex index) {
    if (!settings_.open_metrics) return;
    const Family& family = families_[index];
    for (const NamePart part : parts_of(family.type, true)) {
        std::string name = family.name;
        name += suffix_of(part);
        look_at_counter(name);
        for (const std::string_view suffix :
             {std::string_view("_created"), std::string_view("_created_total")}) {
            if (!name.ends_with(suffix)) continue;
            look_at_counter(std::string_view(name).substr(0, name.size() - suffix.size()));
        }
    }
    if (family.type == FamilyType::counter) {
        const auto names = open_metrics_counter_names(family.name);
        if (names) look_at_counter(names->family);
    }
}

// The one that OpenMetrics would call so, if it is there.
void Families::look_at_counter(std::string_view name) {
    std::string sample(name);
    sample += "_total";
    const FamilyIndex found = claims_.family_called(sample);
    if (found == no_family || families_[found].type != FamilyType::counter) return;
    const auto names = open_metrics_counter_names(sample);
    const bool is_taken = !names || claims_.contains(names->family) ||
                          claims_.contains(names->created) ||
                          claims_.family_called(names->created + "_total") != no_family;
    families_[found].is_open_metrics_counter = !is_taken;
}

void Families::sort_members(const Snapshot& snapshot) {
    const auto before = [this](SeriesId a, SeriesId b) {
        const int order = rows_[a].labels().compare(rows_[b].labels());
        return order != 0 ? order < 0 : rows_[a].birth < rows_[b].birth;
    };
    for (const FamilyIndex index : unsorted_) {
        Family& family = families_[index];
        auto& members = family.members;
        const auto first_new = members.begin() + static_cast<std::ptrdiff_t>(family.sorted);
        std::sort(first_new, members.end(), before);
        std::inplace_merge(members.begin(), first_new, members.end(), before);
        drop_twins(snapshot, family);
        family.sorted = static_cast<std::uint32_t>(members.size());
    }
    unsorted_.clear();
}

void Families::sort_families() {
    const auto before = [this](FamilyIndex a, FamilyIndex b) {
        return families_[a].name < families_[b].name;
    };
    const auto first_new = order_.begin() + static_cast<std::ptrdiff_t>(ordered_);
    std::sort(first_new, order_.end(), before);
    std::inplace_merge(order_.begin(), first_new, order_.end(), before);
    ordered_ = order_.size();
}

// Of members with the same labels only the one born first stays.
void Families::drop_twins(const Snapshot& snapshot, Family& family) {
    const auto are_twins = [this](SeriesId a, SeriesId b) {
        return rows_[a].labels() == rows_[b].labels();
    };
    auto& members = family.members;
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
                        family.name, rows_[unique.back()].labels(), describe(snapshot.series[id])));
    }
    members.assign(unique.begin(), unique.end());
    elect_founder(family);
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
