// The groups of one side of an expression, numbered, and how two sides are joined.
//
// A group keeps its number as long as it lives; numbers are used again. generation() changes
// whenever a group comes or goes, so that whoever has worked something out for all groups (a
// join) knows when to do so again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/alerts/labels.h"

namespace pitot::agent::alerts {

using GroupId = std::uint32_t;
inline constexpr GroupId no_group = UINT32_MAX;

struct Group {
    std::string key;  // key_of(labels)
    GroupLabels labels;
    bool is_alive = false;
};

class GroupTable {
public:
    GroupId find(std::string_view key) const;
    // Finds it or makes it.
    GroupId add(GroupLabels labels);
    void remove(GroupId group);
    void clear();

    // By number; look at is_alive for holes.
    const std::vector<Group>& all() const { return groups_; }
    const Group& operator[](GroupId group) const { return groups_[group]; }
    std::size_t size() const { return groups_.size() - free_.size(); }
    std::uint64_t generation() const { return generation_; }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const {
            return std::hash<std::string_view>{}(key);
        }
    };
    std::vector<Group> groups_;
    std::vector<GroupId> free_;
    std::unordered_map<std::string, GroupId, Hash, std::equal_to<>> numbers_;
    std::uint64_t generation_ = 1;
};

// Two sides of an operator, group by group.
class Join {
public:
    Join(Labels left, Labels right);

    // Either may be null: a constant, which is everybody's partner.
    void update(const GroupTable* left, const GroupTable* right);

    // Null for two constants.
    const GroupTable* groups() const { return groups_; }
    // The group of the left (right) side that belongs to one of groups(); no_group for none.
    GroupId left(GroupId group) const { return left_.empty() ? group : left_[group]; }
    GroupId right(GroupId group) const { return right_.empty() ? group : right_[group]; }

private:
    void unite(const GroupTable& left, const GroupTable& right);

    Labels left_labels_;
    Labels right_labels_;
    const GroupTable* groups_ = nullptr;
    std::uint64_t left_generation_ = 0;
    std::uint64_t right_generation_ = 0;
    GroupTable union_;
    // By group; empty where numbers are the same.
    std::vector<GroupId> left_;
    std::vector<GroupId> right_;
};

}  // namespace pitot::agent::alerts
