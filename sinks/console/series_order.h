// The series with news in an interval, in the order that people and tests read them, and what
// is the same of each in every interval: its name, kind and tags, as text.
//
// Both are worked out when a series is born. An interval without births looks at each point
// once and sorts nothing.
//
// Used by the console's encoders, on the thread that flushes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks::console {

// A point of the snapshot: `index` into the column of the series' kind.
struct Updated {
    const protocol::Series* series = nullptr;
    std::uint32_t index = 0;
    std::string_view head;
};

class SeriesOrder {
public:
    // Appends the head of a series.
    using Head = void (*)(const protocol::Series& series, std::string& out);
    explicit SeriesOrder(Head head) : head_(head) {}

    // Sorted by name, kind (as the enumeration has them) and tags. Valid until the next call,
    // and as long as the snapshot.
    const std::vector<Updated>& update(const protocol::Snapshot& snapshot);

private:
    struct Row {
        std::uint64_t birth = 0;  // 0: nobody
        std::uint64_t seen = 0;   // the interval it was last there
        std::uint32_t index = 0;
        bool is_told = false;
        std::string head;
    };
    // A place in the order, of a series that may have died since.
    struct Place {
        protocol::SeriesId id = 0;
        std::uint64_t birth = 0;
    };

    template <class Points>
    void see(const protocol::Snapshot& snapshot, const Points& points);
    void settle_newborn(const protocol::Snapshot& snapshot);

    Head head_;
    std::uint64_t interval_ = 0;
    std::vector<Row> rows_;  // by SeriesId
    std::vector<Place> order_;
    std::vector<Place> newborn_;
    std::vector<Updated> updated_;
};

}  // namespace pitot::sinks::console
