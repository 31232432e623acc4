// Rules that read nothing, and what they may have meant: a name that no series has is the
// usual reason why an alert does not fire.
//
// Looks for one such place at a time and flush, and only when there are series that it has not
// compared with: a walk over all names of metrics costs milliseconds, and no flush should pay
// for a hundred of them. Used by Alerting, on the flush thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

// Names that are like `wanted`, the likest first: the same but for a few letters, parts
// between dots in common, or one within the other.
std::vector<std::string> nearest_metrics(std::string_view wanted,
                                         const std::vector<std::string_view>& names);

class UnmatchedFinder {
public:
    // Names that are compared; a host with more has a name for each customer.
    static constexpr std::size_t names_max = 20'000;
    static constexpr std::size_t nearest_max = 3;

    // One place for each leaf of each rule, in order.
    explicit UnmatchedFinder(std::vector<std::string> metrics);

    // `reads_series`: by place. Looks at one of those that read none.
    void look(const protocol::Snapshot& snapshot, const std::vector<bool>& reads_series);
    const std::string& metric(std::size_t place) const { return places_[place].metric; }
    const std::vector<std::string>& nearest(std::size_t place) const {
        return places_[place].nearest;
    }

private:
    struct Place {
        std::string metric = {};
        std::uint64_t compared_births = 0;  // the latest birth that it was compared with
        std::vector<std::string> nearest = {};
    };
    std::vector<Place> places_;
    std::size_t turn_ = 0;
};

}  // namespace pitot::agent::alerts
