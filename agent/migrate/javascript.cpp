#include "agent/migrate/javascript.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent {

namespace {

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$';
}

class JavascriptParser {
public:
    JavascriptParser(std::string_view text, std::uint32_t source,
                     std::vector<std::string>* computed)
        : text_(text), source_(source), computed_(computed) {}

    std::expected<Table, SyntaxFault> operator()() {
        if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
        skip_blanks();
        take_word("module.exports");
        take_word("exports.config");
        if (next_is('=')) ++at_;
        int parentheses = 0;
        for (skip_blanks(); next_is('('); skip_blanks(), ++parentheses) ++at_;
        if (!next_is('{')) return refused("must be a JavaScript object, such as { port: 8125 }");
        std::optional<Node> node = value(0);
        if (!node) return std::unexpected(*std::move(fault_));
        for (skip_blanks(); parentheses > 0 && next_is(')'); skip_blanks(), --parentheses) ++at_;
        if (next_is(';')) ++at_;
        skip_blanks();
        if (at_ != text_.size()) return refused("must end behind the object");
        return std::get<Table>(std::move(node->value));
    }

private:
    std::unexpected<SyntaxFault> refused(std::string_view must) {
        refuse(must);
        return std::unexpected(*std::move(fault_));
    }

    std::nullopt_t refuse(std::string_view must) {
        if (fault_) return std::nullopt;
        const std::string got =
            at_ >= text_.size()
                ? "the end of the file"
                : fmt::format("'{}'", printable(text_.substr(
                                          at_, first_character(text_.substr(at_)).bytes)));
        fault_ = SyntaxFault{position(), fmt::format("{}, got {}", must, got)};
        return std::nullopt;
    }

    Position position() const {
        const std::string_view before = text_.substr(0, at_);
        const auto lines = std::ranges::count(before, '\n');
        const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
        std::uint32_t column = 1;
        for (std::string_view line = before.substr(start); !line.empty(); ++column) {
            line.remove_prefix(first_character(line).bytes);
        }
        return {source_, static_cast<std::uint32_t>(lines) + 1, column, 1};
    }

    bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

