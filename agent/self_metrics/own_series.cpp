#include "agent/self_metrics/own_series.h"

#include <cassert>
#include <utility>

#include "agent/aggregate/timer_cell.h"

namespace pitot::agent {
namespace {

// One page only, and one cell of each row.
constexpr PageIndex page_index = 0;

// Of the values of one interval: some hundred timers with all the values that a look at them
// brings are less than half of it, where nothing gets coarser.
constexpr std::uint64_t value_bytes_max = 8ULL << 20U;

// Some dozen metrics for each of the sinks and listeners that a configuration may have.
constexpr std::size_t rows_max = 65'536;

}  // namespace

OwnSeries::OwnSeries(Additions additions, const protocol::HistogramShape& histogram)
    : additions_(std::move(additions)), rows_(rows_max), page_(histogram, value_bytes_max) {}

RowId OwnSeries::add(std::string_view name, std::span<const protocol::Tag> tags,
                     protocol::Kind kind) {
    protocol::Identity identity{.name = name, .tags = tags};
    const protocol::Reject refused = adder_.add(additions_, ClientHost::unsaid, identity);
    assert(refused == protocol::Reject::none);  // prefix and tags are bounded where they are read
    static_cast<void>(refused);
    const SeriesKey key = canonicalizer_.key_of(identity, kind);
    const std::string& text = texts_.emplace_back(std::string(key.name).append(key.tags));

    assert(rows_.has_room());
    const RowId row = rows_.add();
    rows_[row].kind = kind;
    rows_[row].in_use = true;
    page_.births.push_back({.text = text.data(),
                            .row = row,
                            .name_bytes = static_cast<std::uint16_t>(key.name.size()),
                            .tags_bytes = static_cast<std::uint16_t>(key.tags.size()),
                            .kind = kind});
    return row;
}

Row& OwnSeries::touch(RowId id) {
    Row& row = rows_[id];
    if (std::exchange(row.touched_turn, turn_) != turn_) page_.touched.push_back(id);
    return row;
}

void OwnSeries::count(RowId counter, double by) {
    Row& row = touch(counter);
    assert(row.kind == protocol::Kind::counter);
    row.set_cell(page_index, row.cell<double>(page_index) + by);
}

void OwnSeries::set(RowId gauge, double value) {
    Row& row = touch(gauge);
    assert(row.kind == protocol::Kind::gauge);
    auto place = row.cell<std::uint64_t>(page_index);
    if (place == 0) {
        page_.gauges.emplace_back();
        place = page_.gauges.size();
        row.set_cell(page_index, place);
    }
    page_.gauges[place - 1] = {.value = value, .moved = 0, .set_at_ns = 0};
}

void OwnSeries::time(RowId timer, std::span<const double> values_ms, double weight) {
    if (values_ms.empty()) return;
    Row& row = touch(timer);
    assert(row.kind == protocol::Kind::timer);
    auto cell = row.cell<TimerCell>(page_index);
    const bool added = add_values(cell, page_, values_ms, weight, Memory::granted);
    assert(added);
    static_cast<void>(added);
    row.set_cell(page_index, cell);
}

ShardPage OwnSeries::close() {
    return {.rows = &rows_, .closed = {.page = &page_, .index = page_index, .turn = turn_++}};
}

}  // namespace pitot::agent
