// What one shard has seen in one interval.
//
// A table has two pages. The open one is the shard's: it fills it. When the flush asks,
// the shard turns the page (SeriesTable::turn) and the closed one is the flush's until it
// asks again: it reads it, empties the cells of the rows listed in `touched`, and calls
// reset(). The question is posted to the shard's event loop and the answer passed under a
// mutex (ShardSet), which is what orders memory between the two threads; a page has no locks
// and no atomics.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/aggregate/memory_meter.h"
#include "agent/aggregate/pool.h"
#include "agent/aggregate/row_store.h"
#include "agent/aggregate/series_key.h"
#include "agent/aggregate/span_arena.h"
#include "agent/aggregate/value_arena.h"
#include "protocol/compensated_sum.h"
#include "protocol/distribution.h"
#include "protocol/event.h"
#include "protocol/reject.h"
#include "protocol/snapshot.h"
#include "protocol/unique_count.h"

namespace pitot::agent {

// A row that came into being in this page. Its text stays where it is until the flush has read,
// and reset, the page that has the row among those retired: it may keep views.
struct Birth {
    const char* text = nullptr;  // the name and, right behind it, the tags: a canonical key
    RowId row = 0;
    std::uint16_t name_bytes = 0;
    std::uint16_t tags_bytes = 0;
    protocol::Kind kind{};

    SeriesKey key() const noexcept {
        return {.name = {text, name_bytes}, .tags = {text + name_bytes, tags_bytes}, .kind = kind};
    }
};
static_assert(sizeof(Birth) == 24, "all series may be born in one page");

// What happened to a gauge: the last value set, and how far it moved since then, or since
// the interval began if it was not set.
struct GaugeCell {
    double value = 0;
    double moved = 0;
    std::int64_t set_at_ns = never;  // steady clock of the receive batch

    static constexpr std::int64_t never = INT64_MIN;
    bool is_set() const noexcept { return set_at_ns != never; }
};
static_assert(sizeof(GaugeCell) == 24, "each page may have one for each gauge there is");

// A refused line, kept for the operator.
struct RejectedSample {
    protocol::Reject reason{};
    std::string line;    // its beginning
    std::string sender;  // as Peer::to_string() tells it
};

// A metric whose new tag sets were folded into its overflow series.
struct Culprit {
    std::string name;
    std::uint64_t lines = 0;
};

// Why samples that were read did not get into a series of their own. The first three fold
// into the overflow series of the name, so that totals stay right.
enum class Limited : std::uint8_t {
    overflow_series,  // a new tag set beyond a limit on series or on the table's bytes
    overflow_values,  // there was no memory for another value of this series
    overflow_rows,    // folded by the flush, beyond a limit of the process: counted by row and
                      // interval, as the flush sees sums and not samples
    timed_samples,    // dropped: too many samples with a time of their own
    events,           // dropped: too many events or service checks
};
inline constexpr std::size_t limited_count = 5;
constexpr bool is_loss(Limited reason) {
    return reason == Limited::timed_samples || reason == Limited::events;
}
std::string_view to_string(Limited reason) noexcept;

// What a shard counted in one interval. Lines = accepted + Σ rejected. Samples =
// aggregated + Σ limited, where what is folded into an overflow series is aggregated *and*
// named, so that only the losses are part of the sum.
struct IntakeCounts {
    std::uint64_t bytes = 0;  // of lines, as received
    std::uint64_t lines = 0;
    std::uint64_t accepted = 0;
    std::array<std::uint64_t, protocol::reject_count> rejected{};
    std::uint64_t samples = 0;  // values, events and service checks of accepted lines
    std::uint64_t aggregated = 0;
    std::array<std::uint64_t, limited_count> limited{};
    std::uint64_t unknown_fields = 0;
    // Lines whose bytes named no known series, so that their tags were split to find it. Not all
    // that Parser reads: unusual lines of known spellings, and timed samples, are none of these.
    std::uint64_t slow_readings = 0;

    void add(const IntakeCounts& other) noexcept;
};

// How many values clients have left out by sampling, of timers whose count alone is to tell
// (protocol::TimerRate::count). Beside the cells: rows of sampled timers alone have any.
class UnsentValues {
public:
    // `memory` outlives it.
    explicit UnsentValues(MemoryMeter* memory) : by_row_(memory), memory_(memory) {}

    // Whether there is memory for a number of this row; if not, it is not to be added.
    bool has_room_for(RowId row) const;
    void add(RowId row, double unsent) { by_row_[row].add(unsent); }
    double of(RowId row) const;

    void reset() { by_row_.clear(); }
    // Gives back all memory.
    void release() { Map(memory_).swap(by_row_); }

private:
    using Map = boost::unordered_flat_map<
        RowId, protocol::CompensatedSum, boost::hash<RowId>, std::equal_to<>,
        std::pmr::polymorphic_allocator<std::pair<const RowId, protocol::CompensatedSum>>>;

    Map by_row_;
    MemoryMeter* memory_;
};

// Memory
// ------
// Two meters bound what one interval can hold, whatever is sent: `value_memory` counts the
// values of timers and sets, `passing_memory` what passes by unaggregated (a quarter of the
// whole). The other columns have an entry for each row at most, and a bound of their own.
class Page {
public:
    // `bytes_max`: of both meters together. A quarter of the memory for values is kept back
    // for the merge of what several shards saw (merger.h).
    Page(const protocol::HistogramShape& shape, std::uint64_t bytes_max);

    // The meters come first: what follows takes from them.
    MemoryMeter value_memory;
    MemoryMeter passing_memory;

    std::vector<RowId> touched;  // each once
    std::vector<Birth> births;
    // Rows given up while this page was open; their numbers are free since the turn that closed it.
    std::vector<RowId> retired;
    std::vector<GaugeCell> gauges;
    Pool<protocol::Distribution, protocol::HistogramShape> distributions;
    Pool<protocol::UniqueCount> sets;
    ValueArena values;
    UnsentValues unsent;

    // What the views of the three columns below point to.
    SpanArena<char> text;
    SpanArena<protocol::Tag> tags;
    std::pmr::vector<protocol::TimedPoint> timed;
    std::pmr::vector<protocol::Event> events;
    std::pmr::vector<protocol::ServiceCheck> service_checks;

    std::vector<RejectedSample> rejected_samples;
    std::vector<Culprit> culprits;
    IntakeCounts counts;

    // Counts a metric among those that passed a limit.
    void note_culprit(std::string_view name);

    // Ready to be opened again. The cells of the touched rows are the flush's business.
    // Memory is kept for the next interval, unless it is more than half of what there is.
    void reset();

    std::size_t bytes() const noexcept {
        return value_memory.used_bytes() + passing_memory.used_bytes();
    }
};

}  // namespace pitot::agent
