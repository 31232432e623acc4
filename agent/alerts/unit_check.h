// Which unit each number of an expression is in: a part of compilation (program.h).
//
// Numbers that are added or compared have one unit. So they are put into classes, each with
// what is known of it: literals with units, metrics with declared ones. A class in which a
// time is wanted has a unit of time, and every metric in it must have one.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/alerts/expression.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/unit.h"

namespace pitot::agent::alerts {

// Of one node of an expression.
struct NodeUnit {
    Unit unit;             // no dimension: whatever the metric has
    bool is_time = false;  // and must be: something it is compared with is a time
};

class UnitCheck {
public:
    using UnitOf = std::function<std::optional<Unit>(std::string_view)>;

    // By NodeId. Nodes that are no numbers have no unit.
    static std::expected<std::vector<NodeUnit>, ExpressionFault> run(const Expression& expression,
                                                                     const UnitOf& unit_of);

private:
    struct Class {
        std::uint32_t parent = 0;       // itself: the root
        std::optional<NodeId> demand;   // the first literal with a dimension
        std::optional<NodeId> plain;    // a function whose result is a plain number
        std::optional<NodeId> derived;  // a product or quotient
        std::optional<NodeId> bare;     // a literal without a unit, other than 0
        bool has_age = false;           // seconds
        bool has_measure = false;
        std::optional<Unit> declared;
    };

    UnitCheck(const Expression& expression, const UnitOf& unit_of)
        : expression_(expression), unit_of_(unit_of), classes_(expression.nodes.size()) {}

    void visit(NodeId node);
    void visit(NodeId node, const Number& number);
    void visit(NodeId node, const Selector& selector);
    void visit(NodeId node, const Call& call);
    void visit(NodeId node, const Unary& unary);
    void visit(NodeId node, const Binary& binary);
    void visit(NodeId node, const Between& between);
    void take_metric(NodeId node, const Selector& selector);

    std::uint32_t find(NodeId node) const;
    Class& of(NodeId node) { return classes_[find(node)]; }
    void unite(NodeId a, NodeId b);
    void fail(NodeId at, std::string what);
    // A factor: numbers without a unit of their own.
    bool is_scalar(NodeId node);
    NodeUnit settle(NodeId node);
    void check_time(const Class& its, NodeId literal);

    const Expression& expression_;
    const UnitOf& unit_of_;
    std::vector<Class> classes_;
    std::optional<ExpressionFault> fault_;
};

}  // namespace pitot::agent::alerts
