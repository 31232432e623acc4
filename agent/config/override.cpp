#include "agent/config/override.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace pitot::agent {

namespace {

constexpr std::string_view blanks = " \t";

// The first '=' that is not within a quoted part of the key.
std::size_t find_equals(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            if (c == '\\' && quote == '"') ++i;
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '=') {
            return i;
        }
    }
    return std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The one value of a document that holds one key, dotted or not.
Node& innermost(Table& table) {
    Node& node = table.entries.front().node;
    auto* const inner = std::get_if<Table>(&node.value);
    return inner == nullptr ? node : innermost(*inner);
}

SyntaxFault fault(std::uint32_t source, std::size_t column, std::string what) {
    return {{source, 1, static_cast<std::uint32_t>(column), 1}, std::move(what)};
}

}  // namespace

std::expected<Table, SyntaxFault> parse_override(std::string_view text, std::uint32_t source) {
    const std::size_t equals = find_equals(text);
    const std::string_view whole_key =
        equals == std::string_view::npos ? "" : trimmed(text.substr(0, equals));
    // What a line of TOML may be besides a key and a value: a header, a comment, each with a
    // byte order mark before it.
    const bool has_mark = text.starts_with("\xef\xbb\xbf");
    if (whole_key.empty() || whole_key.starts_with('[') || whole_key.starts_with('#') || has_mark) {
        return std::unexpected(fault(source, 1, "must be KEY=VALUE, such as 'interval=\"1s\"'"));
    }
    if (text.find_first_of("\r\n") != std::string_view::npos) {
        return std::unexpected(fault(source, 1, "must be one line; repeat --set for each option"));
    }
    const std::string_view value = trimmed(text.substr(equals + 1));
    if (value.empty()) {
        return std::unexpected(
            fault(source, equals + 2, "must have a value behind '='; an empty text is \"\""));
    }

    const bool is_toml = std::string_view("\"'[{").contains(value.front());
    auto whole = parse_document(text, source);
    if (whole && !is_toml) innermost(*whole).words = value;
    if (whole || is_toml) return whole;

    // Is it the value that is no TOML, or the key?
    auto keyed = parse_document(std::string(text.substr(0, equals)) + "=0", source);
    if (!keyed) return keyed;
    Node& node = innermost(*keyed);
    node.value = std::string(value);
    node.words = value;
    node.position.width = static_cast<std::uint32_t>(value.size());
    return keyed;
}

namespace {

// All of it stands where the words stand.
void place(Node& node, Position position) {
    node.position = position;
    if (auto* const array = std::get_if<Array>(&node.value)) {
        for (Node& element : *array) place(element, position);
    } else if (auto* const table = std::get_if<Table>(&node.value)) {
        for (Entry& entry : table->entries) {
            entry.key_position = position;
            place(entry.node, position);
        }
    }
}

}  // namespace

std::optional<Node> value_of_words(std::string_view words, Position position) {
    auto parsed = parse_document(fmt::format("value = {}", words), position.source);
    // Further lines may hold further keys: then it is a text of several lines.
    if (!parsed || parsed->entries.size() != 1) return std::nullopt;
    Node& node = parsed->entries.front().node;
    if (words.contains('\n') && !std::holds_alternative<Array>(node.value)) return std::nullopt;
    place(node, position);
    return std::move(node);
}

std::expected<Node, SyntaxFault> parse_value(std::string_view text, Position position) {
    const std::string_view value = trimmed(text);
    const bool is_toml = !value.empty() && std::string_view("\"'[{").contains(value.front());
    if (auto node = value_of_words(value, position)) {
        if (!is_toml) node->words = text;
        return *std::move(node);
    }
    if (is_toml) {
        auto parsed = parse_document(fmt::format("value = {}", value), position.source);
        return std::unexpected(
            SyntaxFault{position, parsed ? "must be one value" : std::move(parsed.error().what)});
    }
    return Node{std::string(text), position, std::string(text)};
}

}  // namespace pitot::agent
