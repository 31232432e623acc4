// An expression as a tree: what the parser makes of a text, and what it is printed from.
//
// The nodes lie in one vector, children before their parents, and refer to one another by
// index: a tree is copied, compared and thrown away without recursion over pointers, and
// its size is known. Nothing here knows what a metric is, or whether the tree makes sense:
// that is compilation's part (program.h).
//
// Two trees are equal when they say the same, wherever they stood.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/alerts/function.h"
#include "agent/alerts/unit.h"
#include "agent/config/problem.h"

namespace pitot::agent::alerts {

using NodeId = std::uint32_t;

// A length of time: in flushes ("3f"), or in nanoseconds.
struct Span {
    std::int64_t nanoseconds = 0;
    std::uint32_t flushes = 0;  // then nanoseconds is 0

    bool operator==(const Span&) const = default;
};

enum class MatchOperator : std::uint8_t { equal, not_equal, matches, not_matches };  // = != =~ !~

// One condition on a tag. Equal ones take a glob, the others a regular expression.
struct TagMatch {
    std::string tag;
    MatchOperator match = MatchOperator::equal;
    std::string pattern;

    bool operator==(const TagMatch&) const = default;
};

struct Selector {
    std::string metric;  // with `*` a glob
    std::vector<TagMatch> matches;
    std::optional<Span> window = std::nullopt;
    std::optional<Span> offset = std::nullopt;

    bool operator==(const Selector&) const = default;
};

// Whether one of its conditions is on the tag.
bool asks_for(const Selector& selector, std::string_view tag);

struct Grouping {
    enum class Mode : std::uint8_t { merged, by, by_series, without };
    Mode mode = Mode::merged;
    std::vector<std::string> tags;  // sorted, each once; of by and without

    bool operator==(const Grouping&) const = default;
};

struct Number {
    double value = 0;  // as written, before its unit
    Unit unit;

    bool operator==(const Number&) const = default;
};

struct Call {
    Function function = Function::last;
    std::vector<NodeId> arguments;
    std::optional<double> rank = std::nullopt;     // of a percentile, in (0, 100)
    std::optional<double> minimum = std::nullopt;  // of a ratio: its `min`
    Grouping grouping = {};
};

enum class UnaryOperator : std::uint8_t { negate, logical_not };

struct Unary {
    UnaryOperator operation = UnaryOperator::negate;
    NodeId operand = 0;
};

enum class BinaryOperator : std::uint8_t {
    logical_or,
    logical_and,
    greater,
    greater_equal,
    less,
    less_equal,
    equal,
    not_equal,
    add,
    subtract,
    multiply,
    divide,
};

constexpr bool is_logical(BinaryOperator operation) {
    return operation <= BinaryOperator::logical_and;
}
constexpr bool is_comparison(BinaryOperator operation) {
    return operation >= BinaryOperator::greater && operation <= BinaryOperator::not_equal;
}

// "or", ">=", "*".
std::string_view to_string(BinaryOperator operation);
std::string_view to_string(MatchOperator match);

struct Binary {
    BinaryOperator operation = BinaryOperator::add;
    NodeId left = 0;
    NodeId right = 0;
};

struct Between {
    NodeId value = 0;
    NodeId low = 0;
    NodeId high = 0;
};

struct ExpressionNode {
    std::variant<Number, Selector, Call, Unary, Binary, Between> what;
    Position position;  // of the word that it is known by: a name, an operator
};

struct Expression {
    std::vector<ExpressionNode> nodes;
    NodeId root = 0;

    const ExpressionNode& operator[](NodeId node) const { return nodes[node]; }
};

bool operator==(const Expression& a, const Expression& b);

// As one would write it, with no parentheses but the needed ones. Parses to an equal tree.
std::string to_text(const Expression& expression);
std::string to_text(const Expression& expression, NodeId node);
std::string to_text(const Selector& selector);
std::string to_text(const Span& span);
// "by (service)", "" when merged.
std::string to_text(const Grouping& grouping);
std::string to_text(const Number& number);

// Words that are not names of metrics unless they are in quotes.
bool is_keyword(std::string_view word);

}  // namespace pitot::agent::alerts
