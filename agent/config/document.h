// A TOML text as a tree that remembers where everything stood.
//
// parse_document() is the only door to the TOML library: nothing else in the agent
// includes it, and its types stay behind document.cpp. merge() lays one document over
// another; each value keeps the position of the text it came from, and the number of its
// source, so that a message names the file or the argument that is to be corrected.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/config/problem.h"

namespace pitot::agent {

struct Node;
struct Entry;

// Keys in the order of the file.
struct Table {
    std::vector<Entry> entries;

    const Entry* find(std::string_view key) const;
    Entry* find(std::string_view key);
};

// A TOML date, time or both: no option takes one, so only its type is kept.
struct Date {};

using Array = std::vector<Node>;

struct Node {
    std::variant<std::string, std::int64_t, double, bool, Date, Array, Table> value;
    // Of a table: its header, or its key where it has none.
    Position position;

    const Table* table() const { return std::get_if<Table>(&value); }
    const std::string* text() const { return std::get_if<std::string>(&value); }
};

struct Entry {
    std::string key;
    Position key_position;
    Node node;
};

// What comes after "got": `the text "fast"`, `the number 12`, `a table`.
std::string describe(const Node& node);

struct SyntaxFault {
    Position position;
    std::string what;  // "must …", fit to be shown
};

// Tables within tables and arrays within arrays, in one value or one dotted key. A deeper
// one has no meaning here, and would cost stack space to take apart again.
inline constexpr int nesting_max = 16;

// Reads a whole TOML 1.0 text; stops at the first fault.
std::expected<Table, SyntaxFault> parse_document(std::string_view text, std::uint32_t source);

// Lays `over` on `base`: tables are merged key by key, all else is replaced.
void merge(Table& base, Table over);

}  // namespace pitot::agent
