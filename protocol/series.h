// Who a series is, in 32 bytes: there may be a million of them.
//
// Points name their series by id, and Snapshot::series has it at that place. Its text belongs
// to whoever made it, and is there as long as the series lives (agent/flush/series_registry.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "protocol/sample.h"
#include "protocol/tag_list.h"

namespace pitot::protocol {

// Dense, from 0; reused after a series expires (Series::birth tells lives apart).
using SeriesId = std::uint32_t;

// A few bits for putting names of a kind into buckets: many share one.
inline std::uint16_t name_hash_of(std::string_view name, Kind kind) noexcept {
    return static_cast<std::uint16_t>(std::hash<std::string_view>{}(name) +
                                      std::to_underlying(kind));
}

struct Series {
    // Its name and, right behind it, its tags: canonical. Together at most identity_bytes_max.
    const char* text = nullptr;
    std::uint16_t name_bytes = 0;
    std::uint16_t tags_bytes = 0;
    Kind kind = Kind::counter;
    std::uint16_t name_hash = 0;  // name_hash_of(name(), kind), for who adds up by name
    std::uint64_t birth = 0;      // unique in the process, ascending; 0 for an id not in use
    // Begin of the interval it first appeared in: the start of totals.
    std::int64_t born_unix_ns = 0;

    std::string_view name() const noexcept { return {text, name_bytes}; }
    TagList tags() const noexcept { return TagList({text + name_bytes, tags_bytes}); }
};
static_assert(sizeof(Series) == 32, "two to a cache line");

}  // namespace pitot::protocol
