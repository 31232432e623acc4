// Which metric names bring the most, by interval.
//
// Names are many where clients put an id into them, so no text is kept for each. An interval
// is looked at twice: first every series with news is added to one of some thousand buckets, by
// the hash of its name; then the names in the fullest buckets are added up by name. A name is
// never fuller than its bucket, so one is missed only if as many buckets as are looked at have
// more than it: all that stands out is found, and all there is where there is little.
//
// Used by the flush thread, through IntervalRecorder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/status/interval_status.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// More than fit on a page beside all else help nobody.
inline constexpr std::size_t busiest_names_max = 10;
// Of the fullest buckets so many are looked at, and more as long as few series are in them.
inline constexpr std::size_t fullest_buckets_min = 4 * busiest_names_max;
inline constexpr std::size_t series_looked_at_min = 4'096;

class BusiestNames {
public:
    // The busiest first; at most busiest_names_max. Names without news are not among them.
    std::vector<BusyName> of(const protocol::Snapshot& snapshot);

private:
    // As many as there are series, within these: 256 KiB at most.
    static constexpr std::size_t buckets_min = 256;
    static constexpr std::size_t buckets_max = 16'384;
    struct Bucket {
        double count = 0;
        std::uint32_t series = 0;
        bool is_looked_at = false;
    };

    // There are a power of two of them.
    Bucket& bucket_of(const protocol::Series& series) {
        return buckets_[series.name_hash % buckets_.size()];
    }
    void fill_buckets(const protocol::Snapshot& snapshot);
    void choose_buckets();
    std::vector<BusyName> names_of_chosen(const protocol::Snapshot& snapshot);

    std::vector<Bucket> buckets_;
    std::vector<Bucket*> filled_;  // those with news, each once
};

}  // namespace pitot::agent
