// The one place that includes toml++, without exceptions and wholly from its headers, so
// that the binary needs no shared library for it.
#include "agent/config/document.h"

#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_MAX_NESTED_VALUES 16
// Two slips of the library (3.3) that a file could set off. It asserts that a table header
// begins with a legal character before it looks whether it does ("[=]"), and takes the
// assertion for granted in release builds: without it, the check behind it reports the
// character. And it calls the last branch of its table of blanks unreachable, which every
// letter with an accent reaches: such a character is no blank.
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(condition) static_cast<void>(0)
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "agent/config/printable.h"

namespace pitot::agent {

static_assert(TOML_MAX_NESTED_VALUES == nesting_max);

namespace {

Position position_of(const toml::source_region& region, std::uint32_t source) {
    Position position{source, region.begin.line, region.begin.column, 1};
    if (region.end.line == region.begin.line && region.end.column > region.begin.column) {
        position.width = region.end.column - region.begin.column;
    }
    return position;
}

Table table_from(const toml::table& from, std::uint32_t source);

Node node_from(const toml::node& from, std::uint32_t source) {
    Node node;
    node.position = position_of(from.source(), source);
    switch (from.type()) {
        case toml::node_type::string:
            node.value = from.ref<std::string>();
            break;
        case toml::node_type::integer:
            node.value = from.ref<std::int64_t>();
            break;
        case toml::node_type::floating_point:
            node.value = from.ref<double>();
            break;
        case toml::node_type::boolean:
            node.value = from.ref<bool>();
            break;
        case toml::node_type::table:
            node.value = table_from(*from.as_table(), source);
            break;
        case toml::node_type::array: {
            Array array;
            for (const toml::node& element : *from.as_array()) {
                array.push_back(node_from(element, source));
            }
            node.value = std::move(array);
            break;
        }
        default:
            node.value = Date{};
    }
    return node;
}

Table table_from(const toml::table& from, std::uint32_t source) {
    Table table;
    for (auto&& [key, value] : from) {
        table.entries.push_back(
            {std::string(key.str()), position_of(key.source(), source), node_from(value, source)});
    }
    // The library keeps keys in alphabetical order.
    std::ranges::stable_sort(table.entries, {}, [](const Entry& entry) {
        return std::tuple(entry.key_position.line, entry.key_position.column);
    });
    return table;
}

// The library bounds nested values, but not dotted keys, and takes nested tables apart by
// recursion. Dots outside quotes between two separators are such a key (or a number).
std::optional<SyntaxFault> find_deep_key(std::string_view text, std::uint32_t source) {
    Position position{source, 1, 0, 1};
    int dots = 0;
    char quote = 0;
    bool comment = false;
    char previous = 0;
    for (const char c : text) {
        // Continuation bytes belong to the character before.
        if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++position.column;
        if (c == '\n') {
            position = {source, position.line + 1, 0, 1};
            dots = 0;
            quote = 0;
            comment = false;
        } else if (quote != 0) {
            if (c == quote && !(quote == '"' && previous == '\\')) quote = 0;
        } else if (!comment) {
            if (c == '"' || c == '\'') quote = c;
            if (c == '#') comment = true;
            if (std::string_view("=,[]{}").contains(c)) dots = 0;
            if (c == '.' && ++dots > nesting_max) {
                return SyntaxFault{
                    position,
                    fmt::format("must not have a key of more than {} parts", nesting_max)};
            }
        }
        previous = c == '\\' && previous == '\\' ? '\0' : c;
    }
    return std::nullopt;
}

// "a digit", "an inline table"; what has its article, is in quotes or is several, stays.
std::string with_article(std::string_view noun) {
    const bool stays = noun.empty() || noun.front() < 'a' || noun.front() > 'z' ||
                       noun.starts_with("a ") || noun.starts_with("keys") ||
                       noun.starts_with("fractional digits");
    if (stays) return printable(noun);
    const bool vowel = std::string_view("aeio").contains(noun.front());
    return fmt::format("{} {}", vowel ? "an" : "a", printable(noun));
}

// The library's "Error while parsing table header: expected ']', saw '\n'" in the wording
// of all our messages.
std::string worded(std::string_view description) {
    constexpr std::string_view prefix = "Error while parsing ";
    std::string where;
    if (description.starts_with(prefix)) {
        description.remove_prefix(prefix.size());
        const std::size_t colon = description.find(": ");
        if (colon != std::string_view::npos) {
            where = fmt::format(" (in {})", with_article(description.substr(0, colon)));
            description.remove_prefix(colon + 2);
        }
    }

    constexpr std::string_view expected = "expected ";
    const std::size_t saw = description.find(", saw ");
    if (description.starts_with(expected) && saw != std::string_view::npos) {
        const std::string_view wanted = description.substr(expected.size(), saw - expected.size());
        return fmt::format("must have {} here, got {}{}", with_article(wanted),
                           printable(description.substr(saw + 6)), where);
    }
    if (description.starts_with("cannot redefine existing ")) {
        return fmt::format("must be given once: {}{}", printable(description), where);
    }
    if (description.contains("nested value depth")) {
        return fmt::format("must not nest values more than {} deep", nesting_max);
    }
    if (description.contains("utf-8")) return "must be UTF-8, got a byte that is not";
    return fmt::format("must be legal TOML: {}{}", printable(description, 160), where);
}

// `interval = 10s` and `type = udp` are the slips that everyone makes once.
bool is_unquoted_text(std::string_view description) {
    return description.contains("could not determine value type") ||
           description.contains("leading zeroes are prohibited") ||
           description.contains("parsing decimal integer: expected") ||
           description.contains("parsing floating-point: expected") ||
           description.contains("parsing boolean: expected");
}

bool is_end_of_line(std::string_view text, const toml::source_position& position) {
    for (std::uint32_t line = 1; line < position.line; ++line) {
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    }
    text = text.substr(0, text.find_first_of("\r\n"));
    std::uint32_t characters = 0;
    for (; !text.empty(); ++characters) text.remove_prefix(first_character(text).bytes);
    return position.column > characters;
}

std::string fault_of(const toml::parse_error& error, std::string_view text) {
    const std::string_view description = error.description();
    if (description.contains("string: encountered end-of-file") ||
        (description.contains("string: ") && description.contains("control characters") &&
         is_end_of_line(text, error.source().begin))) {
        return "must have a quote behind the text, got none";
    }
    std::string what = worded(description);
    if (is_unquoted_text(description)) {
        what += R"(; texts, durations and sizes are written in quotes: "10s")";
    }
    return what;
}

}  // namespace

const Entry* Table::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &*found;
}

