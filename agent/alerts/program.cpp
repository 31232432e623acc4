#include "agent/alerts/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "agent/alerts/glob.h"
#include "agent/alerts/hints.h"
#include "agent/alerts/limits.h"
#include "agent/alerts/unit_check.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "protocol/unique_count.h"

namespace pitot::agent::alerts {

namespace {

Fold fold_of(Function function) {
    switch (function) {
        case Function::sum:
            return Fold::total;
        case Function::avg:
        case Function::min:
        case Function::max:
        case Function::stddev:
            return Fold::moments;
        case Function::percentile:
            return Fold::sketch;
        case Function::count_over:
            return Fold::above;
        case Function::last:
        case Function::delta:
        case Function::deriv:
        case Function::ewma:
            return Fold::level;
        case Function::unique:
            return Fold::members;
        case Function::absent:
        case Function::age:
        case Function::series:
            return Fold::presence;
        default:
            return Fold::amount;
    }
}

// Tags that only the first selector asks for.
std::vector<std::string> asked_only_by(const Selector& first, const Selector& second) {
    std::vector<std::string> tags;
    for (const TagMatch& match : first.matches) {
        if (!asks_for(second, match.tag)) tags.push_back(match.tag);
    }
    std::ranges::sort(tags);
    const auto repeated = std::ranges::unique(tags);
    tags.erase(repeated.begin(), repeated.end());
    return tags;
}

class Compiler {
public:
    Compiler(Expression expression, const CompileSettings& settings) : settings_(settings) {
        program_.expression = std::move(expression);
    }

    std::expected<Program, ExpressionFault> compile(Result wanted) {
        auto units = UnitCheck::run(program_.expression, settings_.unit_of);
        if (!units) return std::unexpected(std::move(units.error()));
        units_ = std::move(*units);

        const NodeId root = program_.expression.root;
        program_.root = wanted == Result::condition ? condition(root) : number(root);
        if (!fault_ && program_.feeds.empty()) {
            fail(root, "must read a metric, got numbers only");
        }
        if (fault_) return std::unexpected(std::move(*fault_));
        const NodeId shown = shown_node(root);
        program_.value = program_.root;
        // The last of its steps: a clamp is made of two. A constant that a condition brought
        // along is none of them.
        const bool is_number = std::holds_alternative<Number>(node(shown).what);
        for (StepId id = 0; id < program_.steps.size(); ++id) {
            const bool is_own = step(id).source == shown && !step(id).is_condition;
            if (is_own && (is_number || step(id).type != Step::Type::constant)) {
                program_.value = id;
            }
        }
        program_.value_unit = units_[shown].unit;
        program_.hints = hints(program_.expression, settings_.unit_of);
        return std::move(program_);
    }

private:
    const ExpressionNode& node(NodeId id) const { return program_.expression[id]; }
    const Step& step(StepId id) const { return program_.steps[id]; }

    void fail(NodeId at, std::string what) {
        if (!fault_) fault_ = ExpressionFault{node(at).position, std::move(what)};
    }

    StepId add(Step step) {
        program_.steps.push_back(std::move(step));
        return static_cast<StepId>(program_.steps.size() - 1);
    }

    // The left side of the first comparison, in the order of reading.
    NodeId shown_node(NodeId at) const {
        const auto& what = node(at).what;
        if (const auto* const unary = std::get_if<Unary>(&what)) {
            return unary->operation == UnaryOperator::logical_not ? shown_node(unary->operand) : at;
        }
        if (const auto* const between = std::get_if<Between>(&what)) return between->value;
        const auto* const binary = std::get_if<Binary>(&what);
        if (binary == nullptr) return at;
        if (is_logical(binary->operation)) return shown_node(binary->left);
        return is_comparison(binary->operation) ? binary->left : at;
    }

    // --- what is wanted where

    StepId condition(NodeId id) {
        const StepId compiled = any(id);
        if (fault_ || step(compiled).is_condition) return compiled;
        const auto* const call = std::get_if<Call>(&node(id).what);
        if (call != nullptr && call->function == Function::absent) {
            const StepId zero = add({.type = Step::Type::constant, .source = id});
            return binary(id, BinaryOperator::not_equal, compiled, zero);
        }
        fail(id, fmt::format("must be a condition, such as `{} > 10`",
                             to_text(program_.expression, id)));
        return compiled;
    }

