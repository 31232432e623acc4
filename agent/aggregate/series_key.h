// The bytes that identify a series. Their hash is in key_hash.h.
//
// A key is name and tags as they stand in a line, the kind, and how the name is spelled
// (a name "a,b=c" is one thing to an Influx listener and another to all others). No tag
// is split to make one.
//
// The canonical key of a series has its tags sorted, without duplicates, joined by ','
// again, and the spelling `plain`: as if a tidy client had written the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "protocol/sample.h"

namespace pitot::agent {

// Which lines of the same bytes are the same series: those that are read by one dialect of
// tags and get the same additions (additions.h). Not the bytes themselves, which are called a
// spelling elsewhere: a series has several of those.
//
// Those named here are the dialects of tags, without additions. From
// spelling_with_additions_min on come numbers without a name: that, and the number of the first
// listener that has this dialect with these additions (LineIntake::accent_of).
enum class Spelling : std::uint8_t { plain, influx, librato, signalfx };

constexpr Spelling spelling_of(protocol::TagDialect dialect) noexcept {
    return static_cast<Spelling>(std::to_underlying(dialect));
}
static_assert(spelling_of(protocol::TagDialect::none) == Spelling::plain);
static_assert(spelling_of(protocol::TagDialect::influx) == Spelling::influx);
static_assert(spelling_of(protocol::TagDialect::librato) == Spelling::librato);
static_assert(spelling_of(protocol::TagDialect::signalfx) == Spelling::signalfx);

inline constexpr std::uint8_t spelling_with_additions_min =
    std::to_underlying(Spelling::signalfx) + 1;

struct SeriesKey {
    std::string_view name = {};
    std::string_view tags = {};
    protocol::Kind kind = protocol::Kind::counter;
    Spelling spelling = Spelling::plain;

    bool operator==(const SeriesKey&) const = default;
};

// All that tells keys apart but their bytes, in 48 bits. Lengths fit 16 bits
// (protocol::identity_bytes_max).
constexpr std::uint64_t shape_of(std::size_t name_bytes, std::size_t tags_bytes,
                                 protocol::Kind kind, Spelling spelling) noexcept {
    return name_bytes | std::uint64_t{tags_bytes} << 16U |
           std::uint64_t{std::to_underlying(kind)} << 32U |
           std::uint64_t{std::to_underlying(spelling)} << 40U;
}

// A key as it is looked up: the same as SeriesKey, in the form that costs least to compare.
struct SoughtKey {
    const char* name;
    const char* tags;
    std::uint64_t shape;  // of shape_of()

    std::size_t name_bytes() const noexcept { return shape & 0xFFFFU; }
    std::size_t tags_bytes() const noexcept { return shape >> 16U & 0xFFFFU; }
};

inline SoughtKey sought(const SeriesKey& key) noexcept {
    return {.name = key.name.data(),
            .tags = key.tags.data(),
            .shape = shape_of(key.name.size(), key.tags.size(), key.kind, key.spelling)};
}

// For members of sets; one seed for all shards, since their counts are merged.
std::uint64_t hash_of_member(std::string_view member, std::uint64_t seed) noexcept;

}  // namespace pitot::agent
