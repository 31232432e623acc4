// Rules that read nothing, and why: a name that no series has is the usual reason why an alert
// does not fire, so the names that may have been meant are looked for. Where there are series
// of the name, their kind, their unit or their tags are not what the rule reads.
//
// Looks for one such place at a time and flush, and only when there are series that it has not
// compared with: a walk over all names of metrics costs milliseconds, and no flush should pay
// for a hundred of them. Used by Alerting, on the flush thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/program.h"
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

    using UnitOf = std::function<std::optional<Unit>(std::string_view)>;

    // One place for each leaf of each rule, in order. `derived`: names of derived series.
    UnmatchedFinder(std::vector<Feed> feeds, UnitOf unit_of,
                    const std::vector<std::string>& derived);

    // `reads_series`: by place. Looks at one of those that read none.
    void look(const protocol::Snapshot& snapshot, const std::vector<bool>& reads_series);
    const std::string& metric(std::size_t place) const { return places_[place].feed.metric; }
    // Why no series of that name is read: "`x` is a counter, where gauges are read". "": there
    // is none.
    const std::string& reason(std::size_t place) const { return places_[place].reason; }
    const std::vector<std::string>& nearest(std::size_t place) const {
        return places_[place].nearest;
    }

private:
    struct Place {
        Feed feed = {};
        bool is_derived = false;
        std::uint64_t compared_births = 0;  // the latest birth that it was compared with
        std::string reason = {};
        std::vector<std::string> nearest = {};
    };

    void compare(Place& place, const protocol::Snapshot& snapshot) const;
    std::string reason_of(const Place& place, const protocol::Snapshot& snapshot) const;

    std::vector<Place> places_;
    UnitOf unit_of_;
    std::size_t turn_ = 0;
};

}  // namespace pitot::agent::alerts
