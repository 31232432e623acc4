#include "packaging/pages/documented_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace pitot::pages {

namespace {

bool is_key_start(char letter) {
    return (letter >= 'a' && letter <= 'z') || letter == '"' || letter == '_';
}

// Brackets that are open at the end of a value: an array that goes on in the next line.
int open_brackets(std::string_view value) {
    int depth = 0;
    bool is_quoted = false;
    for (const char letter : value) {
        if (letter == '"') is_quoted = !is_quoted;
        if (is_quoted) continue;
        depth += static_cast<int>(letter == '[' || letter == '{');
        depth -= static_cast<int>(letter == ']' || letter == '}');
    }
    return depth;
}

class Reader {
public:
    // False for a line that has no meaning here.
    bool take(std::string_view line) {
        if (is_open_) {
            go_on(line.substr(line.starts_with('#') ? 1 : 0));
            return true;
        }
        if (line.empty()) {
            leave_text();
            return true;
        }
        if (line == "#") {
            text_.emplace_back();
            return true;
        }
        if (line.starts_with("# ")) {
            add_text(line.substr(2));
            return true;
        }
        const bool is_shown = line.starts_with('#');
        if (is_shown) line.remove_prefix(1);
        if (line.starts_with('[') && line.ends_with(']')) {
            read_.tables.push_back({.name = std::string(line.substr(1, line.size() - 2)),
                                    .is_shown = is_shown,
                                    .text = std::exchange(text_, {}),
                                    .options = {}});
            return true;
        }
        const std::size_t equals = line.find(" = ");
        if (equals == std::string_view::npos || !is_key_start(line.front())) return false;
        const std::string_view value = line.substr(equals + 3);
        read_.tables.back().options.push_back({.key = std::string(line.substr(0, equals)),
                                               .value = std::string(value),
                                               .text = std::exchange(text_, {})});
        is_open_ = open_brackets(value) > 0;
        return true;
    }

    bool is_open() const { return is_open_; }

    DocumentedConfiguration finish() {
        leave_text();
        return std::move(read_);
    }

private:
    void add_text(std::string_view line) {
        if (text_.empty()) text_.emplace_back();
        std::string& paragraph = text_.back();
        paragraph.append(paragraph.empty() ? "" : " ").append(line);
    }

    // Text that is about no option: of the file, or of the table it stands in.
    void leave_text() {
        const DocumentedTable& table = read_.tables.back();
        const bool is_of_file = read_.tables.size() == 1 && table.options.empty();
        Paragraphs& target = is_of_file ? read_.text : read_.tables.back().text;
        std::ranges::move(std::exchange(text_, {}), std::back_inserter(target));
    }

    void go_on(std::string_view line) {
        std::string& value = read_.tables.back().options.back().value;
        value.append("\n").append(line);
        is_open_ = open_brackets(value) > 0;
    }

    DocumentedConfiguration read_{.text = {}, .tables = {DocumentedTable{}}};
    Paragraphs text_;  // not yet of anything
    bool is_open_ = false;
};

}  // namespace

std::expected<DocumentedConfiguration, std::string> read_documentation(std::string_view toml) {
    Reader reader;
    for (std::size_t number = 1; !toml.empty(); ++number) {
        const std::string_view line = toml.substr(0, toml.find('\n'));
        toml.remove_prefix(std::min(line.size() + 1, toml.size()));
        if (!reader.take(line)) {
            return std::unexpected(
                fmt::format("{}: must be text behind \"# \", a table or `key = value`", number));
        }
    }
    if (reader.is_open()) return std::unexpected("must close the brackets of its last value");
    return reader.finish();
}

}  // namespace pitot::pages
