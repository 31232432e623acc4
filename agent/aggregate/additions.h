// What a listener adds to all it reads: a prefix before names, tags behind them.
//
// Added once, when a spelling of a series is first met (SeriesTable::admit), so that a
// known line costs nothing more. That takes lines of the same bytes and different additions
// apart by their Spelling, which is part of the key they are found by: LineIntake gives
// each different set of additions a Spelling of its own.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/aggregate/origin_tags.h"
#include "agent/aggregate/series_key.h"
#include "protocol/parser.h"

namespace pitot::agent {

struct Additions {
    std::string prefix;  // before names of metrics; checks and events keep theirs
    // To metrics, events and checks that have no tag of this key, with or without a value. Of
    // the key `host` to those alone whose client says nothing of its host (origin_tags.h).
    std::vector<std::pair<std::string, std::string>> tags;

    bool empty() const { return prefix.empty() && tags.empty(); }
    bool operator==(const Additions&) const = default;
};

// How one listener's lines are to be understood: the number for it, which is part of the key,
// and what they are to get.
struct Accent {
    Spelling spelling = Spelling::plain;
    const Additions* additions = nullptr;  // none; outlives the Accent

    bool operator==(const Accent&) const = default;
};

// Adds, in room of its own. One thread.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): name_ is written before it is read
class Adder {
public:
    // The identity's views are ours until the next call. Refuses one that has become too
    // long to be kept; then it is unchanged.
    [[nodiscard]] protocol::Reject add(const Additions& additions, ClientHost host,
                                       protocol::Identity& identity);
    // The same for tags alone, of any number.
    std::span<const protocol::Tag> with_tags(const Additions& additions, ClientHost host,
                                             std::span<const protocol::Tag> tags);

private:
    std::array<char, protocol::identity_bytes_max> name_;
    std::vector<protocol::Tag> tags_;
};

}  // namespace pitot::agent
