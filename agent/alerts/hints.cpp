#include "agent/alerts/hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

namespace pitot::agent::alerts {

namespace {

using UnitOf = std::function<std::optional<Unit>(std::string_view)>;

// Below this a bare number is more likely seconds than milliseconds.
constexpr double bare_milliseconds_min = 10;

class Hints {
public:
    Hints(const Expression& expression, const UnitOf& unit_of)
        : expression_(expression), unit_of_(unit_of) {}

    std::vector<ExpressionFault> collect() {
        for (NodeId node = 0; node < expression_.nodes.size(); ++node) {
            if (const auto* const binary = std::get_if<Binary>(&expression_[node].what)) {
                look_at(node, *binary);
            } else if (const auto* const call = std::get_if<Call>(&expression_[node].what)) {
                look_at(*call);
            } else if (const auto* const between = std::get_if<Between>(&expression_[node].what)) {
                look_at_comparison(between->value, between->low);
                look_at_comparison(between->value, between->high);
            }
        }
        return std::move(hints_);
    }

private:
    const Call* call_at(NodeId node) const { return std::get_if<Call>(&expression_[node].what); }
    const Selector* selector_at(NodeId node) const {
        return std::get_if<Selector>(&expression_[node].what);
    }
    std::optional<double> bare_number_at(NodeId node) const {
        const auto* const number = std::get_if<Number>(&expression_[node].what);
        if (number == nullptr || !number->unit.name.empty()) return std::nullopt;
        return number->value;
    }
    void hint(NodeId at, std::string what) {
        hints_.push_back({expression_[at].position, std::move(what)});
    }

    void look_at(NodeId node, const Binary& binary) {
        if (is_comparison(binary.operation)) {
            look_at_comparison(binary.left, binary.right);
            look_at_comparison(binary.right, binary.left);
        } else if (binary.operation == BinaryOperator::divide) {
            look_at_quotient(node, binary);
        }
    }

    void look_at(const Call& call) {
        if (call.function != Function::count_over) return;
        const auto bound = bare_number_at(call.arguments[1]);
        if (bound) look_at_milliseconds(call.arguments[0], call.arguments[1], *bound);
    }

    void look_at_comparison(NodeId value, NodeId limit) {
        const Call* const call = call_at(value);
        const auto number = bare_number_at(limit);
        if (call == nullptr || !number || *number <= 0) return;
        if (call->function == Function::rate && *number < 1) {
            constexpr double seconds_per_minute = 60;
            hint(limit, fmt::format("`rate()` is per second: {} is {:.3g} a minute. A share of all "
                                    "is `ratio(a, b) > {:.3g}%`",
                                    *number, *number * seconds_per_minute, *number * 100));
        }
        if (call->function == Function::percentile) {
            look_at_milliseconds(call->arguments[0], limit, *number);
        }
    }

    void look_at_milliseconds(NodeId metric, NodeId limit, double number) {
        const Selector* const selector = selector_at(metric);
        if (selector == nullptr || number <= 0 || number >= bare_milliseconds_min) return;
        if (unit_of_ && unit_of_(selector->metric)) return;
        hint(limit, fmt::format("`{0}` is in milliseconds if it is sent as |ms, so that {1} means "
                                "{1} ms; write `{1}s` if seconds are meant",
                                to_text(*selector), number));
    }

    void look_at_quotient(NodeId node, const Binary& binary) {
        const Call* const left = call_at(binary.left);
        const Call* const right = call_at(binary.right);
        if (left == nullptr || right == nullptr || !counts(*left) || !counts(*right)) return;
        const Selector* const above = selector_at(left->arguments[0]);
        const Selector* const below = selector_at(right->arguments[0]);
        if (above == nullptr || below == nullptr) return;
        const auto splits = [&](const TagMatch& match) {
            return std::ranges::binary_search(left->grouping.tags, match.tag) &&
                   !asks_for(*below, match.tag);
        };
        const bool by_series = left->grouping.mode == Grouping::Mode::by_series;
        const bool is_own_share = above->metric == below->metric && !above->matches.empty() &&
                                  (by_series || (left->grouping.mode == Grouping::Mode::by &&
                                                 std::ranges::any_of(above->matches, splits)));
        if (is_own_share) {
            hint(node,
                 "each side has the tag that only the left one is filtered by, so this is 1 "
                 "wherever there is one event; `ratio(a, b)` sums it away");
        } else {
            hint(node,
                 "`ratio(a, b, min = 20)` says the same, takes nothing for 0, and waits for "
                 "enough events");
        }
    }

    static bool counts(const Call& call) {
        return call.function == Function::rate || call.function == Function::increase ||
               call.function == Function::count;
    }

    const Expression& expression_;
    const UnitOf& unit_of_;
    std::vector<ExpressionFault> hints_;
};

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::vector<ExpressionFault> hints(const Expression& expression, const UnitOf& unit_of) {
    return Hints(expression, unit_of).collect();
}

std::vector<UndeclaredShare> undeclared_shares(const Expression& expression,
                                               const UnitOf& unit_of) {
    std::vector<UndeclaredShare> shares;
    const auto compare = [&](NodeId value, NodeId limit) {
        const auto* const number = std::get_if<Number>(&expression[limit].what);
        if (number == nullptr || number->unit.name != "%") return;
        const auto* const call = std::get_if<Call>(&expression[value].what);
        if (call != nullptr && !info(call->function).is_measure) return;
        if (call != nullptr && call->arguments.empty()) return;
        const NodeId metric = call == nullptr ? value : call->arguments[0];
        const auto* const selector = std::get_if<Selector>(&expression[metric].what);
        if (selector == nullptr || (unit_of && unit_of(selector->metric))) return;
        shares.push_back(
            {value,
             fmt::format("`{0}` has no unit in [units], so that {1} is {2} of it; if it "
                         "counts to 100, declare \"{0}\" = \"percent\" or write {3}",
                         selector->metric, to_text(expression, limit),
                         number->value * number->unit.times / number->unit.per, number->value)});
    };
    for (const ExpressionNode& node : expression.nodes) {
        if (const auto* const binary = std::get_if<Binary>(&node.what)) {
            if (!is_comparison(binary->operation)) continue;
            compare(binary->left, binary->right);
            compare(binary->right, binary->left);
        } else if (const auto* const between = std::get_if<Between>(&node.what)) {
            compare(between->value, between->low);
            compare(between->value, between->high);
        }
    }
    return shares;
}

std::string hint_on_message(std::string_view text) {
    for (std::size_t open = text.find("{{"); open != std::string_view::npos;
         open = text.find("{{", open + 2)) {
        const std::size_t close = text.find("}}", open);
        if (close == std::string_view::npos) break;
        const std::string_view inside = trimmed(text.substr(open + 2, close - open - 2));
        const bool is_number = inside == "value" || inside == "$value" || inside == "peak";
        if (is_number && trimmed(text.substr(close + 2)).starts_with('%')) {
            return fmt::format(
                "`{{{{ {0} }}}}%` shows 0.12% for a share of 12 %; write `{{{{ {1} | "
                "percent }}}}`",
                inside, inside == "peak" ? "peak" : "value");
        }
    }
    return {};
}

}  // namespace pitot::agent::alerts
