#include "sinks/prometheus/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinks/prometheus/byte_chunks.h"
#include "sinks/prometheus/names.h"
#include "sinks/text_writer.h"

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
      families_(settings),
      claims_(families_, settings.reserved_names, settings.open_metrics) {}

void Families::update(const Snapshot& snapshot) {
    rows_.grow_to(snapshot.series.size());
    families_.look_at(snapshot.series);
    see_all(snapshot, snapshot.counters);
    see_all(snapshot, snapshot.gauges);
    see_all(snapshot, snapshot.timers);
    see_all(snapshot, snapshot.sets);

    const std::uint64_t points = snapshot.counters.size() + snapshot.gauges.size() +
                                 snapshot.timers.size() + snapshot.sets.size();
    if (alive_ + newborn_.size() > points) {
        bury_unseen(snapshot);
    }
    const bool somebody_died = !with_dead_.empty();
    forget_dead(snapshot);
    const bool somebody_is_untold =
        std::exchange(reports_, 0) > reports_max && kept_back_.size() <= kept_back_told_max;
    if (somebody_died || somebody_is_untold) {
        // A name may be free now: whoever waits for one is placed anew. Who still has to be told
        // of gets a turn.
        for (const KeptBack& waiting : kept_back_) newborn_.push_back(waiting.id);
        alive_ -= kept_back_.size();
        kept_back_.clear();
    }
    std::ranges::sort(newborn_, {}, [&](SeriesId id) { return snapshot.series[id].birth; });
    for (const SeriesId id : newborn_) place(snapshot, id);
    sort_members(snapshot);
    sort_families();
    report_rest();
    // An interval with many births is seldom followed by others.
    newborn_ = std::vector<SeriesId>();
    unsorted_ = std::vector<Unsorted>();
}

template <class Points>
void Families::see_all(const Snapshot& snapshot, const Points& points) {
    for (std::uint32_t index = 0; index < points.size(); ++index) {
        const SeriesId id = points[index].id;
        Row& row = rows_[id];
        const auto birth = static_cast<std::uint32_t>(snapshot.series[id].birth);
        if (row.birth != birth || !row.is_in_use) {
            if (row.is_in_use) bury(id);
            row.birth = birth;
            row.is_in_use = true;
            newborn_.push_back(id);
        }
        row.point = index;
    }
}

void Families::bury(SeriesId id) {
    Row& row = rows_[id];
    if (row.family == no_family) {
        dead_kept_back_ = true;
    } else if (bool& has_dead = families_.has_dead(row.family); !has_dead) {
        has_dead = true;
        with_dead_.push_back(row.family);
    }
    if (row.is_raised) raised_.erase(id);
    if (row.kind != protocol::Kind::counter && row.own[0] != 0) {
        bucket_counts_[row.own[0] - 1].reset();
        free_bucket_counts_.push_back(row.own[0]);
    }
    labels_.release(row.labels);
    row = Row{};
    --alive_;
}

// Those without a point: where theirs was, there is none now, or another series'.
void Families::bury_unseen(const Snapshot& snapshot) {
    const auto is_at = [](const auto& points, std::uint32_t point, SeriesId id) {
        return point < points.size() && points[point].id == id;
    };
    const auto is_seen = [&](SeriesId id) {
        const std::uint32_t point = rows_[id].point;
        switch (snapshot.series[id].kind) {
            case protocol::Kind::counter:
                return is_at(snapshot.counters, point, id);
            case protocol::Kind::gauge:
                return is_at(snapshot.gauges, point, id);
            case protocol::Kind::set:
                return is_at(snapshot.sets, point, id);
            case protocol::Kind::timer:
            case protocol::Kind::histogram:
            case protocol::Kind::distribution:
                break;
        }
        return is_at(snapshot.timers, point, id);
    };
    for (SeriesId id = 0; id < rows_.size(); ++id) {
        if (rows_[id].is_in_use && (id >= snapshot.series.size() || !is_seen(id))) bury(id);
    }
}

double* Families::bucket_counts(Row& row, std::size_t size) {
    if (row.own[0] == 0) {
        if (free_bucket_counts_.empty()) {
            bucket_counts_.emplace_back();
            free_bucket_counts_.push_back(static_cast<std::uint32_t>(bucket_counts_.size()));
        }
        row.own[0] = free_bucket_counts_.back();
        bucket_counts_[row.own[0] - 1] = std::make_unique<double[]>(size);
        free_bucket_counts_.pop_back();
    }
    return bucket_counts_[row.own[0] - 1].get();
}

