// A TOML text as a tree that remembers where everything stood.
//
// parse_document() is the only door to the TOML library: nothing else in the agent
// includes it, and its types stay behind document.cpp. merge() lays one document over
// another; each value keeps the position of the text it came from, and the number of its
// source, so that a message names the file or the argument that is to be corrected.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
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
    // The words as they stood, where nobody said of which type they are: an argument or a
    // variable without quotes, a reference that is the whole text. An option that wants
    // another type than these words have by themselves reads them anew.
    std::optional<std::string> words = std::nullopt;
    // A text with a reference that could not be replaced: a problem already.
    bool is_unresolved = false;

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

// What two documents of the same rank both give. `path` is the key in full.
struct Conflict {
    std::string path;
    Position first;
    Position second;
};

// Adds `more` to `base`, table by table. What both have, and is not a table in both, stays
// as it is in `base` and is returned.
std::vector<Conflict> add(Table& base, Table more);

}  // namespace pitot::agent
