#include "agent/alerts/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <utility>

#include "agent/alerts/matcher.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// Of a name or a tag of an example.
constexpr std::size_t part_characters_max = 120;
// Tags of an example; who has more is known by these.
constexpr std::size_t example_tags_max = 12;

// As a rule would ask for it.
std::string text_of(const protocol::Series& series) {
    std::string text = printable(series.name(), part_characters_max);
    if (series.tags().empty()) return text;
    text += '{';
    std::size_t shown = 0;
    for (const protocol::Tag tag : series.tags()) {
        if (shown > 0) text += ", ";
        if (shown++ == example_tags_max) {
            text += "…";
            break;
        }
        text += fmt::format("{}=\"{}\"", printable(tag.key, part_characters_max),
                            printable(tag.value, part_characters_max));
    }
    return text + '}';
}

}  // namespace

Reach::Reach(const AlertsConfig& config, std::span<const protocol::Series> series) {
    for (const RuleDefinition& definition : config.rules) {
        if (definition.is_built_in) continue;
        for (const Level& level : definition.rule.levels) {
            add(level.condition);
            if (level.clear) add(*level.clear);
        }
    }
    for (const DerivedSeries& derived : config.derived) add(derived.expression);
    reaches_.resize(feeds_.size());
    groups_.resize(feeds_.size());
    const auto unit_of = unit_lookup(config.units);
    match(series, unit_of);
    find_reasons(config, unit_of, series);
}

void Reach::add(const Program& program) {
    for (const Feed& feed : program.feeds) {
        const bool is_known =
            std::ranges::any_of(feeds_, [&](const Feed* known) { return *known == feed; });
        if (!is_known) feeds_.push_back(&feed);
    }
}

void Reach::match(std::span<const protocol::Series> series,
                  const UnmatchedFinder::UnitOf& unit_of) {
    Matcher matcher;
    for (const Feed* const feed : feeds_) matcher.add(*feed);
    for (std::size_t place = 0; place < feeds_.size(); ++place) {
        for (const GroupLabels& labels : feeds_[place]->expected) groups_[place].add(labels);
    }
    for (const protocol::Series& each : series) {
        if (each.birth == 0) continue;
        std::optional<std::optional<Unit>> unit;  // looked up once, where something matches
        matcher.match(each, [&](std::uint32_t place, GroupLabels labels) {
            if (!unit) unit = unit_of(each.name());
            if (!factor_of(*feeds_[place], each.kind, *unit)) return;
            FeedReach& reach = reaches_[place];
            ++reach.series;
            groups_[place].add(std::move(labels));
            if (reach.examples.size() < reach_examples_max) reach.examples.push_back(text_of(each));
        });
    }
    for (std::size_t place = 0; place < feeds_.size(); ++place) {
        reaches_[place].groups = groups_[place].size();
    }
}

void Reach::find_reasons(const AlertsConfig& config, const UnmatchedFinder::UnitOf& unit_of,
                         std::span<const protocol::Series> series) {
    std::vector<Feed> feeds;
    std::vector<bool> reads_series;
    for (std::size_t place = 0; place < feeds_.size(); ++place) {
        feeds.push_back(*feeds_[place]);
        reads_series.push_back(reaches_[place].series > 0);
    }
    std::vector<std::string> derived;
    derived.reserve(config.derived.size());
    for (const DerivedSeries& each : config.derived) derived.push_back(each.name);
    UnmatchedFinder finder(std::move(feeds), unit_of, derived);
    protocol::Snapshot snapshot;
    snapshot.series = series;
    // One place at a time, as in the flush.
    for (std::size_t i = 0; i < feeds_.size(); ++i) finder.look(snapshot, reads_series);
    for (std::size_t place = 0; place < feeds_.size(); ++place) {
        if (reads_series[place]) continue;
        reaches_[place].reason = finder.reason(place);
        reaches_[place].nearest = finder.nearest(place);
    }
}

std::size_t Reach::place_of(const Feed& feed) const {
    const auto found =
        std::ranges::find_if(feeds_, [&](const Feed* known) { return *known == feed; });
    assert(found != feeds_.end());
    return static_cast<std::size_t>(found - feeds_.begin());
}

const FeedReach& Reach::of(const Feed& feed) const {
    return reaches_[place_of(feed)];
}

// The groups of each step, as the evaluator joins them.
std::size_t Reach::instances_of(const Program& program) const {
    std::vector<const GroupTable*> groups(program.steps.size());
    std::vector<std::unique_ptr<Join>> joins;
    const auto joined = [&](const Labels& left_labels, const GroupTable* left,
                            const Labels& right_labels, const GroupTable* right) {
        joins.push_back(std::make_unique<Join>(left_labels, right_labels));
        joins.back()->update(left, right);
        return joins.back()->groups();
    };
    const auto groups_of = [&](std::uint32_t feed) {
        return &groups_[place_of(program.feeds[feed])];
    };
    for (StepId id = 0; id < program.steps.size(); ++id) {
        const Step& step = program.steps[id];
        if (step.type == Step::Type::measure) {
            groups[id] = groups_of(step.feed);
        } else if (step.type == Step::Type::ratio) {
            groups[id] = joined(program.feeds[step.feed].labels, groups_of(step.feed),
                                program.feeds[step.divisor].labels, groups_of(step.divisor));
        } else if (step.operands.size() == 2) {
            const StepId left = step.operands[0];
            const StepId right = step.operands[1];
            groups[id] = joined(program.steps[left].labels, groups[left],
                                program.steps[right].labels, groups[right]);
        } else if (step.operands.size() == 1) {
            groups[id] = groups[step.operands[0]];
        }
    }
    const GroupTable* const root = groups[program.root];
    return root == nullptr ? 1 : root->size();
}

RuleReach Reach::of(std::span<const Program* const> programs) const {
    RuleReach reach{.instances = instances_of(*programs.front())};
    std::vector<std::size_t> counted;
    for (const Program* const program : programs) {
        for (const Feed& feed : program->feeds) {
            const std::size_t place = place_of(feed);
            if (std::ranges::find(counted, place) != counted.end()) continue;
            counted.push_back(place);
            reach.bytes += group_bytes_max(feed) * reaches_[place].groups;
        }
    }
    return reach;
}

}  // namespace pitot::agent::alerts
