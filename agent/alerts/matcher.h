// Decides, once for each series, which feeds it belongs to and in which group.
//
// Only feeds of the series' name are looked at, and those whose name is a glob. Nothing here
// is done again at a flush.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/alerts/labels.h"
#include "agent/alerts/program.h"
#include "agent/alerts/regex.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

class Matcher {
public:
    // Feeds are numbered from 0 in the order in which they are added.
    void add(const Feed& feed);

    // visit(number of the feed, labels of the group).
    void match(const protocol::Series& series,
               const std::function<void(std::uint32_t, GroupLabels)>& visit) const;

private:
    struct TagCondition {
        std::string tag;
        MatchOperator match = MatchOperator::equal;
        std::string glob;
        Regex regex;

        bool holds(const protocol::Series& series) const;
    };
    struct Wanted {
        std::string metric;
        std::vector<TagCondition> conditions;
        Kinds accepts;
        Labels labels;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
    };

    void try_one(std::uint32_t number, const protocol::Series& series,
                 const std::function<void(std::uint32_t, GroupLabels)>& visit) const;

    std::vector<Wanted> wanted_;
    std::unordered_map<std::string, std::vector<std::uint32_t>, Hash, std::equal_to<>> by_name_;
    std::vector<std::uint32_t> globs_;
};

}  // namespace pitot::agent::alerts
