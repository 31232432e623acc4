#include "agent/alerts/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace pitot::agent::alerts {

namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

bool equal(const Expression& a, NodeId left, const Expression& b, NodeId right);

bool equal(const Expression& a, const Call& left, const Expression& b, const Call& right) {
    if (left.function != right.function || left.rank != right.rank ||
        left.minimum != right.minimum || left.grouping != right.grouping) {
        return false;
    }
    return std::ranges::equal(left.arguments, right.arguments,
                              [&](NodeId x, NodeId y) { return equal(a, x, b, y); });
}

bool equal(const Expression& a, NodeId left, const Expression& b, NodeId right) {
    const auto& what = a[left].what;
    const auto& other = b[right].what;
    if (what.index() != other.index()) return false;
    return std::visit(
        Overloaded{
            [&](const Number& number) { return number == std::get<Number>(other); },
            [&](const Selector& selector) { return selector == std::get<Selector>(other); },
            [&](const Call& call) { return equal(a, call, b, std::get<Call>(other)); },
            [&](const Unary& unary) {
                const auto& its = std::get<Unary>(other);
                return unary.operation == its.operation && equal(a, unary.operand, b, its.operand);
            },
            [&](const Binary& binary) {
                const auto& its = std::get<Binary>(other);
                return binary.operation == its.operation && equal(a, binary.left, b, its.left) &&
                       equal(a, binary.right, b, its.right);
            },
            [&](const Between& between) {
                const auto& its = std::get<Between>(other);
                return equal(a, between.value, b, its.value) && equal(a, between.low, b, its.low) &&
                       equal(a, between.high, b, its.high);
            }},
        what);
}

// How tightly an operator binds; what binds less tightly than its place wants stands in
// parentheses.
enum class Precedence : std::uint8_t {
    any,
    conjunction,
    negation,
    comparison,
    sum,
    product,
    unary,
    primary
};

Precedence precedence(BinaryOperator operation) {
    switch (operation) {
        case BinaryOperator::logical_or:
            return Precedence::any;
        case BinaryOperator::logical_and:
            return Precedence::conjunction;
        case BinaryOperator::add:
        case BinaryOperator::subtract:
            return Precedence::sum;
        case BinaryOperator::multiply:
        case BinaryOperator::divide:
            return Precedence::product;
        default:
            return Precedence::comparison;
    }
}

Precedence above(Precedence precedence) {
    return static_cast<Precedence>(static_cast<int>(precedence) + 1);
}

bool is_plain_name(std::string_view name) {
    if (name.empty() || is_keyword(name)) return false;
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
               return is_letter(c) || (c >= '0' && c <= '9') || c == '.';
           });
}

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string name_text(std::string_view name) {
    return is_plain_name(name) ? std::string(name) : in_quotes(name);
}

// `$1` is a name in a grouping, and nowhere else.
std::string label_text(std::string_view name) {
    const bool is_capture = name.size() == 2 && name[0] == '$' && name[1] >= '1' && name[1] <= '9';
    return is_capture ? std::string(name) : name_text(name);
}

class Printer {
public:
    explicit Printer(const Expression& expression) : expression_(expression) {}

    std::string print(NodeId node, Precedence wanted) const {
        const auto [text, has] =
            std::visit([&](const auto& what) { return print(what); }, expression_[node].what);
        return has < wanted ? "(" + text + ")" : text;
    }

private:
    struct Printed {
        std::string text;
        Precedence precedence = Precedence::primary;
    };

    Printed print(const Number& number) const { return {to_text(number)}; }
    Printed print(const Selector& selector) const { return {to_text(selector)}; }

    Printed print(const Call& call) const {
        std::string name(info(call.function).name);
        std::string arguments;
        if (call.rank) {
            const bool is_short = *call.rank >= 1 && std::floor(*call.rank) == *call.rank;
            if (is_short) {
                name += fmt::format("{}", *call.rank);
            } else {
                arguments = fmt::format("{}", *call.rank);
            }
        }
        for (const NodeId argument : call.arguments) {
            arguments += (arguments.empty() ? "" : ", ") + print(argument, Precedence::any);
        }
        if (call.minimum) arguments += fmt::format(", min = {}", *call.minimum);
        const std::string grouping = to_text(call.grouping);
        return {fmt::format("{}({}){}{}", name, arguments, grouping.empty() ? "" : " ", grouping)};
    }

