#include "agent/alerts/rule_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iterator>
#include <optional>
#include <string_view>
#include <variant>

#include "agent/alerts/hints.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

using UnitOf = std::function<std::optional<Unit>(std::string_view)>;

constexpr std::size_t text_characters_max = 400;

std::string time_text(std::int64_t nanoseconds) {
    return format_duration(std::chrono::nanoseconds(nanoseconds));
}

// "512B", "1.5KiB", "7.9MiB"
std::string size_text(std::size_t bytes) {
    constexpr double step = 1024;
    constexpr std::array<std::string_view, 4> units{"B", "KiB", "MiB", "GiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= step && unit + 1 < units.size(); ++unit) value /= step;
    return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.1f}{}", value, units.at(unit));
}

std::string shown(const std::string& text) {
    return printable(text, text_characters_max);
}

// Lines of a block: what, and the text beside it.
class Block {
public:
    explicit Block(const std::string& title) { out_ = title + "\n"; }

    void line(std::string_view what, const std::string& text) {
        // A second line of one kind needs no name.
        fmt::format_to(std::back_inserter(out_), "  {:<12}{}\n", what == last_ ? "" : what, text);
        last_ = what;
    }
    std::string take() { return std::move(out_) + "\n"; }

private:
    std::string out_;
    std::string last_;
};

std::string groups_text(const Labels& labels) {
    if (labels.is_empty()) return "one for all series";
    const bool is_each_series = labels.is_open && labels.names.empty();
    return "one for each " + (is_each_series ? std::string("series") : shown(to_text(labels)));
}

std::string memory_text(std::size_t bytes, const Labels& labels, std::size_t groups) {
    std::string text = size_text(bytes);
    if (!labels.is_empty()) text += fmt::format(" with {} groups", groups);
    return text;
}

// The unit of the value that is shown.
std::string value_text(const Program& program) {
    if (program.value_unit.dimension != Dimension::none) {
        return std::string(program.value_unit.name);
    }
    const Step& value = program.steps[program.value];
    const bool is_plain = value.type == Step::Type::ratio ||
                          (value.type == Step::Type::measure && !info(value.function).is_measure);
    return is_plain ? "a plain number" : "as sent";
}

// The same, and what numbers with units are compared as.
std::string unit_text(std::span<const Program* const> programs) {
    std::vector<std::string> converted;
    for (const Program* const program : programs) {
        for (const Step& step : program->steps) {
            if (step.type != Step::Type::constant) continue;
            const auto* const number = std::get_if<Number>(&program->expression[step.source].what);
            if (number == nullptr || number->unit.name.empty()) continue;
            std::string text = fmt::format("{} as {}", to_text(*number), step.number);
            if (std::ranges::find(converted, text) == converted.end()) {
                converted.push_back(std::move(text));
            }
        }
    }
    std::string text = value_text(*programs.front());
    if (!converted.empty()) text += fmt::format("; compares {}", fmt::join(converted, ", "));
    return text;
}

std::string_view kept_text(Fold fold) {
    switch (fold) {
        case Fold::amount:
            return "counts";
        case Fold::total:
            return "sums (of gauges, of their last values)";
        case Fold::above:
            return "counts above the limit";
        case Fold::moments:
            return "count, mean, spread and extremes";
        case Fold::sketch:
            return "distributions";
        case Fold::members:
            return "distinct members";
        case Fold::level:
            return "values";
        case Fold::presence:
            return "when the last sample came";
    }
    return "";
}

std::string window_text(const Feed& feed, std::int64_t interval_ns) {
    if (feed.fold == Fold::presence && feed.known_flushes == 0) return "now";
    const auto time = [&](std::uint32_t flushes) { return time_text(flushes * interval_ns); };
    const SlotPlan plan = slot_plan(feed);
    std::string text =
        feed.window_flushes == 1 ? "one interval" : "the last " + time(feed.window_flushes);
    if (feed.fold != Fold::presence && plan.flushes_per_slot > 1) {
        text += fmt::format(" in {} slots of {}", plan.window_slots, time(plan.flushes_per_slot));
    }
    if (feed.offset_flushes > 0) text += fmt::format(", {} ago", time(feed.offset_flushes));
    if (feed.known_flushes > 0) {
        text += fmt::format("; missed for {}, then forgotten", time(feed.known_flushes));
    }
    return text;
}

