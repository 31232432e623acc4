// The rows of a shard: what is known of each series between two lines of it.
//
// A row is permanent as long as its series lives, and addressed by number. Its value has
// two cells, one for the page that is open and one for the page that the flush reads, so
// that turning the page moves nothing.
//
// Threads: the shard owns all of it, but for the cells of the rows that the closed page lists,
// which the flush reads and empties (page.h tells how the page changes hands). Rows never move: the
// directory of chunks has its full size from the start, so the flush can walk rows while the shard
// adds some.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "agent/aggregate/key_table.h"
#include "protocol/sample.h"

namespace pitot::agent {

using RowId = std::uint32_t;

// Which of the two cells of a row: 0 or 1.
using PageIndex = std::uint32_t;

// How the values of a timer are held within one page. From `values` on, a further value of
// weight 1 is put into the block, as long as that has room.
enum class TimerForm : std::uint8_t {
    empty,
    weighted_values,  // a block of numbers, then as many weights
    values,           // a block of numbers
    distribution,     // a block: the index of a distribution in the page's pool, then numbers that
                      // wait to be added to it
};

struct TimerCell {
    std::uint32_t place = 0;  // offset of the block
    std::uint16_t size = 0;   // numbers in it
    std::uint8_t capacity_log2 = 0;
    TimerForm form = TimerForm::empty;
};
static_assert(sizeof(TimerCell) == sizeof(std::uint64_t));

// Aligned so that none lies in two cache lines.
struct alignas(32) Row {
    KeyTable::Handle spellings = 0;        // first of the chain; the last is the canonical one
    std::uint32_t touched_turn = 0;        // turn in which it last had a sample
    protocol::Kind kind{};                 // of its series
    bool in_use = false;                   // has a series
    bool is_overflow = false;              // takes what had no room elsewhere
    std::uint8_t aliases = 0;              // spellings but the canonical one
    std::array<std::uint64_t, 2> cells{};  // by page; what they hold depends on the kind

    // Counters: the sum of the interval. Gauges and sets: an index in the page, plus one.
    // Timers: a TimerCell. A cell of an untouched row is all zero.
    template <typename Value>
    Value cell(PageIndex page) const noexcept {
        static_assert(sizeof(Value) == sizeof(std::uint64_t));
        return std::bit_cast<Value>(cells[page]);
    }
    template <typename Value>
    void set_cell(PageIndex page, Value value) noexcept {
        static_assert(sizeof(Value) == sizeof(std::uint64_t));
        cells[page] = std::bit_cast<std::uint64_t>(value);
    }
};
static_assert(sizeof(Row) == 32, "two rows to a cache line");

class RowStore {
public:
    explicit RowStore(std::size_t rows_max)
        : chunks_(rows_max / rows_per_chunk + 1), rows_max_(chunks_.size() * rows_per_chunk) {}

    Row& operator[](RowId row) noexcept {
        assert(row / rows_per_chunk < chunks_.size() && chunks_[row / rows_per_chunk]);
        return chunks_[row / rows_per_chunk][row % rows_per_chunk];
    }

    bool has_room() const noexcept { return !free_.empty() || count_ < rows_max_; }

    // The caller sees to it that there is room: series_table.cpp counts its series.
    RowId add() {
        assert(has_room());
        ++in_use_;
        if (!free_.empty()) {
            const RowId row = free_.back();
            free_.pop_back();
            return row;
        }
        if (count_ % rows_per_chunk == 0) {
            chunks_[count_ / rows_per_chunk] = std::make_unique<Row[]>(rows_per_chunk);
        }
        return static_cast<RowId>(count_++);
    }

    // Forgets what the row says; its number stays taken, and counts as in use, until
    // release().
    void clear(RowId row) noexcept { (*this)[row] = Row{}; }
    void release(RowId row) {
        free_.push_back(row);
        --in_use_;
    }

    std::size_t in_use() const noexcept { return in_use_; }
    std::size_t bytes() const noexcept { return bytes_of(count_); }
    // The same after add().
    std::size_t bytes_with_another() const noexcept {
        return bytes_of(free_.empty() ? count_ + 1 : count_);
    }

private:
    static constexpr std::size_t rows_per_chunk = 4'096;  // 128 KiB

    static std::size_t bytes_of(std::size_t rows) noexcept {
        return (rows + rows_per_chunk - 1) / rows_per_chunk * rows_per_chunk * sizeof(Row);
    }

    std::vector<std::unique_ptr<Row[]>> chunks_;  // never resized
    std::size_t rows_max_;
    std::size_t count_ = 0;  // rows ever used; ids are below it
    std::size_t in_use_ = 0;
    std::vector<RowId> free_;
};

}  // namespace pitot::agent
