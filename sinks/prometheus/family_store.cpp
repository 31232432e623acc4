#include "sinks/prometheus/family_store.h"

#include <cassert>

namespace pitot::sinks::prometheus {
namespace {

// A number that is free, or the next one.
template <class Element>
std::uint32_t take_number(Chunked<Element>& elements, std::vector<std::uint32_t>& free) {
    if (free.empty()) {
        elements.grow_to(elements.size() + 1);
        return static_cast<std::uint32_t>(elements.size() - 1);
    }
    const std::uint32_t number = free.back();
    free.pop_back();
    return number;
}

}  // namespace

FamilyIndex FamilyStore::add(std::uint32_t hash, FamilyType type) {
    const FamilyIndex index = take_number(kept_, free_);
    kept_[index].hash = hash;
    kept_[index].type = type;
    return index;
}

void FamilyStore::release(FamilyIndex index) {
    Kept& kept = kept_[index];
    if (kept.is_group) release_group(kept.member);
    kept = Kept{};
    free_.push_back(index);
}

void FamilyStore::add_member(FamilyIndex index, protocol::SeriesId id) {
    Kept& kept = kept_[index];
    if (!kept.has_member) {
        kept.has_member = true;
        kept.member = id;
        return;
    }
    if (!kept.is_group) {
        const std::uint32_t number = take_number(groups_, free_groups_);
        groups_[number].members = {kept.member};
        groups_[number].founder = kept.member;
        kept.member = number;
        kept.is_group = true;
    }
    groups_[kept.member].members.push_back(id);
}

void FamilyStore::set_members(FamilyIndex index, std::span<const protocol::SeriesId> members,
                              protocol::SeriesId founder) {
    Kept& kept = kept_[index];
    if (members.size() > 1) {
        assert(kept.is_group);
        Group& group = groups_[kept.member];
        group.founder = founder;
        group.members.assign(members.begin(), members.end());
        trim(group.members);
        return;
    }
    const protocol::SeriesId only = members.empty() ? 0 : members.front();
    if (kept.is_group) release_group(kept.member);
    kept.is_group = false;
    kept.has_member = !members.empty();
    kept.member = only;
}

void FamilyStore::trim_members(FamilyIndex index) {
    const Kept& kept = kept_[index];
    if (kept.is_group) trim(groups_[kept.member].members);
}

void FamilyStore::release_group(std::uint32_t number) {
    groups_[number] = Group{};
    free_groups_.push_back(number);
}

}  // namespace pitot::sinks::prometheus