    StepId number(NodeId id) {
        const StepId compiled = any(id);
        if (!fault_ && step(compiled).is_condition) {
            fail(id, fmt::format("must be a number, got the condition `{}`",
                                 to_text(program_.expression, id)));
        }
        return compiled;
    }

    StepId any(NodeId id) {
        if (fault_) return 0;
        return std::visit([&](const auto& what) { return compile(id, what); }, node(id).what);
    }

    StepId compile(NodeId id, const Number& number) {
        const Unit& to = units_[id].unit;
        const bool converts = number.unit.dimension != Dimension::none;
        return add({.type = Step::Type::constant,
                    .number = converted(number.value, number.unit, converts ? to : Unit{}),
                    .source = id});
    }

    // A name on its own is the last value of each series.
    StepId compile(NodeId id, const Selector& selector) {
        const Call last{.function = Function::last,
                        .arguments = {id},
                        .grouping = {.mode = Grouping::Mode::by_series, .tags = {}}};
        return measure(id, last, selector);
    }

    StepId compile(NodeId id, const Unary& unary) {
        const bool negates = unary.operation == UnaryOperator::negate;
        const StepId operand = negates ? number(unary.operand) : condition(unary.operand);
        if (fault_) return operand;
        return add({.type = negates ? Step::Type::negate : Step::Type::logical_not,
                    .operands = {operand},
                    .labels = step(operand).labels,
                    .is_condition = !negates,
                    .source = id});
    }

    StepId compile(NodeId id, const Binary& what) {
        const bool logical = is_logical(what.operation);
        const StepId left = logical ? condition(what.left) : number(what.left);
        const StepId right = logical ? condition(what.right) : number(what.right);
        return binary(id, what.operation, left, right);
    }

    StepId compile(NodeId id, const Between& between) {
        const StepId value = number(between.value);
        const StepId low = number(between.low);
        const StepId above = binary(id, BinaryOperator::greater_equal, value, low);
        const StepId high = number(between.high);
        const StepId below = binary(id, BinaryOperator::less_equal, value, high);
        return binary(id, BinaryOperator::logical_and, above, below);
    }

    StepId binary(NodeId id, BinaryOperator operation, StepId left, StepId right) {
        return join(id,
                    {.type = Step::Type::binary,
                     .operation = operation,
                     .is_condition = is_logical(operation) || is_comparison(operation),
                     .source = id},
                    left, right);
    }

    StepId join(NodeId id, Step step_of, StepId left, StepId right) {
        if (fault_) return 0;
        const auto labels = joined(step(left).labels, step(right).labels);
        if (!labels) {
            fail(id, fmt::format("must have sides that can be joined: the left one has {}, the "
                                 "right one {}",
                                 to_text(step(left).labels), to_text(step(right).labels)));
            return 0;
        }
        step_of.operands = {left, right};
        step_of.labels = *labels;
        return add(std::move(step_of));
    }

    // --- functions

    StepId compile(NodeId id, const Call& call) {
        switch (info(call.function).kind) {
            case FunctionClass::ratio:
                return ratio(id, call);
            case FunctionClass::smoothing:
                return ewma(id, call);
            case FunctionClass::arithmetic:
                return arithmetic(id, call);
            case FunctionClass::series:
                break;
        }
        const Selector* const selector = selector_of(call, 0);
        return selector == nullptr ? 0 : measure(id, call, *selector);
    }

    const Selector* selector_of(const Call& call, std::size_t argument) {
        const NodeId at = call.arguments[argument];
        const auto* const selector = std::get_if<Selector>(&node(at).what);
        if (selector == nullptr) {
            fail(at, fmt::format("must be a metric, as in `{}`, got `{}`",
                                 info(call.function).signature, to_text(program_.expression, at)));
        }
        return selector;
    }

    StepId measure(NodeId id, const Call& call, const Selector& selector) {
        check_window(call, selector);
        Feed feed = feed_of(id, call, selector, call.function, labels_of(call.grouping, selector));
        Step result{.type = Step::Type::measure, .function = call.function, .source = id};
        if (call.rank) result.number = *call.rank / 100;
        if (call.function == Function::age) {
            const Unit& unit = units_[id].unit;
            result.scale =
                converted(1, seconds, unit.dimension == Dimension::time ? unit : seconds);
        }
        if (call.function == Function::count_over) {
            const auto* const bound = std::get_if<Number>(&node(call.arguments[1]).what);
            if (bound == nullptr) {
                fail(call.arguments[1], "must be a number, as in `count_over(x, 1s)`");
                return 0;
            }
            feed.bound = program_.steps[compile(call.arguments[1], *bound)].number;
            program_.steps.pop_back();
        }
        result.labels = feed.labels;
        result.feed = add_feed(std::move(feed));
        return add(std::move(result));
    }