    Printed print(const Unary& unary) const {
        if (unary.operation == UnaryOperator::negate) {
            return {"-" + print(unary.operand, Precedence::primary), Precedence::unary};
        }
        return {"not " + print(unary.operand, Precedence::comparison), Precedence::negation};
    }

    Printed print(const Binary& binary) const {
        const Precedence own = precedence(binary.operation);
        // Comparisons do not chain; all else leans to the left.
        const Precedence left = own == Precedence::comparison ? Precedence::sum : own;
        return {fmt::format("{} {} {}", print(binary.left, left), to_string(binary.operation),
                            print(binary.right, above(own))),
                own};
    }

    Printed print(const Between& between) const {
        return {
            fmt::format("{} between {} and {}", print(between.value, Precedence::sum),
                        print(between.low, Precedence::sum), print(between.high, Precedence::sum)),
            Precedence::comparison};
    }

    const Expression& expression_;
};

}  // namespace

bool asks_for(const Selector& selector, std::string_view tag) {
    return std::ranges::find(selector.matches, tag, &TagMatch::tag) != selector.matches.end();
}

std::string_view to_string(BinaryOperator operation) {
    static constexpr std::array<std::string_view, 12> names{
        "or", "and", ">", ">=", "<", "<=", "==", "!=", "+", "-", "*", "/"};
    return names.at(static_cast<std::size_t>(operation));
}

std::string_view to_string(MatchOperator match) {
    static constexpr std::array<std::string_view, 4> names{"=", "!=", "=~", "!~"};
    return names.at(static_cast<std::size_t>(match));
}

bool is_keyword(std::string_view word) {
    static constexpr std::array<std::string_view, 7> keywords{"and",    "between", "by",     "not",
                                                              "offset", "or",      "without"};
    return std::ranges::find(keywords, word) != keywords.end();
}

bool operator==(const Expression& a, const Expression& b) {
    return equal(a, a.root, b, b.root);
}

std::string to_text(const Expression& expression) {
    return to_text(expression, expression.root);
}

std::string to_text(const Expression& expression, NodeId node) {
    return Printer(expression).print(node, Precedence::any);
}

std::string to_text(const Number& number) {
    return fmt::format("{}{}", number.value, number.unit.name);
}

std::string to_text(const Span& span) {
    if (span.flushes != 0) return fmt::format("{}f", span.flushes);
    struct Step {
        std::int64_t nanoseconds;
        char letter;
    };
    constexpr std::int64_t second_ns = 1'000'000'000;
    static constexpr std::array steps{Step{86'400 * second_ns, 'd'}, Step{3'600 * second_ns, 'h'},
                                      Step{60 * second_ns, 'm'}, Step{second_ns, 's'}};
    std::string out;
    std::int64_t rest = span.nanoseconds;
    for (const Step& step : steps) {
        if (rest >= step.nanoseconds)
            out += fmt::format("{}{}", rest / step.nanoseconds, step.letter);
        rest %= step.nanoseconds;
    }
    return out.empty() ? "0s" : out;
}

std::string to_text(const Selector& selector) {
    std::string out = name_text(selector.metric);
    std::string matches;
    for (const TagMatch& match : selector.matches) {
        matches += fmt::format("{}{}{}{}", matches.empty() ? "" : ", ", name_text(match.tag),
                               to_string(match.match), in_quotes(match.pattern));
    }
    if (!matches.empty()) out += "{" + matches + "}";
    if (selector.window) out += "[" + to_text(*selector.window) + "]";
    if (selector.offset) out += " offset " + to_text(*selector.offset);
    return out;
}

std::string to_text(const Grouping& grouping) {
    if (grouping.mode == Grouping::Mode::merged) return {};
    if (grouping.mode == Grouping::Mode::by_series) return "by (*)";
    std::string tags;
    for (const std::string& tag : grouping.tags) {
        tags += (tags.empty() ? "" : ", ") + label_text(tag);
    }
    return fmt::format("{} ({})", grouping.mode == Grouping::Mode::by ? "by" : "without", tags);
}

}  // namespace pitot::agent::alerts
