#include "agent/aggregate/timer_cell.h"

#include <algorithm>
#include <cassert>

#include "agent/limits.h"

namespace pitot::agent {
namespace {

constexpr std::uint8_t capacity_log2_min = 2;

std::size_t capacity(TimerCell cell) {
    return cell.form == TimerForm::empty ? 0 : std::size_t{1} << cell.capacity_log2;
}

// A block for `values` numbers, with weights or without, holding what `cell` held.
TimerCell moved_to_new_block(TimerCell cell, Page& page, std::uint8_t capacity_log2,
                             TimerForm form) {
    const std::size_t room = std::size_t{1} << capacity_log2;
    const bool weighted = form == TimerForm::weighted_values;
    TimerCell moved{.place = page.values.allocate(weighted ? 2 * room : room),
                    .size = cell.size,
                    .capacity_log2 = capacity_log2,
                    .form = form};
    double* to = page.values.at(moved.place);
    const TimerValues from = values_of(cell, page);
    std::ranges::copy(from.values, to);
    if (weighted && from.weights.empty()) {
        std::fill_n(to + room, cell.size, 1.0);
    } else if (weighted) {
        std::ranges::copy(from.weights, to + room);
    }
    return moved;
}

TimerCell promoted(TimerCell cell, Page& page) {
    const TimerCell grown{.place = page.distributions.take(), .form = TimerForm::distribution};
    protocol::Distribution& distribution = page.distributions[grown.place];
    const TimerValues held = values_of(cell, page);
    for (std::size_t i = 0; i < held.values.size(); ++i) {
        distribution.add(held.values[i], held.weights.empty() ? 1.0 : held.weights[i]);
    }
    return grown;
}

}  // namespace

TimerValues values_of(TimerCell cell, Page& page) {
    assert(cell.form != TimerForm::distribution);
    if (cell.form == TimerForm::empty) return {};
    double* block = page.values.at(cell.place);
    TimerValues held{.values = {block, cell.size}, .weights = {}};
    if (cell.form == TimerForm::weighted_values) held.weights = {block + capacity(cell), cell.size};
    return held;
}

TimerCell add_values(TimerCell cell, Page& page, std::span<const double> values, double weight) {
    if (cell.form != TimerForm::distribution &&
        cell.size + values.size() > limits::exact_values_max) {
        cell = promoted(cell, page);
    }
    if (cell.form == TimerForm::distribution) {
        for (const double value : values) page.distributions[cell.place].add(value, weight);
        return cell;
    }

    const bool weighted = cell.form == TimerForm::weighted_values || weight != 1;
    const TimerForm form = weighted ? TimerForm::weighted_values : TimerForm::values;
    const std::size_t size = cell.size + values.size();
    if (size > capacity(cell) || form != cell.form) {
        std::uint8_t log2 = std::max(cell.capacity_log2, capacity_log2_min);
        while ((std::size_t{1} << log2) < size) ++log2;
        cell = moved_to_new_block(cell, page, log2, form);
    }
    double* block = page.values.at(cell.place);
    std::ranges::copy(values, block + cell.size);
    if (weighted) std::fill_n(block + capacity(cell) + cell.size, values.size(), weight);
    cell.size = static_cast<std::uint16_t>(size);
    return cell;
}

}  // namespace pitot::agent
