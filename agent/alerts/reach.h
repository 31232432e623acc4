// What rules read of series that there are: `pitot check --explain` with --live or --lines.
//
//     const Reach reach(config, series);
//     reach.of(programs)      for each selector: how many series, in how many groups, five of
//                             them; or why there is none, and which names are near
//
// Series are matched, grouped and refused for their unit by what the agent does it with
// (matcher.h, program.h, unmatched.h); values do not matter here, so there are none. One pass
// over the series at the beginning, for all rules; then one for each selector that reads
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/alerts/groups.h"
#include "agent/alerts/program.h"
#include "agent/alerts/unmatched.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

// Series of a selector that are shown: enough to see whether they are those that were meant.
inline constexpr std::size_t reach_examples_max = 5;

struct FeedReach {
    std::uint64_t series = 0;
    std::size_t groups = 0;                  // `expect`ed ones too
    std::vector<std::string> examples = {};  // `checkout.time{service="pay"}`
    // Of a selector that reads nothing.
    std::string reason = {};                // why no series of its name is read; "": there is none
    std::vector<std::string> nearest = {};  // names, the nearest first
};

struct RuleReach {
    std::size_t instances = 0;  // groups of the whole expression, of its first program
    std::size_t bytes = 0;      // that windows take with the groups that there are
};

class Reach {
public:
    // `config` outlives it; `series` need not. The built-in rules, which are about the agent
    // itself and known to be right, are left out.
    Reach(const AlertsConfig& config, std::span<const protocol::Series> series);

    // `feed` is one of a rule or derived series that it was made of.
    const FeedReach& of(const Feed& feed) const;
    // Of the levels of one rule, the first first.
    RuleReach of(std::span<const Program* const> programs) const;

private:
    void add(const Program& program);
    std::size_t place_of(const Feed& feed) const;
    std::size_t instances_of(const Program& program) const;
    void match(std::span<const protocol::Series> series, const UnmatchedFinder::UnitOf& unit_of);
    void find_reasons(const AlertsConfig& config, const UnmatchedFinder::UnitOf& unit_of,
                      std::span<const protocol::Series> series);

    std::vector<const Feed*> feeds_;  // each once
    std::vector<FeedReach> reaches_;  // beside them
    std::vector<GroupTable> groups_;  // likewise
};

}  // namespace pitot::agent::alerts