std::string feed_text(const Feed& feed, std::int64_t interval_ns) {
    const Selector selector{.metric = feed.metric, .matches = feed.matches};
    std::string unit;
    if (feed.unit.dimension != Dimension::none) unit = fmt::format(", in {}", feed.unit.name);
    return fmt::format("{}: {}{}; {}; {} a group", shown(to_text(selector)), kept_text(feed.fold),
                       unit, window_text(feed, interval_ns), size_text(group_bytes_max(feed)));
}

void add_feeds(Block& block, std::span<const Program* const> programs, std::int64_t interval_ns) {
    std::vector<const Feed*> told;
    for (const Program* const program : programs) {
        for (const Feed& feed : program->feeds) {
            const bool is_told =
                std::ranges::any_of(told, [&](const Feed* other) { return *other == feed; });
            if (is_told) continue;
            told.push_back(&feed);
            block.line("reads", feed_text(feed, interval_ns));
        }
    }
}

// "12 series in 3 groups", or why there is none.
std::string matched_text(const FeedReach& reach) {
    if (reach.series > 0) {
        return fmt::format("{} series in {} group{}", reach.series, reach.groups,
                           reach.groups == 1 ? "" : "s");
    }
    if (!reach.reason.empty()) return "no series: " + reach.reason;
    if (reach.nearest.empty()) return "no series; no name of a metric is near it";
    return fmt::format("no series; {} `{}`",
                       reach.nearest.size() == 1 ? "the closest name is" : "closest names are",
                       fmt::join(reach.nearest, "`, `"));
}

// What the rule reads of the series that there are. Windows and measures do not matter here.
void add_reach(Block& block, std::span<const Program* const> programs, const Reach* reach,
               std::string_view noun) {
    if (reach == nullptr) return;
    std::vector<std::string> told;
    for (const Program* const program : programs) {
        for (const Feed& feed : program->feeds) {
            const FeedReach& its = reach->of(feed);
            std::string text =
                fmt::format("{}: {}", to_text({.metric = feed.metric, .matches = feed.matches}),
                            matched_text(its));
            if (std::ranges::find(told, text) != told.end()) continue;
            block.line("matches", shown(text));
            told.push_back(std::move(text));
            for (const std::string& example : its.examples) {
                block.line("matches", "  " + shown(example));
            }
        }
    }
    const RuleReach all = reach->of(programs);
    block.line("now", fmt::format("{} {}{}, {} of memory when windows are full", all.instances,
                                  noun, all.instances == 1 || noun == "series" ? "" : "s",
                                  size_text(all.bytes)));
}

void add_hints(Block& block, std::span<const Program* const> programs) {
    std::vector<std::string_view> told;
    for (const Program* const program : programs) {
        for (const ExpressionFault& hint : program->hints) {
            if (std::ranges::find(told, hint.what) != told.end()) continue;
            told.push_back(hint.what);
            block.line("warning", shown(hint.what));
        }
    }
}

// How a number with "%" is read.
void add_shares(Block& block, std::span<const Program* const> programs, const UnitOf& unit_of) {
    std::vector<std::string> told;
    for (const Program* const program : programs) {
        for (UndeclaredShare& share : undeclared_shares(program->expression, unit_of)) {
            if (std::ranges::find(told, share.told) != told.end()) continue;
            block.line("percent", shown(share.told));
            told.push_back(std::move(share.told));
        }
    }
}

// --- rules

// "> 80%" of "a / b > 80%"; the whole of what is no comparison.
std::string limit_text(const Program& program) {
    const Expression& expression = program.expression;
    const auto* const root = std::get_if<Binary>(&expression[expression.root].what);
    if (root == nullptr || !is_comparison(root->operation)) return to_text(expression);
    return fmt::format("{} {}", to_string(root->operation), to_text(expression, root->right));
}

void add_levels(Block& block, const RuleDefinition& definition) {
    const std::vector<Level>& levels = definition.rule.levels;
    if (levels.size() == 1) {
        block.line("condition", shown(to_text(levels[0].condition.expression)));
        if (levels[0].clear) block.line("clear", shown(to_text(levels[0].clear->expression)));
        block.line("severity", levels[0].severity);
        return;
    }
    const Program& first = levels[0].condition;
    block.line("value", shown(to_text(first.expression, first.steps[first.value].source)));
    for (const Level& level : levels) {
        std::string text = shown(limit_text(level.condition));
        if (level.clear) text += ", until " + shown(limit_text(*level.clear));
        block.line(level.severity, text);
    }
}

std::string hold_text(const RulePolicy& policy) {
    if (policy.hold_for.of > 0) {
        return fmt::format("in {} of {} evaluations", policy.hold_for.needed, policy.hold_for.of);
    }
    if (policy.hold_for.nanoseconds == 0) return "at once";
    return fmt::format("after {}", time_text(policy.hold_for.nanoseconds));
}

