#include "agent/config/toml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/printable.h"

namespace pitot::agent {

namespace {

// What printable() would not leave as it is: controls, and what changes the reading
// direction or cannot be seen.
bool needs_escape(std::string_view text, const Character& character) {
    std::string shown;
    append_printable(shown, text, character);
    return shown != text.substr(0, character.bytes);
}

void append_escaped(std::string& out, std::string_view text, const Character& character) {
    if (!character.legal) {
        out += R"(\uFFFD)";
    } else if (character.code_point == '"' || character.code_point == '\\') {
        out += '\\';
        out += static_cast<char>(character.code_point);
    } else if (character.code_point == '\n') {
        out += "\\n";
    } else if (character.code_point == '\t') {
        out += "\\t";
    } else if (needs_escape(text, character)) {
        const auto code = static_cast<std::uint32_t>(character.code_point);
        out += code > 0xFFFF ? fmt::format("\\U{:08X}", code) : fmt::format("\\u{:04X}", code);
    } else {
        out += text.substr(0, character.bytes);
    }
}

std::string quoted(std::string_view text, bool double_dollars) {
    std::string out = "\"";
    while (!text.empty()) {
        const Character character = first_character(text);
        append_escaped(out, text, character);
        if (double_dollars && character.code_point == '$') out += '$';
        text.remove_prefix(character.bytes);
    }
    return out + '"';
}

}  // namespace

bool is_bare_key(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

std::string toml_key(std::string_view key) {
    // Keys hold no references.
    return is_bare_key(key) ? std::string(key) : quoted(key, false);
}

std::string shown_key(std::string_view key) {
    return is_bare_key(key) ? printable(key) : fmt::format("\"{}\"", printable(key));
}

std::string toml_text(std::string_view text) {
    return quoted(text, text.contains("${") || text.contains("$$"));
}

std::string toml_text_as_is(std::string_view text) {
    return quoted(text, false);
}

std::string toml_value(const Node& node) {
    struct Writer {
        std::string operator()(const std::string& text) const { return toml_text(text); }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const { return fmt::format("{}", number); }
        std::string operator()(bool boolean) const { return boolean ? "true" : "false"; }
        // No option takes one, so none is ever written.
        std::string operator()(const Date&) const { return "\"\""; }
        std::string operator()(const Array& array) const {
            std::string out;
            for (const Node& element : array) {
                out += (out.empty() ? "" : ", ") + toml_value(element);
            }
            return "[" + out + "]";
        }
        std::string operator()(const Table& table) const {
            std::string out;
            for (const Entry& entry : table.entries) {
                fmt::format_to(std::back_inserter(out), "{}{} = {}", out.empty() ? "" : ", ",
                               toml_key(entry.key), toml_value(entry.node));
            }
            return out.empty() ? "{}" : "{ " + out + " }";
        }
    };
    return std::visit(Writer{}, node.value);
}

}  // namespace pitot::agent
