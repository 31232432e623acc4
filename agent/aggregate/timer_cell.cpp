#include "agent/aggregate/timer_cell.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "agent/limits.h"

namespace pitot::agent {
namespace {

constexpr std::uint8_t capacity_log2_min = 2;

// The block of a distribution: the largest that held values by themselves.
constexpr std::uint8_t waiting_log2 = 5;
static_assert(std::size_t{1} << waiting_log2 == limits::exact_values_max);
// Its first number is the index of the distribution.
constexpr std::uint16_t first_waiting = 1;

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

// Without those that wait.
protocol::Distribution& begun_distribution(TimerCell cell, Page& page) {
    const auto index = std::bit_cast<std::uint64_t>(*page.values.at(cell.place));
    protocol::Distribution& distribution = page.distributions[static_cast<std::uint32_t>(index)];
    if (page.value_memory.is_tight()) distribution.limit_growth(limits::coarse_buckets_max);
    return distribution;
}

void add(protocol::Distribution& distribution, TimerValues held) {
    if (held.weights.empty()) {
        distribution.add(held.values);
        return;
    }
    for (std::size_t i = 0; i < held.values.size(); ++i) {
        distribution.add(held.values[i], held.weights[i]);
    }
}

TimerCell promoted(TimerCell cell, Page& page) {
    const std::uint32_t index = page.distributions.take();
    protocol::Distribution& distribution = page.distributions[index];
    if (page.value_memory.is_tight()) distribution.limit_growth(limits::coarse_buckets_max);
    add(distribution, values_of(cell, page));
    const bool has_block = capacity(cell) == limits::exact_values_max;
    const TimerCell grown{
        .place = has_block ? cell.place : page.values.allocate(limits::exact_values_max),
        .size = first_waiting,
        .capacity_log2 = waiting_log2,
        .form = TimerForm::distribution};
    *page.values.at(grown.place) = std::bit_cast<double>(std::uint64_t{index});
    return grown;
}

// Makes room for `count` further values, in a block or by becoming a distribution.
bool make_room(TimerCell& cell, Page& page, std::size_t count, bool weighted, Memory memory) {
    if (cell.form == TimerForm::distribution) return true;
    const std::size_t size = cell.size + count;
    weighted = weighted || cell.form == TimerForm::weighted_values;
    const TimerForm form = weighted ? TimerForm::weighted_values : TimerForm::values;
    if (size <= capacity(cell) && form == cell.form) return true;

    if (memory == Memory::limited && page.value_memory.is_full()) return false;
    if (size > limits::exact_values_max) {
        cell = promoted(cell, page);
        return true;
    }
    std::uint8_t log2 = std::max(cell.capacity_log2, capacity_log2_min);
    while ((std::size_t{1} << log2) < size) ++log2;
    cell = moved_to_new_block(cell, page, log2, form);
    return true;
}

// There is room, in a block.
void put(TimerCell& cell, Page& page, std::span<const double> values, double weight) {
    double* block = page.values.at(cell.place);
    std::ranges::copy(values, block + cell.size);
    if (cell.form == TimerForm::weighted_values) {
        std::fill_n(block + capacity(cell) + cell.size, values.size(), weight);
    }
    cell.size = static_cast<std::uint16_t>(cell.size + values.size());
}

void add_to_distribution(TimerCell& cell, Page& page, std::span<const double> values,
                         double weight) {
    if (weight != 1) {
        protocol::Distribution& distribution = begun_distribution(cell, page);
        for (const double value : values) distribution.add(value, weight);
        return;
    }
    if (cell.size + values.size() <= capacity(cell)) {
        put(cell, page, values, weight);
        return;
    }
    protocol::Distribution& distribution = distribution_of(cell, page);
    if (values.size() > 1) {
        distribution.add(values);
    } else {
        put(cell, page, values, weight);
    }
}

}  // namespace

protocol::Distribution& distribution_of(TimerCell& cell, Page& page) {
    assert(cell.form == TimerForm::distribution);
    protocol::Distribution& distribution = begun_distribution(cell, page);
    const double* block = page.values.at(cell.place);
    distribution.add(std::span(block + first_waiting, block + cell.size));
    cell.size = first_waiting;
    return distribution;
}

TimerValues values_of(TimerCell cell, Page& page) {
    assert(cell.form != TimerForm::distribution);
    if (cell.form == TimerForm::empty) return {};
    double* block = page.values.at(cell.place);
    TimerValues held{.values = {block, cell.size}, .weights = {}};
    if (cell.form == TimerForm::weighted_values) held.weights = {block + capacity(cell), cell.size};
    return held;
}

bool add_values(TimerCell& cell, Page& page, std::span<const double> values, double weight,
                Memory memory) {
    // The first value of most cells.
    const bool may_begin = memory == Memory::granted || !page.value_memory.is_full();
    if (cell.form == TimerForm::empty && values.size() == 1 && weight == 1 && may_begin) {
        cell = {.place = page.values.allocate(std::size_t{1} << capacity_log2_min),
                .size = 1,
                .capacity_log2 = capacity_log2_min,
                .form = TimerForm::values};
        *page.values.at(cell.place) = values.front();
        return true;
    }
    if (!make_room(cell, page, values.size(), weight != 1, memory)) return false;
    if (cell.form == TimerForm::distribution) {
        add_to_distribution(cell, page, values, weight);
    } else {
        put(cell, page, values, weight);
    }
    return true;
}

bool merge_values(PlacedTimer& into, PlacedTimer from, Memory memory) {
    const double unsent = into.unsent + from.unsent;
    if (from.cell.form == TimerForm::distribution) {
        if (into.cell.form == TimerForm::distribution) {
            distribution_of(into.cell, *into.page).merge(distribution_of(from.cell, *from.page));
            into.unsent = unsent;
            return true;
        }
        // A distribution takes in values where it is, and nothing below can fail.
        std::swap(into, from);
    }
    const TimerValues held = values_of(from.cell, *from.page);
    if (!make_room(into.cell, *into.page, held.values.size(), !held.weights.empty(), memory)) {
        return false;
    }
    if (into.cell.form == TimerForm::distribution) {
        add(begun_distribution(into.cell, *into.page), held);
    } else {
        for (std::size_t i = 0; i < held.values.size(); ++i) {
            const double weight = held.weights.empty() ? 1.0 : held.weights[i];
            put(into.cell, *into.page, held.values.subspan(i, 1), weight);
        }
    }
    into.unsent = unsent;
    return true;
}

}  // namespace pitot::agent
