// The series with news in one interval, in the order that people and tests read them.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks::console {

// A point of the snapshot: `index` into the column of the series' kind.
struct Updated {
    const protocol::Series* series = nullptr;
    std::uint32_t index = 0;
};

// Sorted by name, kind (as the enumeration has them) and tags. Valid as long as the snapshot.
std::vector<Updated> updated_series(const protocol::Snapshot& snapshot);

}  // namespace pitot::sinks::console
