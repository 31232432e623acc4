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

// Which characters of a line are in quotes, unless the place in question is in the same
// ones: a text that the message is not about may be a secret under a mistyped key.
std::vector<bool> hidden_characters(std::string_view line, std::uint32_t column_shown) {
    std::vector<bool> hidden;
    std::size_t opened = 0;
    char quote = 0;
    bool escaped = false;
    const auto close = [&] {
        if (column_shown > opened && column_shown <= hidden.size()) {
            std::fill(hidden.begin() + static_cast<std::ptrdiff_t>(opened), hidden.end(), false);
        }
        quote = 0;
    };
    while (!line.empty()) {
        const char c = line.front();
        line.remove_prefix(first_character(line).bytes);
        const bool opens = quote == 0 && (c == '"' || c == '\'');
        hidden.push_back(quote != 0 || opens);
        if (opens) {
            quote = c;
            opened = hidden.size() - 1;
        } else if (escaped) {
            escaped = false;
        } else if (quote == '"' && c == '\\') {
            escaped = true;
        } else if (quote != 0 && c == quote) {
            close();
        }
    }
    if (quote != 0) close();
    return hidden;
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

    const std::vector<bool> hidden = hidden_characters(line, position.column);
    const std::uint32_t first =
        position.column > excerpt_before ? position.column - excerpt_before : 1;
    const std::uint32_t last = position.column + excerpt_after;
    Excerpt result;
    if (first > 1) result.text = "…";
    bool was_hidden = false;
    for (std::uint32_t column = 1; !line.empty(); ++column) {
        if (column > last) {
            result.text += "…";
            break;
        }
        const Character character = first_character(line);
        if (column == position.column) result.caret = columns_of(result.text);
        const bool is_hidden = hidden[column - 1];
        if (column >= first && is_hidden && !was_hidden) result.text += "\"…\"";
        if (column >= first && !is_hidden) append_character(result.text, line, character);
        was_hidden = is_hidden && column >= first;
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
