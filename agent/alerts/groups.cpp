#include "agent/alerts/groups.h"

#include <utility>

namespace pitot::agent::alerts {

namespace {

// For each group of `all`, the one of `part` that it belongs to.
std::vector<GroupId> partners(const GroupTable& all, const GroupTable& part,
                              const Labels& part_labels) {
    std::vector<GroupId> found(all.all().size(), no_group);
    for (GroupId group = 0; group < found.size(); ++group) {
        if (!all[group].is_alive) continue;
        found[group] = part.find(key_of(projected(all[group].labels, part_labels)));
    }
    return found;
}

}  // namespace

GroupId GroupTable::find(std::string_view key) const {
    const auto found = numbers_.find(key);
    return found == numbers_.end() ? no_group : found->second;
}

GroupId GroupTable::add(GroupLabels labels) {
    std::string key = key_of(labels);
    const auto next = free_.empty() ? static_cast<GroupId>(groups_.size()) : free_.back();
    const auto [entry, is_new] = numbers_.try_emplace(key, next);
    if (!is_new) return entry->second;
    if (free_.empty()) {
        groups_.emplace_back();
    } else {
        free_.pop_back();
    }
    groups_[next] = {std::move(key), std::move(labels), true};
    ++generation_;
    return next;
}

void GroupTable::remove(GroupId group) {
    numbers_.erase(groups_[group].key);
    groups_[group] = {};
    free_.push_back(group);
    ++generation_;
}

void GroupTable::clear() {
    groups_.clear();
    free_.clear();
    numbers_.clear();
    ++generation_;
}

Join::Join(Labels left, Labels right)
    : left_labels_(std::move(left)), right_labels_(std::move(right)) {}

void Join::update(const GroupTable* left, const GroupTable* right) {
    if (left == right || left == nullptr || right == nullptr) {
        groups_ = left != nullptr ? left : right;
        // A constant has one value, its number is 0.
        return;
    }
    const bool is_known = groups_ != nullptr && left_generation_ == left->generation() &&
                          right_generation_ == right->generation();
    if (is_known) return;
    left_generation_ = left->generation();
    right_generation_ = right->generation();
    left_.clear();
    right_.clear();
    if (left_labels_ == right_labels_) {
        unite(*left, *right);
    } else if (is_subset(right_labels_, left_labels_)) {
        groups_ = left;
        right_ = partners(*left, *right, right_labels_);
    } else {
        groups_ = right;
        left_ = partners(*right, *left, left_labels_);
    }
}

// Equal labels: every group of either side, since one of them may decide alone (`or`).
void Join::unite(const GroupTable& left, const GroupTable& right) {
    union_.clear();
    for (const Group& group : left.all()) {
        if (group.is_alive) union_.add(group.labels);
    }
    for (const Group& group : right.all()) {
        if (group.is_alive) union_.add(group.labels);
    }
    for (const Group& group : union_.all()) {
        left_.push_back(left.find(group.key));
        right_.push_back(right.find(group.key));
    }
    groups_ = &union_;
}

}  // namespace pitot::agent::alerts
