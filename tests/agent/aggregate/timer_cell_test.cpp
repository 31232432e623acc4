// The forms of a timer's cell, how one becomes the other, and what happens when there is no
// memory for it.
#include "agent/aggregate/timer_cell.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "agent/limits.h"

namespace pitot::agent {
namespace {

constexpr std::uint64_t plenty = 64ULL << 20U;

std::vector<double> counted_from(double first, std::size_t count) {
    std::vector<double> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
}

// By reference: what waits in the cell's block is added to its distribution.
double count_in(Page& page, TimerCell& cell) {
    if (cell.form == TimerForm::distribution) {
        return distribution_of(cell, page).count();
    }
    const TimerValues held = values_of(cell, page);
    if (held.weights.empty()) return static_cast<double>(held.values.size());
    return std::accumulate(held.weights.begin(), held.weights.end(), 0.0);
}

double sum_in(Page& page, TimerCell& cell) {
    if (cell.form == TimerForm::distribution) {
        return distribution_of(cell, page).sum();
    }
    const TimerValues held = values_of(cell, page);
    double sum = 0;
    for (std::size_t i = 0; i < held.values.size(); ++i) {
        sum += held.values[i] * (held.weights.empty() ? 1.0 : held.weights[i]);
    }
    return sum;
}

TEST_CASE("values stay as they are up to the bound, weights are kept once there is one") {
    struct Step {
        std::size_t count;
        double weight;
        TimerForm form;
        double total_count;
    };
    Page page({}, plenty);
    TimerCell cell;
    CHECK(values_of(cell, page).values.empty());
    for (const Step& step :
         {Step{1, 1, TimerForm::values, 1}, Step{4, 1, TimerForm::values, 5},
          Step{3, 2, TimerForm::weighted_values, 11}, Step{24, 1, TimerForm::weighted_values, 35},
          Step{1, 1, TimerForm::distribution, 36}, Step{9, 0.5, TimerForm::distribution, 40.5}}) {
        CAPTURE(step.total_count);
        REQUIRE(add_values(cell, page, counted_from(1, step.count), step.weight, Memory::limited));
        CHECK(cell.form == step.form);
        CHECK(count_in(page, cell) == step.total_count);
    }
}

TEST_CASE("a line of many values is a distribution at once") {
    Page page({}, plenty);
    TimerCell cell;
    const std::vector<double> many = counted_from(1, limits::exact_values_max + 1);
    REQUIRE(add_values(cell, page, many, 1, Memory::limited));
    CHECK(cell.form == TimerForm::distribution);
    CHECK(count_in(page, cell) == limits::exact_values_max + 1);
}

// All forms that a cell can have, by how many values of which weight made it.
struct Content {
    std::size_t count;
    double weight;
};
constexpr Content contents[] = {{1, 1}, {20, 1}, {32, 1}, {5, 4}, {32, 4}, {33, 1}, {100, 2}};

TEST_CASE("merging gives what one cell would have become, whichever page is first") {
    for (const Content& left : contents) {
        for (const Content& right : contents) {
            CAPTURE(left.count);
            CAPTURE(right.count);
            Page first({}, plenty);
            Page second({}, plenty);
            PlacedTimer into{.page = &first, .cell = {}};
            PlacedTimer from{.page = &second, .cell = {}};
            const std::vector<double> low = counted_from(1, left.count);
            const std::vector<double> high = counted_from(1'000, right.count);
            REQUIRE(add_values(into.cell, first, low, left.weight, Memory::limited));
            REQUIRE(add_values(from.cell, second, high, right.weight, Memory::limited));
            const double count = count_in(*into.page, into.cell) + count_in(*from.page, from.cell);
            const double sum = sum_in(*into.page, into.cell) + sum_in(*from.page, from.cell);
            REQUIRE(merge_values(into, from, Memory::limited));
            CHECK(count_in(*into.page, into.cell) == count);
            CHECK(sum_in(*into.page, into.cell) == sum);
            CHECK((into.cell.form == TimerForm::distribution) ==
                  (left.count + right.count > limits::exact_values_max));
        }
    }
}

TEST_CASE("values one by one, in line, are those of a run") {
    for (const std::size_t before_it : {0U, 1U, 4U, 40U}) {
        for (const double weight : {1.0, 4.0}) {
            Page page({}, plenty);
            TimerCell one_by_one;
            TimerCell run;
            const std::vector<double> first = counted_from(1, before_it);
            REQUIRE(add_values(one_by_one, page, first, weight, Memory::limited));
            REQUIRE(add_values(run, page, first, weight, Memory::limited));
            for (int i = 0; i < 40; ++i) {
                const double value = 100 + i;
                REQUIRE(add_value(one_by_one, page, value, Memory::limited));
                REQUIRE(add_values(run, page, {&value, 1}, 1, Memory::limited));
                CHECK(one_by_one.form == run.form);
                CHECK(count_in(page, one_by_one) == count_in(page, run));
                CHECK(sum_in(page, one_by_one) == sum_in(page, run));
            }
        }
    }
}

TEST_CASE("values that wait for a distribution are added when their block is full, or asked for") {
    Page page({}, plenty);
    TimerCell cell;
    protocol::Distribution plain;
    REQUIRE(add_values(cell, page, counted_from(1, 33), 1, Memory::limited));
    plain.add(counted_from(1, 33));
    const std::uint32_t block = cell.place;
    for (std::size_t i = 0; i < 5 * limits::exact_values_max; ++i) {
        CAPTURE(i);
        const double value = static_cast<double>(i * i % 97) - 40;
        const double weight = i % 50 == 49 ? 2.5 : 1.0;
        REQUIRE(add_values(cell, page, {&value, 1}, weight, Memory::limited));
        plain.add(value, weight);
        CHECK(cell.form == TimerForm::distribution);
        CHECK(cell.place == block);
        CHECK(cell.size <= limits::exact_values_max);
        if (i % 41 != 40) continue;
        const protocol::Distribution& distribution = distribution_of(cell, page);
        CHECK(cell.size == 1);
        CHECK(distribution.count() == plain.count());
        CHECK(distribution.sum() == plain.sum());
        CHECK(distribution.minimum() == plain.minimum());
        CHECK(distribution.maximum() == plain.maximum());
        CHECK(distribution.standard_deviation() ==
              doctest::Approx(plain.standard_deviation()).epsilon(1e-14));
        CHECK(std::ranges::equal(distribution.histogram().positive().counts,
                                 plain.histogram().positive().counts));
        CHECK(std::ranges::equal(distribution.histogram().negative().counts,
                                 plain.histogram().negative().counts));
    }
    CHECK(page.distributions.used() == 1);
}

TEST_CASE("without memory a cell takes what it has room for, refuses the rest, and stays whole") {
    Page page({}, 16'384);  // less than the first chunk of numbers
    REQUIRE_FALSE(page.value_memory.is_full());
    TimerCell cell;
    REQUIRE(add_values(cell, page, counted_from(1, 1), 1, Memory::limited));  // fills it
    REQUIRE(page.value_memory.is_full());
    CHECK(add_values(cell, page, counted_from(2, 3), 1, Memory::limited));        // the block's
    CHECK_FALSE(add_values(cell, page, counted_from(5, 1), 1, Memory::limited));  // a larger one
    CHECK_FALSE(add_values(cell, page, counted_from(5, 40), 1, Memory::limited));
    CHECK(cell.size == 4);
    CHECK(sum_in(page, cell) == 10);

    TimerCell other;
    CHECK_FALSE(add_values(other, page, counted_from(1, 1), 1, Memory::limited));
    CHECK(other.form == TimerForm::empty);

    CHECK(add_values(cell, page, counted_from(5, 40), 1, Memory::granted));
    CHECK(cell.form == TimerForm::distribution);
    CHECK(count_in(page, cell) == 44);
    CHECK(add_values(cell, page, counted_from(-1e6, 40), 1, Memory::limited));  // coarser
    CHECK(count_in(page, cell) == 84);
}

TEST_CASE("a merge that is refused leaves both sides as they were") {
    Page full({}, 16'384);
    Page other({}, plenty);
    PlacedTimer into{.page = &full, .cell = {}};
    REQUIRE(add_values(into.cell, full, counted_from(1, 4), 1, Memory::limited));
    TimerCell exact;
    REQUIRE(add_values(exact, other, counted_from(1, 30), 2, Memory::limited));
    CHECK_FALSE(merge_values(into, {&other, exact}, Memory::limited));
    CHECK(into.page == &full);
    CHECK(count_in(*into.page, into.cell) == 4);
    CHECK(count_in(other, exact) == 60);
    // A distribution in a page with memory takes the values in.
    TimerCell large;
    REQUIRE(add_values(large, other, counted_from(1, 40), 1, Memory::limited));
    CHECK(merge_values(into, {&other, large}, Memory::limited));
    CHECK(into.page == &other);
    CHECK(count_in(*into.page, into.cell) == 44);
}

}  // namespace
}  // namespace pitot::agent
