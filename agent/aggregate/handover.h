// What shards and the flush hand to each other: a closed page one way, the rows to forget
// the other. ShardSet carries both.
//
// One page on its way: SeriesTable::Closed ─► Shard::Answer ─► ShardPage ─► ShardSet::Turn.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/aggregate/series_table.h"

namespace pitot::agent {

// What a shard hands over at a turn. Of its rows, only the cells of those that the page lists as
// touched may be looked at.
struct ShardPage {
    RowStore* rows = nullptr;
    SeriesTable::Closed closed;
};

// Rows that their shard is to forget, as of the page of `turn`, the last that the flush has seen:
// a sample in a later one keeps a row.
struct Retirements {
    std::vector<RowId> rows;
    std::uint32_t turn = 0;
};

}  // namespace pitot::agent