std::string fires_text(const RulePolicy& policy) {
    std::string text = hold_text(policy);
    if (policy.keep_firing_ns > 0) {
        text += fmt::format("; ends {} after its condition", time_text(policy.keep_firing_ns));
    }
    if (policy.flap.transitions == 0) return text + "; flapping is told each time";
    return text + fmt::format("; flapping from {} changes in {} on, until {} without",
                              policy.flap.transitions + 1, time_text(policy.flap.within_ns),
                              time_text(policy.flap.hold_ns));
}

std::string no_data_text(const RulePolicy& policy) {
    switch (policy.no_data) {
        case NoData::hold:
            return fmt::format("nothing changes; a firing alert ends after {}",
                               time_text(policy.resolve_after_ns));
        case NoData::zero:
            return "is the value 0";
        case NoData::ok:
            return "ends the alert";
        case NoData::alert:
            return "is an alert";
    }
    return "";
}

std::string told_text(const RuleDefinition& definition) {
    std::string text = definition.channels.empty()
                           ? "the agent's log"
                           : shown(fmt::format("{}", fmt::join(definition.channels, ", ")));
    if (definition.repeat_ns > 0) {
        text += fmt::format("; again every {}", time_text(definition.repeat_ns));
    }
    const std::vector<std::string>& inhibitors = definition.rule.inhibited_by;
    if (inhibitors.empty()) return text;
    return text + fmt::format("; not while {} fires",
                              shown(fmt::format("{}", fmt::join(inhibitors, " or "))));
}

std::string explain(const RuleDefinition& definition, std::int64_t interval_ns,
                    const UnitOf& unit_of, const Reach* reach) {
    const Rule& rule = definition.rule;
    Block block(fmt::format("{} ({})", rule.name, definition.where));
    std::vector<const Program*> programs;
    for (const Level& level : rule.levels) {
        programs.push_back(&level.condition);
        if (level.clear) programs.push_back(&*level.clear);
    }
    add_levels(block, definition);
    const Program& first = rule.levels[0].condition;
    block.line("unit", unit_text(programs));
    // What the agent's own metrics are in is known.
    if (!definition.is_built_in) add_shares(block, programs, unit_of);
    const Labels& labels = first.steps[first.root].labels;
    std::string groups = groups_text(labels);
    if (!labels.is_empty()) {
        groups += fmt::format("; {} are told of at a time", rule.instances_max);
    }
    block.line("groups", groups);
    add_feeds(block, programs, interval_ns);
    block.line("memory", memory_text(state_bytes(rule), labels, rule.instances_max));
    if (!definition.is_built_in) add_reach(block, programs, reach, "group");
    block.line("fires", fires_text(rule.policy));
    block.line("no data", no_data_text(rule.policy));
    block.line("told to", told_text(definition));
    add_hints(block, programs);
    return block.take();
}

std::string explain(const DerivedSeries& derived, std::int64_t interval_ns, const Reach* reach) {
    const Program& program = derived.expression;
    const std::array<const Program*, 1> programs{&program};
    Block block(fmt::format("derived series {}", shown(derived.name)));
    block.line("expr", shown(to_text(program.expression)));
    block.line("unit", unit_text(programs));
    const Labels& labels = program.steps[program.root].labels;
    block.line("series", groups_text(labels));
    add_feeds(block, programs, interval_ns);
    block.line("memory", memory_text(state_bytes(derived), labels, derived_groups));
    add_reach(block, programs, reach, "series");
    add_hints(block, programs);
    return block.take();
}

}  // namespace

std::string explain(const AlertsConfig& config, std::int64_t interval_ns, const Reach* reach) {
    std::string out;
    const UnitOf unit_of = unit_lookup(config.units);
    for (const bool built_in : {false, true}) {
        for (const RuleDefinition& definition : config.rules) {
            if (definition.is_built_in != built_in) continue;
            out += explain(definition, interval_ns, unit_of, reach);
        }
        if (built_in) continue;
        for (const DerivedSeries& derived : config.derived) {
            out += explain(derived, interval_ns, reach);
        }
    }
    if (!config.enabled) out += "Alerts are switched off: alerts.enabled is false.\n";
    return out + fmt::format("All windows together: at most {} of alerts.max_state = {}.\n",
                             size_text(state_bytes(config)), size_text(config.state_bytes_max));
}

}  // namespace pitot::agent::alerts
