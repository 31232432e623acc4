// A rule's expression, checked and made ready to be evaluated at each flush.
//
// compile() finds out everything that the text alone tells: whether kinds of values, units,
// groups and windows fit together, which series are wanted (Feed), what has to be kept of
// them for how long (Fold, flushes), and what that costs. What is left open is what only
// the lines tell: which series there are, and of which kind.
//
// Units. A measure (p95, avg, last, …) has the unit of its metric: that of its declaration,
// milliseconds for `|ms` where a time is wanted, else none. Numbers with units are converted
// to the unit of the metric that they are compared with, so that values are shown as they
// were sent: `p95(x) > 2s` compares with 2000 for `|ms`. In a product or quotient units are
// lost, but for a factor without one.
//
// Joins. An operator joins its sides on equal labels; a side with fewer labels is the
// partner of every group that agrees with it; a side without labels is everybody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/expression.h"
#include "agent/alerts/labels.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/unit.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

// What is kept of the series of a group, for each slot of a window.
enum class Fold : std::uint8_t {
    amount,    // what was counted, or how many samples a timer had
    total,     // what was counted, or the sum of a timer's samples; the last values of gauges
    above,     // samples of a timer above a bound
    moments,   // count, mean, spread, minimum and maximum of the samples
    sketch,    // the distribution of the samples
    members,   // of a set
    level,     // the value at the end of the slot
    presence,  // when a sample came last, and how many series there are; no slots
};

// Series that a rule reads, how they are grouped, and what is kept of them. Two rules with
// equal feeds share one.
struct Feed {
    std::string metric = {};
    std::vector<TagMatch> matches = {};
    Labels labels = {};  // by which series are grouped
    Kinds accepts = {};
    Fold fold = Fold::amount;
    double bound = 0;                  // of Fold::above, in `unit`
    std::uint32_t window_flushes = 1;  // at least 1
    std::uint32_t offset_flushes = 0;
    // Gauges count with the value that they have, not only when they are set.
    bool holds_gauges = false;
    // Of Fold::level: a gauge that was not set within the window has no value. Else the
    // window says over how many flushes a change is measured.
    bool ages_levels = false;
    Unit unit = {};        // that values are converted to; no dimension: as they are
    bool is_time = false;  // series without a unit of time cannot be taken
    // Of absent(): how long a group is missed when its window is empty, before it is forgotten.
    std::uint32_t known_flushes = 0;
    // Groups that are known without having been seen: of absent(), from the rule's `expect`.
    std::vector<GroupLabels> expected = {};

    bool operator==(const Feed& other) const;
};

// How a window is cut into slots. Where flushes share slots, it covers between
// window_flushes and flushes_per_slot - 1 fewer.
struct SlotPlan {
    std::uint32_t flushes_per_slot = 1;
    std::uint32_t window_slots = 1;
    std::uint32_t offset_slots = 0;

    std::uint32_t slots() const { return window_slots + offset_slots; }
};
SlotPlan slot_plan(const Feed& feed);

// What the values of a series are multiplied with to be in the unit that the feed wants;
// nothing where they cannot be. `declared`: the unit of its metric.
std::optional<double> factor_of(const Feed& feed, protocol::Kind kind,
                                std::optional<Unit> declared);
// "`x` is a gauge without a unit": why not.
std::string unfit_text(const protocol::Series& series, const std::optional<Unit>& declared);

// What one group of a feed can take at most, in bytes.
std::size_t group_bytes_max(const Feed& feed);

using StepId = std::uint32_t;

// One step of an evaluation. Operands come before the steps that use them.
struct Step {
    enum class Type : std::uint8_t {
        constant,
        measure,  // a function of one feed
        ratio,    // of two
        ewma,     // of operand 0, with its own memory
        negate,
        logical_not,
        arithmetic,  // abs, floor, ceil, log10: `function`
        binary,      // `operation`
        least,       // of two operands: clamp is made of these
        largest,
    };
    Type type = Type::constant;
    Function function = Function::last;
    BinaryOperator operation = BinaryOperator::add;
    double number = 0;       // the constant; the rank of a percentile in [0, 1]; a minimum; alpha
    double scale = 1;        // age: of a second in the unit that is wanted
    std::uint32_t feed = 0;  // indices into Program::feeds
    std::uint32_t divisor = 0;
    std::vector<StepId> operands = {};
    Labels labels = {};
    bool is_condition = false;
    NodeId source = 0;  // in the expression
};

struct Program {
    Expression expression;
    std::vector<Feed> feeds;
    std::vector<Step> steps;
    StepId root = 0;
    // What a message shows: the left side of the first comparison, or the root.
    StepId value = 0;
    Unit value_unit;  // of that; no dimension where it is unknown
    // What is legal and unwise.
    std::vector<ExpressionFault> hints;
};

struct CompileSettings {
    std::int64_t interval_ns = 10'000'000'000;
    // The declared unit of a metric, by its name.
    std::function<std::optional<Unit>(std::string_view)> unit_of = {};
    // Of absent(): for how long a group is missed before it is forgotten.
    std::int64_t forget_after_ns = 86'400'000'000'000;
    std::vector<GroupLabels> expected = {};
};

enum class Result : std::uint8_t { condition, number };

std::expected<Program, ExpressionFault> compile(Expression expression, Result wanted,
                                                const CompileSettings& settings);

// For `check --explain`: what a feed reads, how it is grouped, what it keeps and costs.
std::string explain(const Feed& feed, std::int64_t interval_ns);

}  // namespace pitot::agent::alerts
