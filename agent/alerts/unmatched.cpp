#include "agent/alerts/unmatched.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "agent/alerts/matcher.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// A name longer than this is compared by its beginning.
constexpr std::size_t compared_bytes_max = 128;

// Letters to be added, lost or changed.
std::size_t distance(std::string_view a, std::string_view b, std::vector<std::size_t>& row) {
    row.resize(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t change = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

// How many parts between dots `a` has that `b` has too.
std::size_t common_parts(std::string_view a, std::string_view b) {
    std::size_t common = 0;
    while (!a.empty()) {
        const std::string_view part = a.substr(0, a.find('.'));
        a.remove_prefix(std::min(a.size(), part.size() + 1));
        std::string_view rest = b;
        while (!part.empty() && !rest.empty()) {
            const std::string_view its = rest.substr(0, rest.find('.'));
            rest.remove_prefix(std::min(rest.size(), its.size() + 1));
            if (its != part) continue;
            ++common;
            break;
        }
    }
    return common;
}

// "timers, histograms and distributions"
std::string kinds_text(const Kinds& kinds) {
    std::vector<std::string> names;
    for (std::size_t number = 0; number < protocol::kind_count; ++number) {
        const auto kind = static_cast<protocol::Kind>(number);
        if (kinds.contains(kind)) names.push_back(std::string(to_string(kind)) + "s");
    }
    if (names.size() < 2) return names.empty() ? "none" : names.front();
    const std::string last = names.back();
    names.pop_back();
    return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

}  // namespace

std::vector<std::string> nearest_metrics(std::string_view wanted,
                                         const std::vector<std::string_view>& names) {
    struct Candidate {
        std::size_t distance = 0;
        std::size_t common = 0;
        std::string_view name;
    };
    wanted = wanted.substr(0, compared_bytes_max);
    std::vector<Candidate> candidates;
    std::vector<std::size_t> row;
    for (const std::string_view name : names) {
        const std::string_view compared = name.substr(0, compared_bytes_max);
        const std::size_t common = common_parts(wanted, compared);
        const bool is_within =
            compared.find(wanted) != std::string_view::npos ||
            (compared.size() >= 3 && wanted.find(compared) != std::string_view::npos);
        const std::size_t longer = std::max(wanted.size(), compared.size());
        const std::size_t shorter = std::min(wanted.size(), compared.size());
        // About one slip in three letters.
        const std::size_t slips_max = longer / 3;
        const bool may_be_near = longer - shorter <= slips_max;
        const std::size_t slips = may_be_near ? distance(wanted, compared, row) : longer;
        if (slips > slips_max && common == 0 && !is_within) continue;
        candidates.push_back({is_within ? std::min(slips, slips_max) : slips, common, name});
    }
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        return std::tie(a.distance, b.common, a.name) < std::tie(b.distance, a.common, b.name);
    });
    std::vector<std::string> nearest;
    for (const Candidate& candidate : candidates) {
        if (nearest.size() >= UnmatchedFinder::nearest_max) break;
        nearest.emplace_back(candidate.name);
    }
    return nearest;
}

UnmatchedFinder::UnmatchedFinder(std::vector<Feed> feeds, UnitOf unit_of,
                                 const std::vector<std::string>& derived)
    : unit_of_(std::move(unit_of)) {
    for (Feed& feed : feeds) {
        const bool is_derived = std::ranges::find(derived, feed.metric) != derived.end();
        places_.push_back({.feed = std::move(feed), .is_derived = is_derived});
    }
}

void UnmatchedFinder::look(const protocol::Snapshot& snapshot,
                           const std::vector<bool>& reads_series) {
    std::uint64_t newest = 0;
    const auto newest_birth = [&] {
        if (newest != 0) return newest;
        for (const protocol::Series& series : snapshot.series) {
            newest = std::max(newest, series.birth);
        }
        return newest;
    };
    for (std::size_t tried = 0; tried < places_.size(); ++tried) {
        turn_ = (turn_ + 1) % places_.size();
        Place& place = places_[turn_];
        if (reads_series[turn_] || place.compared_births >= newest_birth()) continue;
        place.compared_births = newest;
        compare(place, snapshot);
        return;
    }
}

void UnmatchedFinder::compare(Place& place, const protocol::Snapshot& snapshot) const {
    place.nearest.clear();
    place.reason = reason_of(place, snapshot);
    if (!place.reason.empty()) return;
    std::unordered_set<std::string_view> seen;
    for (const protocol::Series& series : snapshot.series) {
        if (seen.size() >= names_max) break;
        if (series.birth != 0) seen.insert(series.name());
    }
    place.nearest = nearest_metrics(place.feed.metric, {seen.begin(), seen.end()});
}

// What comes closest to being read says the most: a series with the name, then one that has the
// tags too, then one of a kind that is read.
std::string UnmatchedFinder::reason_of(const Place& place,
                                       const protocol::Snapshot& snapshot) const {
    Feed of_name = place.feed;
    of_name.accepts = all_kinds;
    Matcher with_tags;
    with_tags.add(of_name);
    of_name.matches.clear();
    Matcher with_name;
    with_name.add(of_name);
    const auto matches = [](const Matcher& matcher, const protocol::Series& series) {
        bool is_match = false;
        matcher.match(series, [&](std::uint32_t, const GroupLabels&) { is_match = true; });
        return is_match;
    };
    std::string reason;
    bool has_tags = false;
    for (const protocol::Series& series : snapshot.series) {
        if (series.birth == 0 || !matches(with_name, series)) continue;
        const std::string name = printable(series.name());
        if (!matches(with_tags, series)) {
            if (reason.empty()) {
                reason = fmt::format("no series of `{}` has the tags that are asked for", name);
            }
        } else if (!place.feed.accepts.contains(series.kind)) {
            if (has_tags) continue;
            has_tags = true;
            reason = fmt::format("`{}` is a {}, where {} are read", name, to_string(series.kind),
                                 kinds_text(place.feed.accepts));
        } else if (const auto unit = unit_of_ ? unit_of_(series.name()) : std::nullopt;
                   !factor_of(place.feed, series.kind, unit)) {
            return unfit_text(series, unit) + "; declare it in [units]";
        } else {
            return fmt::format("`{}` has found no room: alerts.max_state is used up", name);
        }
    }
    if (reason.empty() && place.is_derived) {
        return fmt::format("`{}` is derived, and has no value now", printable(place.feed.metric));
    }
    return reason;
}

}  // namespace pitot::agent::alerts