// Takes the dead out of their families before anybody moves in under their ids.
void Families::forget_dead(const Snapshot& snapshot) {
    std::vector<FamilyIndex> ended;
    for (const FamilyIndex index : with_dead_) {
        if (forget_dead(snapshot, index)) ended.push_back(index);
    }
    with_dead_.clear();
    for (const FamilyIndex index : ended) claims_.remove(index);
    if (!ended.empty()) {
        look_at_hindered();
        std::erase_if(order_,
                      [this](FamilyIndex index) { return families_[index].members.empty(); });
        ordered_ = order_.size();
    }
    for (const FamilyIndex index : ended) families_.release(index);
    if (std::exchange(dead_kept_back_, false)) {
        std::erase_if(kept_back_, [&](const KeptBack& waiting) {
            const Row& row = rows_[waiting.id];
            return !row.is_in_use || row.birth != waiting.birth;
        });
    }
}

// True when nobody is left.
bool Families::forget_dead(const Snapshot& snapshot, FamilyIndex index) {
    families_.has_dead(index) = false;
    std::vector<SeriesId> living;
    for (const SeriesId id : families_[index].members) {
        if (rows_[id].family == index) living.push_back(id);
    }
    keep_members(snapshot, index, living);
    return living.empty();
}

// Only these of them, in their order; the one born first is the founder if the founder left.
void Families::keep_members(const Snapshot& snapshot, FamilyIndex index,
                            std::span<const SeriesId> members) {
    SeriesId founder = families_[index].founder;
    if (!members.empty() && std::ranges::find(members, founder) == members.end()) {
        founder = *std::ranges::min_element(members, {},
                                            [&](SeriesId id) { return snapshot.series[id].birth; });
    }
    families_.set_members(index, members, founder);
}

void Families::place(const Snapshot& snapshot, SeriesId id) {
    const Series& series = snapshot.series[id];
    Row& row = rows_[id];
    ++alive_;
    const Classified classified = classify(series, settings_);
    row.kind = series.kind;
    row.rule = classified.rule & Row::rules_max;  // no_rule too
    const Labels labels = labels_of(series, row);
    row.family = claim(snapshot, id, classified);
    if (row.family == no_family) {
        keep_back(id);
        return;
    }
    row.labels = labels_.add(labels.text);
    const Family family = families_[row.family];
    const bool is_founder = family.founder == id;  // and a member already
    if (bool& has_newborn = families_.has_newborn(row.family); !has_newborn) {
        has_newborn = true;
        const auto sorted = static_cast<std::uint32_t>(family.members.size());
        unsorted_.push_back({.family = row.family, .sorted = is_founder ? 0 : sorted});
    }
    if (!is_founder) families_.add_member(row.family, id);
}

