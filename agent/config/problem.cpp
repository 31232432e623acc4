#include "agent/config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <tuple>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent {

namespace {

// Characters of a line that are shown on either side of the place in question.
constexpr std::uint32_t excerpt_before = 40;
constexpr std::uint32_t excerpt_after = 60;

// A line with one of these words may hold a secret in plain text.
constexpr std::array<std::string_view, 8> secret_words{"password",   "passwd",  "secret", "token",
                                                       "credential", "api_key", "apikey", "auth"};

bool may_hold_secret(std::string_view line) {
    std::string lower(line);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return std::ranges::any_of(
        secret_words, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::size_t columns_of(std::string_view printable_text) {
    std::size_t columns = 0;
    for (; !printable_text.empty(); ++columns) {
        printable_text.remove_prefix(first_character(printable_text).bytes);
    }
    return columns;
}

// What an excerpt shows of a character.
enum class Shown : std::uint8_t { itself, text_left_out, credential_left_out };

// Whether a '?' here begins what an address asks for: "?p=…". In a pattern it does not.
bool begins_query(std::string_view behind) {
    const std::size_t end = behind.find_first_not_of(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return end != 0 && end != std::string_view::npos && behind[end] == '=';
}

// Leaves the credentials out of addresses, in texts that are shown: what stands before an '@',
// back to where the address begins, and what an address asks for.
void leave_credentials_out(std::string_view line, std::vector<Shown>& characters) {
    constexpr std::string_view ends = " \t\"'";
    std::vector<std::size_t> columns;  // of each byte
    for (std::string_view rest = line; !rest.empty();) {
        const std::size_t column = columns.empty() ? 0 : columns.back() + 1;
        const std::size_t bytes = first_character(rest).bytes;
        columns.insert(columns.end(), bytes, column);
        rest.remove_prefix(bytes);
    }
    const auto hide = [&](std::size_t from, std::size_t to) {
        for (std::size_t byte = from; byte < to; ++byte) {
            Shown& shown = characters[columns[byte]];
            if (shown == Shown::itself) shown = Shown::credential_left_out;
        }
    };
    for (std::size_t at = line.find('@'); at != std::string_view::npos;
         at = line.find('@', at + 1)) {
        const std::string_view before = line.substr(0, at);
        const std::size_t scheme = before.rfind("://");
        const std::size_t quote = before.find_last_of("\"'");
        const bool has_scheme =
            scheme != std::string_view::npos && (quote == std::string_view::npos || quote < scheme);
        // npos + 1 is 0: the line begins with it.
        hide(has_scheme ? scheme + 3 : before.find_last_of(" \t\"'=") + 1, at);
    }
    for (std::size_t at = line.find('?'); at != std::string_view::npos;
         at = line.find('?', at + 1)) {
        if (begins_query(line.substr(at + 1))) {
            hide(at + 1, std::min(line.find_first_of(ends, at), line.size()));
        }
    }
}

// A text that the message is not about may be a secret under a mistyped key: what is in
// quotes is left out, unless the place in question is in the same ones.
std::vector<Shown> shown_characters(std::string_view line, std::uint32_t column_shown) {
    const std::string_view whole = line;
    std::vector<Shown> characters;
    std::size_t opened = 0;
    char quote = 0;
    bool escaped = false;
    const auto close = [&] {
        if (column_shown > opened && column_shown <= characters.size()) {
            std::fill(characters.begin() + static_cast<std::ptrdiff_t>(opened), characters.end(),
                      Shown::itself);
        }
        quote = 0;
    };
    while (!line.empty()) {
        const char c = line.front();
        line.remove_prefix(first_character(line).bytes);
        const bool opens = quote == 0 && (c == '"' || c == '\'');
        characters.push_back(quote != 0 || opens ? Shown::text_left_out : Shown::itself);
        if (opens) {
            quote = c;
            opened = characters.size() - 1;
        } else if (escaped) {
            escaped = false;
        } else if (quote == '"' && c == '\\') {
            escaped = true;
        } else if (quote != 0 && c == quote) {
            close();
        }
    }
    if (quote != 0) close();
    leave_credentials_out(whole, characters);
    return characters;
}

// A tab counts as one character, and so must not move the caret by more.
void append_character(std::string& out, std::string_view line, const Character& character) {
    if (character.code_point == '\t') {
        out += ' ';
    } else {
        append_printable(out, line, character);
    }
}

}  // namespace

std::string to_line(const Problem& problem) {
    std::string text = problem.where;
    if (problem.line != 0) text += fmt::format(":{}:{}", problem.line, problem.column);
    if (!text.empty()) text += ": ";
    if (!problem.key.empty()) text += problem.key + ": ";
    return text + problem.what;
}

std::string render(std::span<const Problem> problems, const RenderStyle& style) {
    std::string out;
    for (const Problem& problem : problems.first(std::min(problems.size(), style.shown_max))) {
        out += style.prefix;
        out += to_line(problem) + "\n";
        if (!style.excerpts || problem.excerpt.text.empty()) continue;
        const std::string number = problem.line == 0 ? "" : std::to_string(problem.line);
        fmt::format_to(std::back_inserter(out), "{:>5} | {}\n      | {:{}}{:^>{}}\n", number,
                       problem.excerpt.text, "", problem.excerpt.caret, "",
                       std::max<std::size_t>(1, problem.excerpt.caret_width));
    }
    if (problems.size() > style.shown_max) {
        out += fmt::format("… and {} more\n", problems.size() - style.shown_max);
    }
    if (!style.closing.empty() && !problems.empty()) {
        out += fmt::format("{} problem{} found{}\n", problems.size(),
                           problems.size() == 1 ? "" : "s", style.closing);
    }
    return out;
}

std::uint32_t ProblemList::add_source(std::string name, std::string text, SourceType type) {
    Source source{std::move(name), std::move(text), type, {0}};
    for (std::size_t i = 0; i < source.text.size(); ++i) {
        if (source.text[i] == '\n') source.line_starts.push_back(i + 1);
    }
    sources_.push_back(std::move(source));
    return static_cast<std::uint32_t>(sources_.size() - 1);
}

void ProblemList::add(Position position, std::string key, std::string what) {
    if (full()) return;
    Placed placed = place(position, std::move(key), std::move(what), true);
    const bool known = std::ranges::any_of(
        problems_, [&](const Placed& other) { return other.problem == placed.problem; });
    if (!known) problems_.push_back(std::move(placed));
}

void ProblemList::add_secret(Position position, std::string key, std::string what) {
    if (!full()) problems_.push_back(place(position, std::move(key), std::move(what), false));
}

void ProblemList::warn(Position position, std::string key, std::string what) {
    if (warnings_.size() >= problems_max) return;
    warnings_.push_back(place(position, std::move(key), std::move(what), false));
}

std::string ProblemList::name_of(Position position) const {
    const Source& source = sources_.at(position.source);
    if (source.type != SourceType::file || position.line == 0) return source.name;
    return fmt::format("{}:{}:{}", source.name, position.line, position.column);
}

std::vector<Problem> ProblemList::sorted(const std::vector<Placed>& placed) const {
    std::vector<std::size_t> order(placed.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t index) {
        const Position& position = placed[index].position;
        return std::tuple(type_of(position.source), position.source, position.line, position.column,
                          index);
    });
    std::vector<Problem> problems;
    problems.reserve(placed.size());
    for (const std::size_t index : order) problems.push_back(placed[index].problem);
    return problems;
}

ProblemList::Placed ProblemList::place(Position position, std::string key, std::string what,
                                       bool show) const {
    Problem problem;
    const Source& source = sources_.at(position.source);
    problem.where = source.name;
    if (source.type == SourceType::file) {
        problem.line = position.line;
        problem.column = position.column;
    }
    problem.key = std::move(key);
    problem.what = std::move(what);
    if (show) problem.excerpt = excerpt(position);
    return {position, std::move(problem)};
}

Excerpt ProblemList::excerpt(Position position) const {
    const Source& source = sources_.at(position.source);
    if (source.type == SourceType::environment) return {};  // one word, which may be a secret
    if (position.line == 0 || position.line > source.line_starts.size()) return {};
    const std::size_t start = source.line_starts[position.line - 1];
    std::string_view line = std::string_view(source.text).substr(start);
    line = line.substr(0, std::min(line.find_first_of("\r\n"), line.size()));
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (source.type == SourceType::command_line && position.column <= line.find('=')) {
        // Not about the value, which may be a secret without its quotes.
        line = line.substr(0, line.find('='));
    }
    if (line.empty() || may_hold_secret(line)) return {};

    const std::vector<Shown> characters = shown_characters(line, position.column);
    const std::uint32_t first =
        position.column > excerpt_before ? position.column - excerpt_before : 1;
    const std::uint32_t last = position.column + excerpt_after;
    Excerpt result;
    if (first > 1) result.text = "…";
    Shown before = Shown::itself;
    for (std::uint32_t column = 1; !line.empty(); ++column) {
        if (column > last) {
            result.text += "…";
            break;
        }
        const Character character = first_character(line);
        if (column == position.column) result.caret = columns_of(result.text);
        if (column >= first) {
            const Shown shown = characters[column - 1];
            if (shown == Shown::itself) {
                append_character(result.text, line, character);
            } else if (shown != before) {
                result.text += shown == Shown::text_left_out ? "\"…\"" : "…";
            }
            before = shown;
        }
        if (column >= position.column && column < position.column + position.width) {
            result.caret_width = columns_of(result.text) - result.caret;
        }
        line.remove_prefix(character.bytes);
    }
    // Behind the end of the line, as for a value that is missing.
    if (result.caret_width == 0) {
        result.caret = columns_of(result.text);
        result.caret_width = 1;
    }
    return result;
}

}  // namespace pitot::agent