    void take_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return;
        at_ += word.size();
        skip_blanks();
    }

    // Blanks and comments.
    void skip_blanks() {
        while (at_ < text_.size()) {
            const std::string_view rest = text_.substr(at_);
            if (rest.starts_with("//")) {
                at_ += std::min(rest.find('\n'), rest.size());
            } else if (rest.starts_with("/*")) {
                const std::size_t end = rest.find("*/", 2);
                at_ += end == std::string_view::npos ? rest.size() : end + 2;
            } else if (std::string_view(" \t\r\n").contains(rest.front())) {
                ++at_;
            } else {
                return;
            }
        }
    }

    // Nothing for a fault, and for null.
    std::optional<Node> value(int depth) {
        skip_blanks();
        if (depth > nesting_max) return refuse("must not nest so deep");
        const Position where = position();
        if (next_is('{')) return object(depth, where);
        if (next_is('[')) return array(depth, where);
        if (next_is('"') || next_is('\'') || next_is('`')) {
            auto content = quoted();
            if (!content) return std::nullopt;
            return Node{*std::move(content), where};
        }
        return word(where);
    }

    // A number or a name.
    std::optional<Node> word(Position where) {
        const std::size_t start = at_;
        if (next_is('-') || next_is('+')) ++at_;
        while (at_ < text_.size() && (is_word_character(text_[at_]) || text_[at_] == '.' ||
                                      ((text_[at_] == '-' || text_[at_] == '+') &&
                                       (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E')))) {
            ++at_;
        }
        std::string_view word = text_.substr(start, at_ - start);
        if (word == "true" || word == "false") return Node{word == "true", where};
        is_null_ = word == "null" || word == "undefined";
        if (is_null_) return std::nullopt;
        if (word.starts_with('+')) word.remove_prefix(1);
        double number = 0;
        const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (word.empty() || error != std::errc() || stop != word.data() + word.size()) {
            at_ = start;
            return refuse(
                "must be a text, a number, a boolean, a list or an object; what only "
                "JavaScript can work out is to be written out");
        }
        if (number ==
            static_cast<double>(static_cast<std::int64_t>(std::clamp(number, -1e15, 1e15)))) {
            return Node{static_cast<std::int64_t>(number), where};
        }
        return Node{number, where};
    }

    std::optional<std::string> quoted() {
        const char quote = text_[at_++];
        std::string content;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (quote == '`' && text_.substr(at_).starts_with("${")) {
                return refuse(
                    "must be a text as it is: what a template holds only JavaScript can "
                    "work out");
            }
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                ++at_;
                const std::string_view plain = "nrtbf0";
                const std::string_view meant("\n\r\t\b\f\0", 6);
                const std::size_t known = plain.find(text_[at_]);
                // A line break behind a backslash is none of the text.
                if (text_[at_] != '\n') {
                    content += known == std::string_view::npos ? text_[at_] : meant[known];
                }
                ++at_;
                continue;
            }
            if (text_[at_] == '\n' && quote != '`')
                return refuse("must have a quote behind the text");
            content += text_[at_++];
        }
        if (at_ == text_.size()) return refuse("must have a quote behind the text");
        ++at_;
        return content;
    }

    std::optional<std::string> key() {
        if (next_is('"') || next_is('\'')) return quoted();
        const std::size_t start = at_;
        while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
        if (at_ == start) return refuse("must be a key");
        return std::string(text_.substr(start, at_ - start));
    }

    std::optional<Node> object(int depth, Position where) {
        ++at_;
        Table table;
        for (skip_blanks(); !next_is('}'); skip_blanks()) {
            const Position key_position = position();
            auto name = key();
            if (!name) return std::nullopt;
            skip_blanks();
            if (!next_is(':')) return refuse("must have a ':' behind the key");
            ++at_;
            path_.push_back(*name);
            auto node = element(depth, '}');
            path_.pop_back();
            if (!node && !is_null_) return std::nullopt;
            std::erase_if(table.entries, [&](const Entry& entry) { return entry.key == *name; });
            if (node) table.entries.push_back({*std::move(name), key_position, *std::move(node)});
            if (!end_of_element('}')) return std::nullopt;
        }
        ++at_;
        is_null_ = false;
        return Node{std::move(table), where};
    }

    std::optional<Node> array(int depth, Position where) {
        ++at_;
        Array elements;
        for (skip_blanks(); !next_is(']'); skip_blanks()) {
            auto node = element(depth, ']');
            if (!node && !is_null_) return std::nullopt;
            if (node) elements.push_back(*std::move(node));
            if (!end_of_element(']')) return std::nullopt;
        }
        ++at_;
        is_null_ = false;
        return Node{std::move(elements), where};
    }

    // A value of an object or an array; one that only JavaScript can work out is left out as null
    // is, where that is allowed.
    std::optional<Node> element(int depth, char closing) {
        skip_blanks();
        const std::size_t start = at_;
        is_null_ = false;
        auto node = value(depth + 1);
        skip_blanks();
        const bool is_whole = (node || is_null_) && (next_is(',') || next_is(closing));
        if (is_whole || computed_ == nullptr || is_beyond_repair_) return node;
        const std::size_t stopped_at = std::exchange(at_, start);
        if (!skip_expression()) {
            at_ = stopped_at;
            is_beyond_repair_ = true;
            return node;
        }
        fault_.reset();
        computed_->push_back(fmt::format("{}", fmt::join(path_, ".")));
        is_null_ = true;
        return std::nullopt;
    }

    // To the comma or the bracket behind an expression. Where there is none, or a ':' that
    // belongs to no '?', what stands here is no expression: a comma is missing.
    bool skip_expression() {
        int brackets = 0;
        int questions = 0;
        for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'' || c == '`') {
                if (!skip_quoted()) return false;
                continue;
            }
            const bool closes = std::string_view(")]}").contains(c);
            if (brackets == 0 && (closes || c == ',')) return true;
            if (brackets == 0 && c == ':' && --questions < 0) return false;
            if (brackets == 0 && c == '?') ++questions;
            if (std::string_view("([{").contains(c)) ++brackets;
            if (closes) --brackets;
            ++at_;
        }
        return false;
    }

    bool skip_quoted() {
        const char quote = text_[at_++];
        while (at_ < text_.size() && text_[at_] != quote) {
            at_ += text_[at_] == '\\' ? std::size_t{2} : std::size_t{1};
        }
        if (at_ >= text_.size()) return false;
        ++at_;
        return true;
    }

    // A comma, or the end.
    bool end_of_element(char closing) {
        skip_blanks();
        if (next_is(',')) {
            ++at_;
            return true;
        }
        if (next_is(closing)) return true;
        refuse(fmt::format("must have ',' or '{}' here", closing));
        return false;
    }

    std::string_view text_;
    std::uint32_t source_;
    std::size_t at_ = 0;
    bool is_null_ = false;  // the last value was
    std::optional<SyntaxFault> fault_;
    std::vector<std::string>* computed_;
    std::vector<std::string> path_;  // of the value that is being read
    bool is_beyond_repair_ = false;
};

}  // namespace

std::expected<Table, SyntaxFault> parse_javascript(std::string_view text, std::uint32_t source) {
    return JavascriptParser(text, source, nullptr)();
}

std::expected<Table, SyntaxFault> parse_plain_javascript(std::string_view text,
                                                         std::uint32_t source,
                                                         std::vector<std::string>& computed) {
    return JavascriptParser(text, source, &computed)();
}

}  // namespace pitot::agent