Labels Families::labels_of(const Series& series, Row& row) {
    Labels labels = label_text(series.tags().split(), settings_.reserved_labels);
    if (labels.merged > 0 && !row.is_merge_reported) {
        row.is_merge_reported = true;
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
    labels_.release(std::exchange(row.labels, 0));
    kept_back_.push_back({.id = id, .birth = row.birth});
}

// The family of that name and type, made now if nobody uses any of its names. None, after a
// report, when somebody does.
FamilyIndex Families::claim(const Snapshot& snapshot, SeriesId id, const Classified& classified) {
    const FamilyIndex existing = claims_.family_called(classified.name);
    if (existing != no_family && families_.type(existing) == classified.type) return existing;

    std::string name = classified.name;
    for (const NamePart part : parts_of(classified.type, settings_.open_metrics)) {
        name.resize(classified.name.size());
        name += suffix_of(part);
        if (const auto taken = claims_.find(name)) {
            report_claimed(snapshot, id, name, *taken);
            return no_family;
        }
    }
    const FamilyIndex index = families_.add(Claims::hash_of(classified.name), classified.type);
    families_.add_member(index, id);
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
// this family are claimed now.
void Families::claims_changed(FamilyIndex index) {
    if (!settings_.open_metrics) return;
    const std::string family_name = families_.name(index);
    const FamilyType type = families_.type(index);
    for (const NamePart part : parts_of(type, true)) {
        std::string name = family_name;
        name += suffix_of(part);
        look_at_counter(name);
        for (const std::string_view suffix :
             {std::string_view("_created"), std::string_view("_created_total")}) {
            if (!name.ends_with(suffix)) continue;
            look_at_counter(std::string_view(name).substr(0, name.size() - suffix.size()));
        }
    }
    if (type == FamilyType::counter) {
        const auto names = open_metrics_counter_names(family_name);
        if (names) look_at_counter(names->family);
    }
}

// Names of families that ended are free now, and are not known any more: whoever waits for any
// is looked at.
void Families::look_at_hindered() {
    for (const FamilyIndex index : std::exchange(hindered_, {})) {
        families_.is_hindered(index) = false;
        if (families_[index].members.empty()) continue;
        const auto names = open_metrics_counter_names(families_.name(index));
        if (names) look_at_counter(names->family);
    }
}

// The one that OpenMetrics would call so, if it is there.
void Families::look_at_counter(std::string_view name) {
    std::string sample(name);
    sample += "_total";
    const FamilyIndex found = claims_.family_called(sample);
    if (found == no_family || families_.type(found) != FamilyType::counter) return;
    const auto names = open_metrics_counter_names(sample);
    const bool is_taken = !names || claims_.contains(names->family) ||
                          claims_.contains(names->created) ||
                          claims_.family_called(names->created + "_total") != no_family;
    families_.set_open_metrics_counter(found, !is_taken);
    if (bool& is_hindered = families_.is_hindered(found); is_taken && !is_hindered) {
        is_hindered = true;
        hindered_.push_back(found);
    }
}

void Families::sort_members(const Snapshot& snapshot) {
    const auto before = [&](SeriesId a, SeriesId b) {
        const int order = labels(rows_[a]).compare(labels(rows_[b]));
        return order != 0 ? order < 0 : snapshot.series[a].birth < snapshot.series[b].birth;
    };
    for (const Unsorted& unsorted : unsorted_) {
        families_.has_newborn(unsorted.family) = false;
        if (families_[unsorted.family].members.size() < 2) continue;
        const std::span<SeriesId> members = families_.several_members(unsorted.family);
        const auto first_new = members.begin() + static_cast<std::ptrdiff_t>(unsorted.sorted);
        std::sort(first_new, members.end(), before);
        std::inplace_merge(members.begin(), first_new, members.end(), before);
        drop_twins(snapshot, unsorted.family);
        families_.trim_members(unsorted.family);
    }
}

// Names are made where they are compared: of those that were just founded once each, of the
// others where one of these may go. Gaps between them are crossed in leaps that double.
void Families::sort_families() {
    if (ordered_ == order_.size()) return;
    struct Founded {
        std::string_view name;
        FamilyIndex family = no_family;
    };
    std::vector<Founded> founded;
    ByteChunks names;
    std::string name;
    for (std::size_t i = ordered_; i < order_.size(); ++i) {
        families_.write_name(order_[i], name);
        char* const at = names.room(name.size());
        names.wrote(write_bytes(name, at));
        founded.push_back({.name = {at, name.size()}, .family = order_[i]});
    }
    std::ranges::sort(founded, {}, &Founded::name);

    const auto is_before = [&](FamilyIndex family, std::string_view other) {
        families_.write_name(family, name);
        return name < other;
    };
    std::vector<FamilyIndex> order;
    order.reserve(order_.size());
    std::span<const FamilyIndex> rest = std::span(order_).first(ordered_);
    for (const Founded& next : founded) {
        std::size_t leap = 1;
        while (leap < rest.size() && is_before(rest[leap], next.name)) leap *= 2;
        const auto within = rest.first(std::min(leap, rest.size()));
        const auto gap = static_cast<std::size_t>(
            std::lower_bound(within.begin(), within.end(), next.name, is_before) - within.begin());
        order.insert(order.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(gap));
        order.push_back(next.family);
        rest = rest.subspan(gap);
    }
    order.insert(order.end(), rest.begin(), rest.end());
    order_ = std::move(order);
    ordered_ = order_.size();
}

// Of members with the same labels only the one born first stays.
void Families::drop_twins(const Snapshot& snapshot, FamilyIndex index) {
    const auto are_twins = [this](SeriesId a, SeriesId b) {
        return labels(rows_[a]) == labels(rows_[b]);
    };
    const Family family = families_[index];
    const auto first = std::ranges::adjacent_find(family.members, are_twins);
    if (first == family.members.end()) return;
    std::vector<SeriesId> unique(family.members.begin(), first);
    for (auto member = first; member != family.members.end(); ++member) {
        const SeriesId id = *member;
        if (unique.empty() || !are_twins(unique.back(), id)) {
            unique.push_back(id);
            continue;
        }
        keep_back(id);
        if (rows_[id].is_reported || !may_report()) continue;
        rows_[id].is_reported = true;
        report_(fmt::format(
            "{} and {} would both be {}{{{}}}; {} came later and is not sent. "
            "Rename one of them",
            describe(snapshot.series[unique.back()]), describe(snapshot.series[id]),
            families_.name(index), labels(rows_[unique.back()]), describe(snapshot.series[id])));
    }
    keep_members(snapshot, index, unique);
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
