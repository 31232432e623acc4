// Reads the gateway's 400: which metric family does it complain about?
//
// Verified with 1.5.1. The whole push is refused for one family, and the answer names it:
//
//   … collected metric "x" { label:<…> } is not a COUNTER
//   … gathered metric family go_goroutines has type COUNTER but should have GAUGE
//   … collected histogram or summary named "s" collides with previously collected metric
//     named "s_count"
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "sinks/batch.h"

namespace pitot::sinks::pushgateway {

// The item of `batch` that is the named family; empty when none is. A guess that costs
// nothing to check: the rest is pushed again at once.
std::optional<std::size_t> suspect_family(std::string_view answer, const Batch& batch);

}  // namespace pitot::sinks::pushgateway
