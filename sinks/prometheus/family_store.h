// The families of an exposition, by number.
//
// There may be one for each series (a metric without tags is a family of its own), so what is
// kept of a family is what cannot be made again of its members: headers are written anew at
// each flush (exposition.h), its name is made of its founder's, and names of its parts are put
// together where they are looked for (claims.h). A family of one series takes 16 bytes; a list
// of members is for those that have several.
//
// Used by the flush thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/chunked.h"
#include "sinks/prometheus/family.h"

namespace pitot::sinks::prometheus {

using FamilyIndex = std::uint32_t;
inline constexpr FamilyIndex no_family = 0xffffffff;

// What the store says of one. The view is valid until the family changes or is released.
struct Family {
    // Sorted by labels after each update.
    std::span<const protocol::SeriesId> members;
    // The member that claimed the name or, after its end, the one born first: HELP has its name
    // as its sender writes it. All members make the same name of a family.
    protocol::SeriesId founder = 0;
    FamilyType type = FamilyType::gauge;
    // A counter to OpenMetrics as well: nobody else has its names there.
    bool is_open_metrics_counter = false;
};

class FamilyStore {
public:
    // `settings` outlive it.
    explicit FamilyStore(const ExpositionSettings& settings) : settings_(settings) {}

    // The series that names are made of from now on; valid until the next call.
    void look_at(std::span<const protocol::Series> series) { series_ = series; }

    // One that has no member yet. `hash` of its name is kept, for after its founder's end.
    FamilyIndex add(std::uint32_t hash, FamilyType type);
    void release(FamilyIndex index);

    Family operator[](FamilyIndex index) const {
        const Kept& kept = kept_[index];
        Family family{.members = {&kept.member, kept.has_member ? 1U : 0U},
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
    // Its name, in place of what `out` was. It has members, and its founder is alive.
    void write_name(FamilyIndex index, std::string& out) const {
        const protocol::Series& founder = series_[(*this)[index].founder];
        write_family_name(founder.name(), founder.kind, settings_, out);
    }
    std::string name(FamilyIndex index) const {
        std::string name;
        write_name(index, name);
        return name;
    }
    std::uint32_t hash(FamilyIndex index) const { return kept_[index].hash; }
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

    // Marks on a family, for whoever changes families; false at first. It has members that died;
    // ones that are not sorted in; it is no counter to OpenMetrics while others have its names.
    bool& has_dead(FamilyIndex index) { return kept_[index].has_dead; }
    bool& has_newborn(FamilyIndex index) { return kept_[index].has_newborn; }
    bool& is_hindered(FamilyIndex index) { return kept_[index].is_hindered; }

    // Fetched early, it is read without waiting.
    const void* near(FamilyIndex index) const { return &kept_[index]; }

private:
    struct Kept {
        std::uint32_t hash = 0;
        std::uint32_t member = 0;  // the only one; or the number of a group
        FamilyType type = FamilyType::gauge;
        bool has_member : 1 = false;
        bool is_group : 1 = false;
        bool is_open_metrics_counter : 1 = false;
        bool has_dead = false;
        bool has_newborn = false;
        bool is_hindered = false;
    };
    static_assert(sizeof(Kept) == 16);
    struct Group {
        std::vector<protocol::SeriesId> members;
        protocol::SeriesId founder = 0;
    };

    void release_group(std::uint32_t number);

    const ExpositionSettings& settings_;
    std::span<const protocol::Series> series_;
    Chunked<Kept> kept_;
    std::vector<FamilyIndex> free_;
    Chunked<Group> groups_;
    std::vector<std::uint32_t> free_groups_;
};

}  // namespace pitot::sinks::prometheus
