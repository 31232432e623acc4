// A strict reader of one line of logfmt: anything that another reader might take differently
// is refused.
//
// The grammar in the documentation of Go's kr/logfmt, without its leniency: pairs with one
// blank between them, every key once and with a value, values bare or quoted, and after a
// '\' nothing but '"' and '\'.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::tests {

using LogfmtFields = std::map<std::string, std::string>;

class LogfmtReader {
public:
    // `line` without its line feed. Nothing where it is not logfmt.
    static std::optional<LogfmtFields> read(std::string_view line) {
        LogfmtReader reader(line);
        LogfmtFields fields;
        for (;;) {
            const std::string key(reader.bare());
            if (key.empty() || !reader.take('=')) return std::nullopt;
            const std::optional<std::string> value = reader.value();
            if (!value || !fields.emplace(key, *value).second) return std::nullopt;
            if (reader.rest_.empty()) return fields;
            if (!reader.take(' ')) return std::nullopt;
        }
    }

private:
    explicit LogfmtReader(std::string_view line) : rest_(line) {}

    static bool is_bare(char c) {
        return static_cast<unsigned char>(c) > ' ' && c != '=' && c != '"' && c != '\x7f';
    }

    bool take(char wanted) {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view bare() {
        const auto end = std::ranges::find_if_not(rest_, is_bare);
        const std::string_view word =
            rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(word.size());
        return word;
    }

    std::optional<std::string> value() {
        if (!take('"')) {
            std::string word(bare());
            if (word.empty()) return std::nullopt;
            return word;
        }
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (take('\\') && !rest_.starts_with('"') && !rest_.starts_with('\\')) {
                return std::nullopt;
            }
            const auto byte = static_cast<unsigned char>(rest_.front());
            if (byte < 0x20 || byte == 0x7f) return std::nullopt;
            text += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!take('"')) return std::nullopt;
        return text;
    }

    std::string_view rest_;
};

}  // namespace pitot::tests