    void check_window(const Call& call, const Selector& selector) {
        const NodeId at = call.arguments[0];
        const FunctionInfo& function = info(call.function);
        const bool is_presence = fold_of(call.function) == Fold::presence;
        if (function.needs_window && !selector.window) {
            fail(at, fmt::format("must have a window, as in `{}(x[10m])`", function.name));
        } else if (selector.window && is_presence && call.function != Function::absent) {
            fail(at, fmt::format("must have no window: `{}` looks at now", function.signature));
        } else if (selector.offset && is_presence) {
            fail(at, fmt::format("must have no offset: `{}` looks at now", function.signature));
        }
    }

    StepId ratio(NodeId id, const Call& call) {
        const Selector* const first = selector_of(call, 0);
        const Selector* const second = selector_of(call, 1);
        if (first == nullptr || second == nullptr) return 0;
        if (first->window && second->window && *first->window != *second->window) {
            fail(call.arguments[1],
                 fmt::format("must have the window of the first metric, {}, got {}",
                             to_text(*first->window), to_text(*second->window)));
        }
        Selector numerator = *first;
        Selector denominator = *second;
        if (!numerator.window) numerator.window = denominator.window;
        if (!denominator.window) denominator.window = numerator.window;

        // What only the numerator asks for is summed away, unless it is grouped by.
        const std::vector<std::string> summed = asked_only_by(numerator, denominator);
        Labels above = labels_of(call.grouping, numerator);
        Labels below = labels_of(call.grouping, denominator);
        for (const std::string& tag : summed) {
            if (below.is_open) {
                leave_out(above, tag);
                leave_out(below, tag);
            } else {
                std::erase(below.names, tag);
            }
        }
        const auto labels = joined(above, below);
        if (!labels) {
            fail(id, fmt::format("must have metrics that can be joined: the first has {}, the "
                                 "second {}",
                                 to_text(above), to_text(below)));
            return 0;
        }
        Step result{.type = Step::Type::ratio, .function = Function::ratio, .source = id};
        result.number = call.minimum.value_or(0);
        result.labels = *labels;
        result.feed = add_feed(feed_of(id, call, numerator, Function::increase, above));
        result.divisor = add_feed(feed_of(id, call, denominator, Function::increase, below));
        return add(std::move(result));
    }

    static void leave_out(Labels& open, const std::string& tag) {
        const auto at = std::ranges::lower_bound(open.names, tag);
        if (at == open.names.end() || *at != tag) open.names.insert(at, tag);
    }

    StepId ewma(NodeId id, const Call& call) {
        const auto* const alpha = std::get_if<Number>(&node(call.arguments[1]).what);
        const bool fits =
            alpha != nullptr && alpha->unit == Unit{} && alpha->value > 0 && alpha->value <= 1;
        if (!fits) {
            fail(call.arguments[1], fmt::format("must be a number above 0 and up to 1, got `{}`",
                                                to_text(program_.expression, call.arguments[1])));
            return 0;
        }
        const auto* const selector = std::get_if<Selector>(&node(call.arguments[0]).what);
        StepId operand = 0;
        if (selector != nullptr) {
            const Call last{.function = Function::last,
                            .arguments = {call.arguments[0]},
                            .grouping = call.grouping};
            operand = measure(call.arguments[0], last, *selector);
        } else if (call.grouping != Grouping{}) {
            fail(id, "must have its groups on the function inside of `ewma`");
        } else {
            operand = number(call.arguments[0]);
        }
        if (fault_) return 0;
        return add({.type = Step::Type::ewma,
                    .function = Function::ewma,
                    .number = alpha->value,
                    .operands = {operand},
                    .labels = step(operand).labels,
                    .source = id});
    }

