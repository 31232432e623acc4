#include "agent/alerts/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Longer ones before those that they begin with.
constexpr std::array<std::string_view, 24> symbols{"&&", "||", ">=", "<=", "==", "!=", "=~", "!~",
                                                   ">",  "<",  "=",  "!",  "+",  "-",  "*",  "/",
                                                   "(",  ")",  "{",  "}",  "[",  "]",  ",",  ":"};

std::size_t name_length(std::string_view rest) {
    const auto end = std::ranges::find_if_not(
        rest, [](char c) { return is_letter(c) || is_digit(c) || c == '.'; });
    return static_cast<std::size_t>(end - rest.begin());
}

// 5  0.5  1e-3  80%  1h30m
std::size_t quantity_length(std::string_view rest) {
    std::size_t length = 0;
    bool is_plain = true;  // digits and a dot so far: an e may begin an exponent
    while (length < rest.size()) {
        const char c = rest[length];
        const bool is_exponent = is_plain && (c == 'e' || c == 'E') && length + 2 < rest.size() &&
                                 (rest[length + 1] == '+' || rest[length + 1] == '-') &&
                                 is_digit(rest[length + 2]);
        if (is_exponent) {
            length += 2;
        } else if (!is_digit(c) && !is_letter(c) && c != '.' && c != '%') {
            break;
        }
        is_plain = is_plain && (is_digit(c) || c == '.');
        ++length;
        if (c == '%') break;
    }
    return length;
}

// Nothing where there is no closing quote.
std::optional<std::size_t> text_length(std::string_view rest) {
    const char quote = rest.front();
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] == '\\') {
            ++at;
        } else if (rest[at] == quote) {
            return at + 1;
        }
    }
    return std::nullopt;
}

std::string what_of(std::string_view rest) {
    const std::string character = printable(rest.substr(0, first_character(rest).bytes));
    if (rest.front() == '&') return "must be `and` or `&&`, got `&`";
    if (rest.front() == '|') return "must be `or` or `||`, got `|`";
    if (rest.front() == '%') return "must stand right behind its number: `5%`";
    if (rest.front() == '$') return "must be `$1` to `$9`, for what a `*` stands for";
    return fmt::format("must be part of an expression, got `{}`", character);
}

}  // namespace

std::expected<std::vector<Word>, LexerFault> read_words(std::string_view text) {
    std::vector<Word> words;
    std::size_t at = 0;
    const auto take = [&](Word::Type type, std::size_t length) {
        words.push_back({type, text.substr(at, length), at});
        at += length;
    };
    while (at < text.size()) {
        const std::string_view rest = text.substr(at);
        const char c = rest.front();
        if (is_blank(c)) {
            ++at;
        } else if (is_letter(c)) {
            take(Word::Type::name, name_length(rest));
        } else if (is_digit(c)) {
            take(Word::Type::quantity, quantity_length(rest));
        } else if (c == '$' && rest.size() > 1 && rest[1] >= '1' && rest[1] <= '9') {
            take(Word::Type::capture, 2);
        } else if (c == '"' || c == '\'') {
            const auto length = text_length(rest);
            if (!length) return std::unexpected(LexerFault{at, 1, "must have a closing quote"});
            take(Word::Type::text, *length);
        } else {
            const auto symbol = std::ranges::find_if(
                symbols, [&](std::string_view each) { return rest.starts_with(each); });
            if (symbol == symbols.end()) {
                return std::unexpected(LexerFault{at, first_character(rest).bytes, what_of(rest)});
            }
            take(Word::Type::symbol, symbol->size());
        }
    }
    words.push_back({Word::Type::end, {}, text.size()});
    return words;
}

std::string unquoted(std::string_view spelling) {
    std::string out;
    const std::string_view inside = spelling.substr(1, spelling.size() - 2);
    for (std::size_t at = 0; at < inside.size(); ++at) {
        const bool is_escape = inside[at] == '\\' && at + 1 < inside.size() &&
                               (inside[at + 1] == '\\' || inside[at + 1] == spelling.front());
        if (is_escape) ++at;
        out += inside[at];
    }
    return out;
}

}  // namespace pitot::agent::alerts
