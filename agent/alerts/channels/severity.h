// Severities in their order, for min_severity.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "agent/alerts/definition.h"

namespace pitot::agent::alerts::channels {

// One that is not in the list counts as the highest: no filter may swallow what it does not
// know.
inline std::size_t rank_of(std::string_view severity) {
    return static_cast<std::size_t>(std::ranges::find(severities, severity) - severities.begin());
}

}  // namespace pitot::agent::alerts::channels
