// Adds values to the cell of a timer, histogram or distribution, and merges the cells that
// several shards hold of one series.
//
// The first values of an interval are kept as they are, in a block that doubles; weights
// are kept beside them once there is one that is not 1. Beyond exact_values_max they
// become a Distribution, and their block is where further ones wait: they are added when it
// is full, all at once, so that a distribution, which is seldom in a cache, is waited for
// once in 31 values. Where memory is tight (memory_meter.h), distributions grow to
// coarse_buckets_max buckets only; where it is full, a cell that would take more of it
// refuses. What to do with the values is the flush's business.
#pragma once

#include <span>

#include "agent/aggregate/page.h"
#include "agent/aggregate/row_store.h"

namespace pitot::agent {

// False, with the cell as it was, when that takes memory which there is not. `weight` finite
// and positive.
[[nodiscard]] bool add_values(TimerCell& cell, Page& page, std::span<const double> values,
                              double weight, Memory memory);

// The same for one value of weight 1. Inline: of many clients every third line comes here.
[[nodiscard]] inline bool add_value(TimerCell& cell, Page& page, double value, Memory memory) {
    const bool has_room = cell.form >= TimerForm::values && cell.size >> cell.capacity_log2 == 0;
    if (!has_room) [[unlikely]]
        return add_values(cell, page, {&value, 1}, 1, memory);
    page.values.at(cell.place)[cell.size++] = value;
    return true;
}

// A cell that is not empty, and the page that holds its values.
struct PlacedTimer {
    Page* page = nullptr;
    TimerCell cell;
    double unsent = 0;  // values that clients have left out (page.h)
};
// Adds the values of `from`, and those unsent, to `into`, which afterwards may lie in the page of
// either. False, with both as they were, when that takes memory which there is not.
[[nodiscard]] bool merge_values(PlacedTimer& into, PlacedTimer from, Memory memory);

// The distribution of a cell that is one, with the values that waited for it.
protocol::Distribution& distribution_of(TimerCell& cell, Page& page);

// The values of a cell whose form is not `distribution`, and their weights: none if all
// are 1. Writable, so that the flush can sort them where they are.
struct TimerValues {
    std::span<double> values;
    std::span<double> weights;
};
TimerValues values_of(TimerCell cell, Page& page);

}  // namespace pitot::agent