Entry* Table::find(std::string_view key) {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &*found;
}

std::string describe(const Node& node) {
    struct Describer {
        std::string operator()(const std::string& text) const {
            return fmt::format("the text \"{}\"", printable(text, 60));
        }
        std::string operator()(std::int64_t number) const {
            return fmt::format("the number {}", number);
        }
        std::string operator()(double number) const { return fmt::format("the number {}", number); }
        std::string operator()(bool boolean) const { return boolean ? "true" : "false"; }
        std::string operator()(const Date&) const { return "a date or time"; }
        std::string operator()(const Array&) const { return "an array"; }
        std::string operator()(const Table&) const { return "a table"; }
    };
    return std::visit(Describer{}, node.value);
}

std::expected<Table, SyntaxFault> parse_document(std::string_view text, std::uint32_t source) {
    if (auto fault = find_deep_key(text, source)) return std::unexpected(std::move(*fault));
    const toml::parse_result result = toml::parse(text);
    if (result) return table_from(result.table(), source);

    const toml::parse_error& error = result.error();
    return std::unexpected(SyntaxFault{position_of(error.source(), source), fault_of(error, text)});
}

void merge(Table& base, Table over) {
    for (Entry& entry : over.entries) {
        Entry* const existing = base.find(entry.key);
        if (existing == nullptr) {
            base.entries.push_back(std::move(entry));
            continue;
        }
        auto* const inner = std::get_if<Table>(&existing->node.value);
        auto* const inner_over = std::get_if<Table>(&entry.node.value);
        if (inner != nullptr && inner_over != nullptr) {
            merge(*inner, std::move(*inner_over));
        } else {
            *existing = std::move(entry);
        }
    }
}

}  // namespace pitot::agent
