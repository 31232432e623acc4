// Which metric names bring the most, by interval.
//
// A name's series are added up by a number that the name has here, looked up once in the life
// of a series: an interval costs an addition for each series with news, and a partial sort of
// the names. Names are remembered beyond their series, up to a bound, above which all are
// forgotten and learned anew.
//
// Used by the flush thread, through IntervalRecorder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "agent/status/interval_status.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// More than fit on a page beside all else help nobody.
inline constexpr std::size_t busiest_names_max = 10;
// Names remembered, of each kind of metric: some megabytes.
inline constexpr std::size_t known_names_max = 50'000;

class BusiestNames {
public:
    // The busiest first; at most busiest_names_max. Names without news are not among them.
    std::vector<BusyName> of(const protocol::Snapshot& snapshot);

private:
    struct Sum {
        std::string name;
        protocol::Kind kind{};
        double count = 0;
        std::size_t series = 0;
    };
    static constexpr std::uint32_t none = UINT32_MAX;

    // There is one for each series: the low half of a birth tells two lives of an id apart.
    struct Known {
        std::uint32_t birth = 0;
        std::uint32_t name = none;
    };
    struct TransparentHash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using NumberByName =
        boost::unordered_flat_map<std::string, std::uint32_t, TransparentHash, std::equal_to<>>;

    void add(const protocol::Series& series, protocol::SeriesId id, double count);
    std::uint32_t number_of(const protocol::Series& series);

    std::vector<NumberByName> numbers_;  // by kind
    std::vector<Sum> sums_;              // by number
    std::vector<Known> known_;           // by series id
    std::vector<std::uint32_t> met_;     // numbers with news, each once
};

}  // namespace pitot::agent
