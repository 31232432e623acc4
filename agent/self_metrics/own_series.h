// The series that the agent tells of itself, as one page more for the merger.
//
// To the merger it looks like a shard: rows, a page with births and touched cells. It differs
// in that nothing comes in as text and nothing is ever unknown: all series are named before
// the first flush, so that each of them exists, with its zero, from the first interval on.
// A cell is found by its number, and an interval costs what has changed in it.
//
// Used by SelfMetrics (self_metrics.h), on the flush thread. One page is enough: it is filled
// just before it is merged.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "agent/aggregate/additions.h"
#include "agent/aggregate/canonical.h"
#include "agent/aggregate/handover.h"
#include "agent/aggregate/page.h"
#include "agent/aggregate/row_store.h"
#include "protocol/histogram.h"
#include "protocol/sample.h"

namespace pitot::agent {

class OwnSeries {
public:
    // `additions`: before each name, and behind its tags.
    OwnSeries(Additions additions, const protocol::HistogramShape& histogram);

    // Before the first close(). Each name and tags once; a counter, gauge or timer.
    RowId add(std::string_view name, std::span<const protocol::Tag> tags, protocol::Kind kind);

    // Between two closes. A row that none of these is called for has no news in the interval.
    void count(RowId counter, double by);
    void set(RowId gauge, double value);
    // Each of the values stands for so many as `weight` says: positive.
    void time(RowId timer, std::span<const double> values_ms, double weight);

    // For Merger::merge(), whose finish() makes the page ready to be filled again.
    ShardPage close();

private:
    Row& touch(RowId id);

    const Additions additions_;
    Adder adder_;
    Canonicalizer canonicalizer_;
    std::deque<std::string> texts_;  // births point to them
    RowStore rows_;
    Page page_;
    std::uint32_t turn_ = 1;
};

}  // namespace pitot::agent
