// Adds values to the cell of a timer, histogram or distribution.
//
// The first values of an interval are kept as they are, in a block that doubles; weights
// are kept beside them once there is one that is not 1. Beyond exact_values_max they
// become a Distribution. What to do with them is the flush's business.
#pragma once

#include <span>

#include "agent/aggregate/page.h"
#include "agent/aggregate/row_store.h"

namespace pitot::agent {

// Returns the cell as it is afterwards. `weight` finite and positive.
TimerCell add_values(TimerCell cell, Page& page, std::span<const double> values, double weight);

// The values of a cell whose form is not `distribution`, and their weights: none if all
// are 1. Writable, so that the flush can sort them where they are.
struct TimerValues {
    std::span<double> values;
    std::span<double> weights;
};
TimerValues values_of(TimerCell cell, Page& page);

}  // namespace pitot::agent
