// The families of an exposition, by number.
//
// There may be one for each series (a metric without tags is a family of its own), so what is
// kept of a family is what cannot be made again of its members: headers are written anew at
// each flush (exposition.h), and names of its parts are put together where they are looked for
// (claims.h). One without parts and tags takes about 110 bytes.
//
// Used by the flush thread. Families do not move while they live.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/family.h"

namespace pitot::sinks::prometheus {

using FamilyIndex = std::uint32_t;
inline constexpr FamilyIndex no_family = 0xffffffff;

struct Family {
    std::string name;
    // Sorted by labels after each update. Two of them fit into what the vector takes anyway.
    boost::container::small_vector<protocol::SeriesId, 2> members;
    std::uint32_t sorted = 0;  // members before those that were just born
    // The member that claimed the name or, after its end, the one born first: HELP has its name
    // as its sender writes it.
    protocol::SeriesId founder = 0;
    FamilyType type = FamilyType::gauge;
    bool has_dead = false;  // members that left are still listed
    // A counter to OpenMetrics as well: nobody else has its names there.
    bool is_open_metrics_counter = false;
};

class FamilyStore {
public:
    FamilyIndex add() {
        if (free_.empty()) {
            families_.emplace_back();
            return static_cast<FamilyIndex>(families_.size() - 1);
        }
        const FamilyIndex index = free_.back();
        free_.pop_back();
        return index;
    }
    void release(FamilyIndex index) {
        families_[index] = Family{};
        free_.push_back(index);
    }

    Family& operator[](FamilyIndex index) { return families_[index]; }
    const Family& operator[](FamilyIndex index) const { return families_[index]; }

private:
    std::deque<Family> families_;
    std::vector<FamilyIndex> free_;
};

}  // namespace pitot::sinks::prometheus
