#include "agent/migrate/yaml.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pitot::agent {

namespace {

struct Line {
    std::size_t indent = 0;
    std::string_view text;  // without indentation, comment and blanks at the end
    std::uint32_t number = 0;
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Where the text in quotes at the beginning ends, or npos.
std::size_t end_of_quotes(std::string_view text) {
    const char quote = text.front();
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            // Two single quotes are one of the text.
            if (quote == '\'' && i + 1 < text.size() && text[i + 1] == quote) {
                ++i;
            } else {
                return i;
            }
        }
    }
    return std::string_view::npos;
}

// A '#' begins a comment at the start and behind a blank, outside quotes.
std::string_view without_comment(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool after_blank = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t';
        if (text[i] == '#' && after_blank) return trimmed(text.substr(0, i));
        const bool opens = text[i] == '"' || text[i] == '\'';
        if (opens && (after_blank || text[i - 1] == '[' || text[i - 1] == ',')) {
            const std::size_t end = end_of_quotes(text.substr(i));
            if (end == std::string_view::npos) return trimmed(text);
            i += end;
        }
    }
    return trimmed(text);
}

// The ':' behind the key: one with a blank or nothing behind it.
std::size_t end_of_key(std::string_view text) {
    const bool is_quoted = text.front() == '"' || text.front() == '\'';
    std::size_t at = is_quoted ? end_of_quotes(text) : 0;
    for (; at < text.size(); ++at) {
        if (text[at] != ':') continue;
        if (at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '\t') return at;
    }
    return std::string_view::npos;
}

std::string unquoted(std::string_view text) {
    const char quote = text.front();
    std::string out;
    for (std::size_t i = 1; i < text.size() && text[i] != quote; ++i) {
        if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
            ++i;
            out += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
        } else {
            out += text[i];
        }
        if (quote == '\'' && text.substr(i + 1).starts_with("''")) {
            out += '\'';
            i += 2;
        }
    }
    return out;
}

Node scalar(std::string_view text, Position position) {
    if (text.starts_with('"') || text.starts_with('\'')) return Node{unquoted(text), position};
    if (text == "true" || text == "false") return Node{text == "true", position};
    std::int64_t whole = 0;
    double real = 0;
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, whole).ptr == end) return Node{whole, position};
    if (const auto [stop, error] = std::from_chars(text.data(), end, real);
        stop == end && error == std::errc()) {
        return Node{real, position};
    }
    return Node{std::string(text), position};
}

// [a, "b, c"]; nothing where it has no end on its line.
std::optional<Node> flow_list(std::string_view text, Position position) {
    if (!text.ends_with(']')) return std::nullopt;
    text = trimmed(text.substr(1, text.size() - 2));
    Array elements;
    while (!text.empty()) {
        std::size_t end = 0;
        if (text.front() == '"' || text.front() == '\'') {
            end = end_of_quotes(text);
            if (end == std::string_view::npos) return std::nullopt;
        }
        end = std::min(text.find(',', end), text.size());
        elements.push_back(scalar(trimmed(text.substr(0, end)), position));
        text = trimmed(text.substr(std::min(end + 1, text.size())));
    }
    return Node{std::move(elements), position};
}

class YamlParser {
public:
    YamlParser(std::vector<Line> lines, std::uint32_t source)
        : lines_(std::move(lines)), source_(source) {}

    std::expected<Table, SyntaxFault> operator()() {
        Table root = table(0, 0);
        if (!fault_ && at_ < lines_.size()) refuse("must be a key and a value: \"key: value\"");
        if (fault_) return std::unexpected(*std::move(fault_));
        return root;
    }

private:
    void refuse(std::string_view must) {
        if (!fault_) fault_ = SyntaxFault{here(), std::string(must)};
    }
    Position here() const {
        const Line& line = lines_[std::min(at_, lines_.size() - 1)];
        return {source_, line.number, static_cast<std::uint32_t>(line.indent) + 1, 1};
    }

