// What shards and the flush hand to each other: a closed page one way, the rows to forget
// the other. ShardSet carries both.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/aggregate/series_table.h"

namespace pitot::agent {

// What a shard hands over at a turn. Of the rows, the cells of the touched ones are good.
struct ShardPage {
    RowStore* rows = nullptr;
    SeriesTable::Closed closed;
};

// Rows that had no sample since `turn`, and that their shard is to forget.
struct Retirements {
    std::vector<RowId> rows;
    std::uint32_t turn = 0;
};

}  // namespace pitot::agent
