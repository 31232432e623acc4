// The families of an exposition, by number.
//
// There may be one for each series (a metric without tags is a family of its own), so what is
// kept of a family is what cannot be made again of its members: headers are written anew at
// each flush (exposition.h), and names of its parts are put together where they are looked for
// (claims.h). A family of one series takes 12 bytes and its name's in a TextArena; a list of
// members is for those that have several.
//
// Used by the flush thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/chunked.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/text_arena.h"

namespace pitot::sinks::prometheus {

using FamilyIndex = std::uint32_t;
inline constexpr FamilyIndex no_family = 0xffffffff;

// What the store says of one. Views are valid until the family changes or is released.
struct Family {
    std::string_view name;
    // Sorted by labels after each update.
    std::span<const protocol::SeriesId> members;
    // The member that claimed the name or, after its end, the one born first: HELP has its name
    // as its sender writes it.
    protocol::SeriesId founder = 0;
    FamilyType type = FamilyType::gauge;
    // A counter to OpenMetrics as well: nobody else has its names there.
    bool is_open_metrics_counter = false;
};

class FamilyStore {
public:
    // One that has no member yet.
    FamilyIndex add(std::string_view name, FamilyType type);
    void release(FamilyIndex index);

    Family operator[](FamilyIndex index) const {
        Family family = unnamed(index);
        family.name = name(index);
        return family;
    }
    // All but its name, which lies elsewhere.
    Family unnamed(FamilyIndex index) const {
        const Kept& kept = kept_[index];
        Family family{.name = {},
                      .members = {&kept.member, kept.has_member ? 1U : 0U},
                      .founder = kept.member,
                      .type = kept.type,
                      .is_open_metrics_counter = kept.is_open_metrics_counter};
        if (kept.is_group) {
            const Group& group = groups_[kept.member];
            family.members = group.members;
            family.founder = group.founder;
        }
        return family;
    }
    std::string_view name(FamilyIndex index) const { return texts_[kept_[index].name]; }
    FamilyType type(FamilyIndex index) const { return kept_[index].type; }
    // Of the order of members and of founders nothing is known here.
    void add_member(FamilyIndex index, protocol::SeriesId id);
    // `members` are at most as many as before; none is possible.
    void set_members(FamilyIndex index, std::span<const protocol::SeriesId> members,
                     protocol::SeriesId founder);
    // To be put into another order; only where there are several.
    std::span<protocol::SeriesId> several_members(FamilyIndex index) {
        return groups_[kept_[index].member].members;
    }
    // After births: gives back what they left unused.
    void trim_members(FamilyIndex index);
    void set_open_metrics_counter(FamilyIndex index, bool is_one) {
        kept_[index].is_open_metrics_counter = is_one;
    }

    // A mark on a family, for whoever changes families; false at first. The first has members
    // that died, the other ones that are not sorted in.
    bool& has_dead(FamilyIndex index) { return kept_[index].has_dead; }
    bool& has_newborn(FamilyIndex index) { return kept_[index].has_newborn; }

    // Fetched early, in this order, it is read without waiting: what is kept of a family, and
    // its name.
    const void* near(FamilyIndex index) const { return &kept_[index]; }
    const void* near_name(FamilyIndex index) const { return texts_.near(kept_[index].name); }

    // Of the series' labels too: one arena for all that is short.
    TextArena& texts() { return texts_; }
    const TextArena& texts() const { return texts_; }

private:
    struct Kept {
        TextArena::Handle name = 0;
        std::uint32_t member = 0;  // the only one; or the number of a group
        FamilyType type = FamilyType::gauge;
        bool has_member : 1 = false;
        bool is_group : 1 = false;
        bool is_open_metrics_counter : 1 = false;
        bool has_dead = false;
        bool has_newborn = false;
    };
    static_assert(sizeof(Kept) == 12);
    struct Group {
        std::vector<protocol::SeriesId> members;
        protocol::SeriesId founder = 0;
    };

    void release_group(std::uint32_t number);

    TextArena texts_;
    Chunked<Kept> kept_;
    std::vector<FamilyIndex> free_;
    Chunked<Group> groups_;
    std::vector<std::uint32_t> free_groups_;
};

}  // namespace pitot::sinks::prometheus