    StepId arithmetic(NodeId id, const Call& call) {
        const StepId operand = number(call.arguments[0]);
        if (fault_) return 0;
        if (call.function != Function::clamp) {
            return add({.type = Step::Type::arithmetic,
                        .function = call.function,
                        .operands = {operand},
                        .labels = step(operand).labels,
                        .source = id});
        }
        const StepId low = number(call.arguments[1]);
        const StepId raised = join(id, {.type = Step::Type::largest, .source = id}, operand, low);
        const StepId high = number(call.arguments[2]);
        return join(id, {.type = Step::Type::least, .source = id}, raised, high);
    }

    // --- feeds

    Labels labels_of(const Grouping& grouping, const Selector& selector) {
        Labels labels;
        const auto stars = static_cast<std::size_t>(std::ranges::count(selector.metric, '*'));
        switch (grouping.mode) {
            case Grouping::Mode::merged:
                return labels;
            case Grouping::Mode::by:
                labels.names = grouping.tags;
                break;
            case Grouping::Mode::by_series:
                labels.is_open = true;
                labels.captures = stars;
                break;
            case Grouping::Mode::without:
                labels.is_open = true;
                labels.names = grouping.tags;
                break;
        }
        return labels;
    }

    Feed feed_of(NodeId id, const Call& call, const Selector& selector, Function function,
                 Labels labels) {
        Feed feed;
        feed.metric = selector.metric;
        feed.matches = selector.matches;
        for (const std::string& name : labels.names) {
            const bool is_capture = name.size() == 2 && name[0] == '$';
            const auto stars = static_cast<std::size_t>(std::ranges::count(feed.metric, '*'));
            if (is_capture && static_cast<std::size_t>(name[1] - '0') > stars) {
                fail(id, fmt::format("must have as many `*` in its metric as `{}` says, got {}",
                                     name, stars));
            }
        }
        feed.labels = std::move(labels);
        feed.accepts = info(function).accepts;
        feed.fold = fold_of(function);
        feed.holds_gauges = !selector.window;
        if (selector.window) feed.window_flushes = flushes(*selector.window);
        feed.ages_levels = function == Function::last && selector.window.has_value();
        if (selector.offset) feed.offset_flushes = flushes(*selector.offset);
        const std::int64_t total_ns =
            (std::int64_t{feed.window_flushes} + feed.offset_flushes) * settings_.interval_ns;
        constexpr std::int64_t second_ns = 1'000'000'000;
        if (total_ns / second_ns > limits::window_max_s + settings_.interval_ns / second_ns) {
            fail(call.arguments[0], "must look back at most 7d, window and offset together");
        }
        if (info(function).is_measure) {
            feed.unit = units_[call.arguments[0]].unit;
            feed.is_time = units_[call.arguments[0]].is_time;
        }
        if (function == Function::absent) {
            feed.known_flushes = flushes({.nanoseconds = settings_.forget_after_ns});
            feed.expected = settings_.expected;
        }
        if (feed.fold == Fold::above) {
            feed.unit = units_[call.arguments[0]].unit;
            feed.is_time = units_[call.arguments[0]].is_time;
        }
        return feed;
    }

    // As many as begin within the span.
    std::uint32_t flushes(const Span& span) const {
        if (span.flushes != 0) return span.flushes;
        const std::int64_t rounded_up =
            (span.nanoseconds + settings_.interval_ns - 1) / settings_.interval_ns;
        return static_cast<std::uint32_t>(std::max<std::int64_t>(rounded_up, 1));
    }

    std::uint32_t add_feed(Feed feed) {
        const auto found = std::ranges::find(program_.feeds, feed);
        const auto number = static_cast<std::uint32_t>(found - program_.feeds.begin());
        if (found == program_.feeds.end()) program_.feeds.push_back(std::move(feed));
        return number;
    }

