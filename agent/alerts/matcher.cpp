#include "agent/alerts/matcher.h"

#include <algorithm>
#include <utility>

#include "agent/alerts/glob.h"

namespace pitot::agent::alerts {

namespace {

// A tag may be there several times; one that is not there is an empty one.
template <typename Holds>
bool any_value(const protocol::Series& series, std::string_view tag, Holds holds) {
    bool is_there = false;
    for (const protocol::Tag each : series.tags()) {
        if (each.key != tag) continue;
        is_there = true;
        if (holds(each.value)) return true;
    }
    return !is_there && holds(std::string_view{});
}

std::string capture_name(std::size_t number) {
    return "$" + std::to_string(number + 1);
}

GroupLabels labels_of(const protocol::Series& series, const Labels& wanted,
                      const std::vector<std::string_view>& captures) {
    GroupLabels all;
    for (std::size_t number = 0; number < captures.size(); ++number) {
        all.push_back({capture_name(number), std::string(captures[number])});
    }
    for (const protocol::Tag tag : series.tags()) {
        all.push_back({std::string(tag.key), std::string(tag.value)});
    }
    std::ranges::sort(all);
    return projected(all, wanted);
}

}  // namespace

bool Matcher::TagCondition::holds(const protocol::Series& series) const {
    const auto is_equal = [&](std::string_view value) { return matches_value_glob(glob, value); };
    const auto is_matched = [&](std::string_view value) { return regex.matches(value); };
    switch (match) {
        case MatchOperator::equal:
            return any_value(series, tag, is_equal);
        case MatchOperator::not_equal:
            return !any_value(series, tag, is_equal);
        case MatchOperator::matches:
            return any_value(series, tag, is_matched);
        case MatchOperator::not_matches:
            return !any_value(series, tag, is_matched);
    }
    return false;
}

void Matcher::add(const Feed& feed) {
    Wanted wanted{
        .metric = feed.metric, .conditions = {}, .accepts = feed.accepts, .labels = feed.labels};
    for (const TagMatch& match : feed.matches) {
        TagCondition condition{
            .tag = match.tag, .match = match.match, .glob = match.pattern, .regex = {}};
        // The parser has compiled it once, so that it does compile.
        if (auto regex = Regex::compile(match.pattern)) condition.regex = std::move(*regex);
        wanted.conditions.push_back(std::move(condition));
    }
    const auto number = static_cast<std::uint32_t>(wanted_.size());
    if (is_glob(feed.metric)) {
        globs_.push_back(number);
    } else {
        by_name_[feed.metric].push_back(number);
    }
    wanted_.push_back(std::move(wanted));
}

void Matcher::match(const protocol::Series& series,
                    const std::function<void(std::uint32_t, GroupLabels)>& visit) const {
    if (const auto named = by_name_.find(series.name()); named != by_name_.end()) {
        for (const std::uint32_t number : named->second) try_one(number, series, visit);
    }
    for (const std::uint32_t number : globs_) try_one(number, series, visit);
}

void Matcher::try_one(std::uint32_t number, const protocol::Series& series,
                      const std::function<void(std::uint32_t, GroupLabels)>& visit) const {
    const Wanted& wanted = wanted_[number];
    if (!wanted.accepts.contains(series.kind)) return;
    std::vector<std::string_view> captures;
    if (is_glob(wanted.metric) && !matches_name_glob(wanted.metric, series.name(), captures))
        return;
    const bool holds = std::ranges::all_of(
        wanted.conditions, [&](const TagCondition& each) { return each.holds(series); });
    if (holds) visit(number, labels_of(series, wanted.labels, captures));
}

}  // namespace pitot::agent::alerts
