// The bytes that identify a series. Their hash is in key_hash.h.
//
// A key is name and tags as they stand in a line, the kind, and how the name is spelled
// (a name "a,b=c" is one thing to an Influx listener and another to all others). No tag
// is split to make one.
//
// The canonical key of a series has its tags sorted, without duplicates, joined by ','
// again, and the spelling `plain`: as if a tidy client had written the line.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "protocol/sample.h"

namespace pitot::agent {

// Which lines of the same bytes are the same series: those that are read by one dialect of
// tags and get the same additions (additions.h). The first four are the dialects of tags
// without additions.
enum class Spelling : std::uint8_t { plain };

constexpr Spelling spelling_of(protocol::TagDialect dialect) noexcept {
    return static_cast<Spelling>(std::to_underlying(dialect));
}
static_assert(spelling_of(protocol::TagDialect::none) == Spelling::plain);

// Of lines that get additions.
inline constexpr std::uint8_t spelling_with_additions_min =
    std::to_underlying(protocol::TagDialect::signalfx) + 1;

struct SeriesKey {
    std::string_view name = {};
    std::string_view tags = {};
    protocol::Kind kind = protocol::Kind::counter;
    Spelling spelling = Spelling::plain;

    bool operator==(const SeriesKey&) const = default;
};

// For members of sets; one seed for all shards, since their counts are merged.
std::uint64_t hash_of_member(std::string_view member, std::uint64_t seed) noexcept;

}  // namespace pitot::agent
