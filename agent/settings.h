// What the parts of the data path are told, worked out from the configuration.
//
// Shared by `pitot run` and `pitot once`, so that both count alike.
#pragma once

#include <cstdint>

#include "agent/aggregate/series_table.h"
#include "agent/config/config.h"
#include "agent/flush/merger.h"

namespace pitot::agent {

// Drawn at start, so that nobody outside can aim at a hash.
struct Seeds {
    std::uint64_t keys = 0;
    std::uint64_t members = 0;
};

TableSettings table_settings(const Config& config, const Seeds& seeds);
MergerSettings merger_settings(const Config& config, const Seeds& seeds, std::size_t shards);

}  // namespace pitot::agent
