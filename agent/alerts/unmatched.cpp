#include "agent/alerts/unmatched.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_set>
#include <utility>

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

UnmatchedFinder::UnmatchedFinder(std::vector<std::string> metrics) {
    for (std::string& metric : metrics) places_.push_back({.metric = std::move(metric)});
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
        std::unordered_set<std::string_view> seen;
        for (const protocol::Series& series : snapshot.series) {
            if (seen.size() >= names_max) break;
            if (series.birth != 0) seen.insert(series.name);
        }
        place.nearest = nearest_metrics(place.metric, {seen.begin(), seen.end()});
        return;
    }
}

}  // namespace pitot::agent::alerts