    // All keys at this indentation.
    Table table(std::size_t indent, int depth) {
        Table table;
        while (!fault_ && at_ < lines_.size() && lines_[at_].indent == indent) {
            const Line& line = lines_[at_];
            const std::size_t colon = end_of_key(line.text);
            const bool is_key = colon != std::string_view::npos && colon > 0;
            if (!is_key || line.text.starts_with("- ")) {
                refuse("must be a key and a value: \"key: value\"");
                break;
            }
            const std::string_view written = trimmed(line.text.substr(0, colon));
            const bool is_quoted = written.front() == '"' || written.front() == '\'';
            std::string key = is_quoted ? unquoted(written) : std::string(written);
            const Position position = here();
            const std::string_view value = trimmed(line.text.substr(colon + 1));
            ++at_;
            auto node = value.empty() ? below(indent, depth, position)
                                      : inline_value(value, indent, position);
            if (node) table.entries.push_back({std::move(key), position, *std::move(node)});
        }
        if (!fault_ && at_ < lines_.size() && lines_[at_].indent > indent) {
            refuse("must be indented like the keys above");
        }
        return table;
    }

    std::optional<Node> inline_value(std::string_view value, std::size_t indent,
                                     Position position) {
        if (value.starts_with('|') || value.starts_with('>') || value.starts_with('&') ||
            value.starts_with('*') || value.starts_with('{')) {
            skip_below(indent);
            return Node{Array(), position};
        }
        if (value.starts_with('[')) {
            if (auto list = flow_list(value, position)) return list;
            skip_below(indent);
            return Node{Array(), position};
        }
        if (value == "~" || value == "null") return std::nullopt;
        return scalar(value, position);
    }

    // A list or a table on the lines that follow; a list need not be indented.
    std::optional<Node> below(std::size_t indent, int depth, Position position) {
        if (at_ == lines_.size()) return std::nullopt;
        const std::size_t inner = lines_[at_].indent;
        const bool is_list = lines_[at_].text == "-" || lines_[at_].text.starts_with("- ");
        if (is_list && inner >= indent) return list(inner, position);
        if (inner <= indent) return std::nullopt;
        if (depth >= nesting_max) {
            refuse("must not nest so deep");
            return std::nullopt;
        }
        return Node{table(inner, depth + 1), position};
    }

    Node list(std::size_t indent, Position position) {
        Array elements;
        while (at_ < lines_.size() && lines_[at_].indent == indent &&
               (lines_[at_].text == "-" || lines_[at_].text.starts_with("- "))) {
            const std::string_view item = trimmed(lines_[at_].text.substr(1));
            const Position where = here();
            ++at_;
            const std::size_t before = at_;
            skip_below(indent);
            const bool is_scalar = before == at_ && !item.empty() &&
                                   (item.front() == '"' || item.front() == '\'' ||
                                    !(item.ends_with(':') || item.contains(": ")));
            if (is_scalar) elements.push_back(scalar(item, where));
        }
        return Node{std::move(elements), position};
    }

    void skip_below(std::size_t indent) {
        while (at_ < lines_.size() && lines_[at_].indent > indent) ++at_;
    }

    std::vector<Line> lines_;
    std::uint32_t source_;
    std::size_t at_ = 0;
    std::optional<SyntaxFault> fault_;
};

}  // namespace

std::expected<Table, SyntaxFault> parse_yaml(std::string_view text, std::uint32_t source) {
    std::vector<Line> lines;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
        const std::string_view content = without_comment(line.substr(indent));
        if (content.empty() || content == "---" || content == "...") continue;
        if (line[indent] == '\t') {
            return std::unexpected(
                SyntaxFault{{source, number, static_cast<std::uint32_t>(indent) + 1, 1},
                            "must be indented with blanks, got a tab"});
        }
        lines.push_back({indent, content, number});
    }
    if (lines.empty()) return Table();
    return YamlParser(std::move(lines), source)();
}

}  // namespace pitot::agent