    const CompileSettings& settings_;
    std::vector<NodeUnit> units_;
    Program program_;
    std::optional<ExpressionFault> fault_;
};

std::string_view kept(Fold fold) {
    switch (fold) {
        case Fold::amount:
            return "counts";
        case Fold::total:
            return "sums";
        case Fold::above:
            return "counts above the bound";
        case Fold::moments:
            return "means and extremes";
        case Fold::sketch:
            return "distributions";
        case Fold::members:
            return "members of sets";
        case Fold::level:
            return "values";
        case Fold::presence:
            return "times of the last sample";
    }
    return "";
}

}  // namespace

bool Feed::operator==(const Feed& other) const {
    return metric == other.metric && matches == other.matches && labels == other.labels &&
           accepts == other.accepts && fold == other.fold && bound == other.bound &&
           window_flushes == other.window_flushes && offset_flushes == other.offset_flushes &&
           holds_gauges == other.holds_gauges && ages_levels == other.ages_levels &&
           unit == other.unit && is_time == other.is_time && known_flushes == other.known_flushes &&
           expected == other.expected;
}

SlotPlan slot_plan(const Feed& feed) {
    const bool is_large = feed.fold == Fold::sketch || feed.fold == Fold::members;
    const std::uint32_t most = is_large ? limits::sketch_slots_max : limits::number_slots_max;
    // A value that may be old is one value all the same.
    const std::uint32_t window = feed.ages_levels ? 1 : feed.window_flushes;
    const std::uint32_t flushes = window + feed.offset_flushes;
    SlotPlan plan;
    plan.flushes_per_slot = (flushes + most - 1) / most;
    plan.window_slots = (window + plan.flushes_per_slot - 1) / plan.flushes_per_slot;
    plan.offset_slots = feed.offset_flushes / plan.flushes_per_slot;
    return plan;
}

std::optional<double> factor_of(const Feed& feed, protocol::Kind kind,
                                std::optional<Unit> declared) {
    if (!declared && !feed.is_time) return 1;
    if (!declared && kind == protocol::Kind::timer) declared = milliseconds;
    if (declared && feed.unit.dimension == Dimension::none) return 1;
    // A sketch cannot be multiplied: all its series have one unit.
    const bool fits = declared && declared->dimension == feed.unit.dimension &&
                      (feed.fold != Fold::sketch || converted(1, *declared, feed.unit) == 1);
    if (!fits) return std::nullopt;
    return converted(1, *declared, feed.unit);
}

std::string unfit_text(const protocol::Series& series, const std::optional<Unit>& declared) {
    return fmt::format("`{}` is a {} {}", printable(series.name()), to_string(series.kind),
                       declared ? fmt::format("in {}", declared->name) : "without a unit");
}

std::size_t group_bytes_max(const Feed& feed) {
    // Names and values of labels, and what finds the group by them.
    constexpr std::size_t group_bytes = 512;
    constexpr std::size_t number_bytes = sizeof(double);
    constexpr std::size_t moments_bytes = 5 * sizeof(double);
    // Values of both signs in one metric are rare, but that is what worst means.
    constexpr std::size_t sketch_bytes = 2 * limits::sketch_buckets_max * sizeof(double) + 256;
    // Registers of a large set, and what it was before.
    constexpr std::size_t members_bytes = (std::size_t{1} << 14) + 4'096 + 64;
    const std::size_t slots = slot_plan(feed).slots();
    switch (feed.fold) {
        case Fold::amount:
        case Fold::above:
        case Fold::level:
            return group_bytes + slots * number_bytes;
        case Fold::total:
            return group_bytes + 2 * slots * number_bytes;
        case Fold::moments:
            return group_bytes + slots * moments_bytes;
        case Fold::sketch:
            return group_bytes + slots * sketch_bytes;
        case Fold::members:
            return group_bytes + slots * members_bytes;
        case Fold::presence:
            return group_bytes;
    }
    return group_bytes;
}

std::expected<Program, ExpressionFault> compile(Expression expression, Result wanted,
                                                const CompileSettings& settings) {
    return Compiler(std::move(expression), settings).compile(wanted);
}

std::string explain(const Feed& feed, std::int64_t interval_ns) {
    const SlotPlan plan = slot_plan(feed);
    const auto time = [&](std::uint32_t flushes) {
        return format_duration(std::chrono::nanoseconds(flushes * interval_ns));
    };
    const Selector selector{.metric = feed.metric, .matches = feed.matches};
    std::string out = fmt::format("{}: {}, grouped by {}", to_text(selector), kept(feed.fold),
                                  to_text(feed.labels));
    if (feed.fold != Fold::presence) {
        out += ", window " + time(feed.window_flushes);
        if (plan.flushes_per_slot > 1) {
            out +=
                fmt::format(" in {} slots of {}", plan.window_slots, time(plan.flushes_per_slot));
        }
        if (feed.offset_flushes > 0) out += ", " + time(feed.offset_flushes) + " ago";
    }
    if (feed.unit.dimension != Dimension::none) out += fmt::format(", in {}", feed.unit.name);
    return out + fmt::format(", at most {} bytes for each group", group_bytes_max(feed));
}

}  // namespace pitot::agent::alerts
