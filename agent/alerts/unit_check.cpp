#include "agent/alerts/unit_check.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

namespace pitot::agent::alerts {

namespace {

Dimension dimension_of(const Expression& expression, NodeId literal) {
    return std::get<Number>(expression[literal].what).unit.dimension;
}

}  // namespace

std::expected<std::vector<NodeUnit>, ExpressionFault> UnitCheck::run(const Expression& expression,
                                                                     const UnitOf& unit_of) {
    UnitCheck check(expression, unit_of);
    for (NodeId node = 0; node < expression.nodes.size(); ++node)
        check.classes_[node].parent = node;
    // Children come first.
    for (NodeId node = 0; node < expression.nodes.size(); ++node) check.visit(node);
    std::vector<NodeUnit> units;
    units.reserve(expression.nodes.size());
    for (NodeId node = 0; node < expression.nodes.size(); ++node)
        units.push_back(check.settle(node));
    if (check.fault_) return std::unexpected(std::move(*check.fault_));
    return units;
}

std::uint32_t UnitCheck::find(NodeId node) const {
    while (classes_[node].parent != node) node = classes_[node].parent;
    return node;
}

void UnitCheck::fail(NodeId at, std::string what) {
    if (!fault_) fault_ = ExpressionFault{expression_[at].position, std::move(what)};
}

void UnitCheck::unite(NodeId a, NodeId b) {
    const std::uint32_t into = find(a);
    const std::uint32_t from = find(b);
    if (into == from) return;
    Class& one = classes_[into];
    const Class& other = classes_[from];
    if (one.demand && other.demand) {
        const Dimension mine = dimension_of(expression_, *one.demand);
        const Dimension its = dimension_of(expression_, *other.demand);
        if (mine != its) {
            fail(*other.demand, fmt::format("must be {}, as `{}` is, got {}", to_string(mine),
                                            to_text(expression_, *one.demand), to_string(its)));
        }
    }
    const auto keep = [](std::optional<NodeId>& first, const std::optional<NodeId>& second) {
        if (!first) first = second;
    };
    keep(one.demand, other.demand);
    keep(one.plain, other.plain);
    keep(one.derived, other.derived);
    keep(one.bare, other.bare);
    one.has_age = one.has_age || other.has_age;
    one.has_measure = one.has_measure || other.has_measure;
    if (!one.declared) one.declared = other.declared;
    classes_[from].parent = into;
}

bool UnitCheck::is_scalar(NodeId node) {
    const Class& its = of(node);
    if (its.has_measure || its.has_age || its.derived) return false;
    return !its.demand || dimension_of(expression_, *its.demand) == Dimension::share;
}

void UnitCheck::visit(NodeId node) {
    std::visit([&](const auto& what) { visit(node, what); }, expression_[node].what);
}

void UnitCheck::visit(NodeId node, const Number& number) {
    Class& own = classes_[node];
    if (number.unit.dimension != Dimension::none) {
        own.demand = node;
    } else if (number.value != 0) {
        own.bare = node;
    }
}

void UnitCheck::take_metric(NodeId node, const Selector& selector) {
    Class& own = of(node);
    own.has_measure = true;
    if (!own.declared && unit_of_) own.declared = unit_of_(selector.metric);
}

void UnitCheck::visit(NodeId node, const Selector& selector) {
    take_metric(node, selector);
}

void UnitCheck::visit(NodeId node, const Call& call) {
    Class& own = classes_[node];
    switch (call.function) {
        case Function::age:
            own.has_age = true;
            return;
        case Function::count_over:
            // The bound is in the unit of the metric, the result a plain number.
            unite(call.arguments[0], call.arguments[1]);
            own.plain = node;
            return;
        case Function::clamp:
            unite(call.arguments[0], call.arguments[1]);
            unite(call.arguments[0], call.arguments[2]);
            break;
        default:
            break;
    }
    if (info(call.function).is_measure) {
        unite(call.arguments[0], node);
    } else {
        own.plain = node;
    }
}

void UnitCheck::visit(NodeId node, const Unary& unary) {
    if (unary.operation == UnaryOperator::negate) unite(unary.operand, node);
}

void UnitCheck::visit(NodeId node, const Binary& binary) {
    if (is_logical(binary.operation)) return;
    if (is_comparison(binary.operation)) {
        unite(binary.left, binary.right);
        return;
    }
    if (binary.operation == BinaryOperator::add || binary.operation == BinaryOperator::subtract) {
        unite(binary.left, binary.right);
        unite(binary.left, node);
    } else if (is_scalar(binary.right)) {
        unite(binary.left, node);
    } else if (binary.operation == BinaryOperator::multiply && is_scalar(binary.left)) {
        unite(binary.right, node);
    } else {
        classes_[node].derived = node;
    }
}

void UnitCheck::visit(NodeId /*node*/, const Between& between) {
    unite(between.value, between.low);
    unite(between.value, between.high);
}

void UnitCheck::check_time(const Class& its, NodeId literal) {
    if (its.plain) {
        const auto& call = std::get<Call>(expression_[*its.plain].what);
        fail(literal, fmt::format("must be a plain number: `{}` is not a time, got `{}`",
                                  info(call.function).signature, to_text(expression_, literal)));
    } else if (its.derived) {
        fail(literal, fmt::format("must be a plain number: a product or quotient has no unit of "
                                  "time, got `{}`",
                                  to_text(expression_, literal)));
    } else if (its.bare) {
        fail(*its.bare,
             fmt::format("must have a unit of time, as `{}` has, got `{}`",
                         to_text(expression_, literal), to_text(expression_, *its.bare)));
    } else if (its.declared && its.declared->dimension != Dimension::time) {
        fail(literal, fmt::format("must be {}: the metric is declared in {}, got `{}`",
                                  to_string(its.declared->dimension), its.declared->name,
                                  to_text(expression_, literal)));
    }
}

NodeUnit UnitCheck::settle(NodeId node) {
    const Class& its = of(node);
    const Dimension wanted = its.demand ? dimension_of(expression_, *its.demand) : Dimension::none;
    if (wanted == Dimension::time || (its.has_age && its.has_measure)) {
        if (its.demand) check_time(its, *its.demand);
        if (its.declared) return {*its.declared, true};
        return {its.has_measure ? milliseconds : seconds, true};
    }
    if (its.has_age) {
        if (its.demand) {
            fail(*its.demand,
                 fmt::format("must be a time, got `{}`", to_text(expression_, *its.demand)));
        }
        return {seconds, false};
    }
    if (its.declared) {
        if (wanted != Dimension::none && its.declared->dimension != wanted) {
            fail(*its.demand, fmt::format("must be {}: the metric is declared in {}, got `{}`",
                                          to_string(its.declared->dimension), its.declared->name,
                                          to_text(expression_, *its.demand)));
        }
        return {*its.declared, false};
    }
    if (its.plain || wanted == Dimension::none) return {};
    return {Unit{wanted == Dimension::share ? "ratio" : "B", wanted, 1}, false};
}

}  // namespace pitot::agent::alerts
