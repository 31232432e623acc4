#include "agent/migrate/ini.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pitot::agent {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// A ';' behind a blank begins a comment; one within a word, as in a path, does not.
std::string_view without_comment(std::string_view value) {
    const std::size_t semicolon = std::min(value.find(" ;"), value.find("\t;"));
    return trimmed(value.substr(0, semicolon));
}

Table& section_of(Table& root, const std::string& name, Position position) {
    if (Entry* const known = root.find(name)) return std::get<Table>(known->node.value);
    root.entries.push_back({name, position, Node{Table(), position}});
    return std::get<Table>(root.entries.back().node.value);
}

}  // namespace

std::expected<Table, SyntaxFault> parse_ini(std::string_view text, std::uint32_t source) {
    Table root;
    std::string section;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        const Position position{source, number, 1, 1};
        if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
        if (line.starts_with('[')) {
            const std::size_t bracket = line.find(']');
            if (bracket == std::string_view::npos) {
                return std::unexpected(
                    SyntaxFault{position, "must have a ']' behind the section's name"});
            }
            section = trimmed(line.substr(1, bracket - 1));
            section_of(root, section, position);
            continue;
        }
        const std::size_t equals = line.find_first_of("=:");
        if (equals == std::string_view::npos || equals == 0) {
            return std::unexpected(SyntaxFault{position, "must be [section] or key = value"});
        }
        Table& table = section_of(root, section, position);
        const std::string key(trimmed(line.substr(0, equals)));
        std::erase_if(table.entries, [&](const Entry& entry) { return entry.key == key; });
        table.entries.push_back(
            {key, position, Node{std::string(without_comment(line.substr(equals + 1))), position}});
    }
    return root;
}

}  // namespace pitot::agent
