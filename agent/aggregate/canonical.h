// One spelling for each series: tags sorted by their bytes, duplicates removed.
//
// Clients write the tags of one series in any order (Java's reverses them); the series is
// the same. Used when a spelling is first met, never for a known one.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "agent/aggregate/series_key.h"
#include "protocol/parser.h"

namespace pitot::agent {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): text_ is written before it is read
class Canonicalizer {
public:
    // The tags in order, without duplicates. The span lives until the next call of either,
    // its views as long as `identity`'s.
    std::span<const protocol::Tag> tags_of(const protocol::Identity& identity);

    // Views live until the next call, the name's as long as `identity`'s.
    SeriesKey key_of(const protocol::Identity& identity, protocol::Kind kind);

private:
    std::vector<protocol::Tag> sorted_;
    std::array<char, protocol::identity_bytes_max + protocol::tags_per_line_max> text_;
};

}  // namespace pitot::agent
