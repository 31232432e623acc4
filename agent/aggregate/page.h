// What one shard has seen in one interval.
//
// A table has two pages. The open one is the shard's: it fills it. When the flush asks,
// the shard turns the page (SeriesTable::turn) and the closed one is the flush's until it
// asks again: it reads it, empties the cells of the rows listed in `touched`, and calls
// reset(). The asking and the answer go through the shard's event loop, which is what
// orders memory between the two threads; a page has no locks and no atomics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "agent/aggregate/pool.h"
#include "agent/aggregate/row_store.h"
#include "agent/aggregate/text_arena.h"
#include "agent/aggregate/value_arena.h"
#include "protocol/distribution.h"
#include "protocol/event.h"
#include "protocol/reject.h"
#include "protocol/unique_count.h"

namespace pitot::agent {

// A row that came into being in this page.
struct Birth {
    RowId row = 0;
    protocol::Kind kind{};
    std::string_view name;
    std::string_view tags;  // canonical: sorted, unique, joined by ','
};

// What happened to a gauge: the last value set, and how far it moved since then, or since
// the interval began if it was not set.
struct GaugeCell {
    double value = 0;
    double moved = 0;
    std::int64_t set_at_ns = 0;  // steady clock of the receive batch
    bool is_set = false;
};

// A sample with a time of its own (`|T`).
struct TimedSample {
    std::string_view name;
    std::string_view tags;  // canonical
    protocol::Kind kind{};
    std::int64_t timestamp_s = 0;
    double value = 0;  // of a counter: weighted
};

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

// Why samples that were read did not get into a series of their own.
enum class Limited : std::uint8_t {
    overflow_series,  // folded into the overflow series of their name: totals stay right
    timed_samples,    // dropped: too many samples with a time of their own
    events,           // dropped: too many events or service checks
};
inline constexpr std::size_t limited_count = 3;
std::string_view to_string(Limited reason) noexcept;

// What a shard counted in one interval. Lines = accepted + Σ rejected. Samples =
// aggregated + Σ limited, where those folded into an overflow series are aggregated *and*
// named, so that reason is not part of the sum.
struct IntakeCounts {
    std::uint64_t bytes = 0;  // of lines, as received
    std::uint64_t lines = 0;
    std::uint64_t accepted = 0;
    std::array<std::uint64_t, protocol::reject_count> rejected{};
    std::uint64_t samples = 0;  // values, events and service checks of accepted lines
    std::uint64_t aggregated = 0;
    std::array<std::uint64_t, limited_count> limited{};
    std::uint64_t unknown_fields = 0;
    std::uint64_t slow_readings = 0;  // lines whose series was not found by their bytes

    void add(const IntakeCounts& other) noexcept;
};

struct Page {
    explicit Page(protocol::HistogramShape shape)
        : distributions(protocol::Distribution(shape)), sets(protocol::UniqueCount()) {}

    std::vector<RowId> touched;  // each once
    std::vector<Birth> births;
    std::vector<RowId> retired;  // rows given up at the turn that closed this page
    std::vector<GaugeCell> gauges;
    Pool<protocol::Distribution> distributions;
    Pool<protocol::UniqueCount> sets;
    ValueArena values;
    TextArena text;  // what the string_views here and below point to

    std::vector<TimedSample> timed;
    std::vector<protocol::Event> events;
    std::vector<protocol::ServiceCheck> service_checks;
    std::deque<std::vector<protocol::Tag>> event_tags;
    std::vector<RejectedSample> rejected_samples;
    std::vector<Culprit> culprits;
    IntakeCounts counts;

    // Ready to be opened again. The cells of the touched rows are the flush's business.
    void reset();
};

}  // namespace pitot::agent
