#include "agent/config/alert_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "agent/alerts/channels/message_maker.h"
#include "agent/alerts/channels/template.h"
#include "agent/alerts/hints.h"
#include "agent/alerts/limits.h"
#include "agent/alerts/source_text.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

using namespace std::chrono_literals;
using alerts::BinaryOperator;
using alerts::Expression;
using alerts::ExpressionFault;
using alerts::Program;
using alerts::Result;
using alerts::SourceText;

constexpr std::array<std::string_view, 7> expressions{
    "condition", "clear", "value", "warn", "crit", "clear_warn", "clear_crit"};
constexpr std::array<std::string_view, 4> no_data_words{"hold", "zero", "ok", "alert"};
constexpr std::size_t warning = 1;   // in alerts::severities
constexpr std::size_t critical = 3;  //

// As long as a window can be.
constexpr auto hold_max = std::chrono::nanoseconds(7 * 24h);
constexpr auto repeat_max = std::chrono::nanoseconds(30 * 24h);
// Below, nobody could read what is told again.
constexpr auto repeat_min = std::chrono::nanoseconds(10s);
constexpr auto resolve_after_min = std::chrono::nanoseconds(1s);
constexpr std::int64_t flap_transitions_max = 100;
constexpr auto flap_time_max = std::chrono::nanoseconds(24h);
// Of channels, and of other rules; one notice goes to each, or is compared with each.
constexpr std::size_t names_max = 32;
// Each is a label of everything that is told; destinations have their own bounds.
constexpr std::size_t labels_max = 32;
constexpr std::string_view own_labels[]{"alertname", "severity", "alertstate"};

// --- expressions

void tell(SectionReader& section, std::string_view key, ExpressionFault&& fault) {
    section.problem_at(fault.position, key, std::move(fault.what));
}

std::optional<SourceText> expression_text(SectionReader& section, std::string_view key) {
    auto placed = section.placed_text(key, "", "must be an expression, as a text");
    if (!placed) return std::nullopt;
    return SourceText(std::move(placed->text), placed->source, placed->position);
}

std::optional<Program> compiled(SectionReader& section, std::string_view key, Expression expression,
                                Result wanted, const alerts::CompileSettings& settings) {
    auto program = alerts::compile(std::move(expression), wanted, settings);
    if (!program) {
        tell(section, key, std::move(program.error()));
        return std::nullopt;
    }
    return *std::move(program);
}

void tell_hints(SectionReader& section, std::string_view key, const Program& program) {
    for (const ExpressionFault& hint : program.hints) {
        section.warning_at(hint.position, key, hint.what);
    }
}

// --- what two comparisons of one value have to do with each other

struct Bound {
    BinaryOperator operation{};
    double limit = 0;

    bool is_upward() const {
        return operation == BinaryOperator::greater || operation == BinaryOperator::greater_equal;
    }
    bool is_downward() const {
        return operation == BinaryOperator::less || operation == BinaryOperator::less_equal;
    }
};

// Of an expression that compares its value with one number.
std::optional<Bound> bound_of(const Program& program) {
    const alerts::Step& root = program.steps[program.root];
    const bool compares =
        root.type == alerts::Step::Type::binary && alerts::is_comparison(root.operation);
    if (!compares) return std::nullopt;
    const alerts::Step& limit = program.steps[root.operands[1]];
    if (limit.type != alerts::Step::Type::constant) return std::nullopt;
    return Bound{root.operation, limit.number};
}

std::string left_side_of(const Program& program) {
    const auto* const root =
        std::get_if<alerts::Binary>(&program.expression[program.expression.root].what);
    return root == nullptr ? "" : to_text(program.expression, root->left);
}

// Whether `clear` is true of every value that `raised` is not.
bool clears_at_once(const Bound& raised, const Bound& clear) {
    if (raised.is_upward() && clear.is_downward()) return clear.limit > raised.limit;
    if (raised.is_downward() && clear.is_upward()) return clear.limit < raised.limit;
    return false;
}

void advise_on_clear(SectionReader& section, std::string_view key, std::string_view raised_key,
                     const Program& raised, const Program& clear) {
    const auto begin = bound_of(raised);
    const auto end = bound_of(clear);
    if (!begin || !end || left_side_of(raised) != left_side_of(clear)) return;
    if (!clears_at_once(*begin, *end)) return;
    section.warning(key, fmt::format("has no effect: it is true of every value of which `{}` is "
                                     "not; for hysteresis its limit lies on the other side",
                                     raised_key));
}

void advise_on_levels(SectionReader& section, const Program& warn, const Program& crit) {
    const auto lower = bound_of(warn);
    const auto upper = bound_of(crit);
    if (!lower || !upper) return;
    const bool is_reversed =
        (lower->is_upward() && upper->is_upward())
            ? upper->limit < lower->limit
            : (lower->is_downward() && upper->is_downward() && upper->limit > lower->limit);
    if (!is_reversed) return;
    section.warning("crit", "is true before `warn` is, so that there is never a warning");
}

// Levels are joined with each other, and with what ends them, by their labels.
bool has_groups_of(SectionReader& section, std::string_view key, std::string_view other_key,
                   const Program& program, const Program& other) {
    const alerts::Labels& labels = program.steps[program.root].labels;
    const alerts::Labels& wanted = other.steps[other.root].labels;
    if (labels == wanted) return true;
    section.problem(key, fmt::format("must have the labels of `{}`, which are {}, got {}",
                                     other_key, to_text(wanted), to_text(labels)));
    return false;
}

void refuse_besides(SectionReader& section, std::span<const std::string_view> keys,
                    std::string_view other) {
    for (const std::string_view key : keys) {
        if (!section.has(key)) continue;
        section.problem(key, fmt::format("must be left out: the rule has a `{}`", other));
    }
}

// --- levels

class LevelReader {
public:
    LevelReader(SectionReader& section, const alerts::CompileSettings& settings)
        : section_(section), settings_(settings) {}

    // Empty where there is a problem.
    std::vector<alerts::Level> read() {
        const std::size_t severity = section_.choice("severity", warning, alerts::severities);
        // Known in any case, so that a mistyped one is likened to them.
        for (const std::string_view key : expressions) expression_text(section_, key);
        if (section_.has("condition")) {
            refuse_besides(section_, std::span(expressions).subspan(2), "condition");
            return one_level(alerts::severities.at(severity));
        }
        if (section_.has("value")) {
            refuse_besides(section_, std::array<std::string_view, 2>{"clear", "severity"}, "value");
            return two_levels();
        }
        section_.problem("condition",
                         "must be given, such as \"p95(checkout.time) > 250ms\", or else `value` "
                         "with `warn` and `crit`; got nothing");
        return {};
    }

private:
    std::optional<Program> condition(std::string_view key) {
        return read_expression(section_, key, Result::condition, settings_);
    }

    std::vector<alerts::Level> one_level(std::string_view severity) {
        auto raised = condition("condition");
        auto clear = condition("clear");
        if (!raised || section_.has("clear") != clear.has_value()) return {};
        if (clear && !has_groups_of(section_, "clear", "condition", *clear, *raised)) return {};
        if (clear) advise_on_clear(section_, "clear", "condition", *raised, *clear);
        std::vector<alerts::Level> levels;
        levels.push_back({std::string(severity), *std::move(raised), std::move(clear)});
        return levels;
    }

    // What is compared, as a tree; on its own it is checked as a number.
    std::optional<Expression> value() {
        const auto text = expression_text(section_, "value");
        if (!text) return std::nullopt;
        auto expression = alerts::parse_expression(*text);
        if (!expression) {
            tell(section_, "value", std::move(expression.error()));
            return std::nullopt;
        }
        const auto number = compiled(section_, "value", *expression, Result::number, settings_);
        if (!number) return std::nullopt;
        tell_hints(section_, "value", *number);
        return *std::move(expression);
    }

    std::optional<Program> threshold(std::string_view key, const Expression& value) {
        const auto text = expression_text(section_, key);
        if (!text) return std::nullopt;
        auto expression = alerts::parse_threshold(*text, value);
        if (!expression) {
            tell(section_, key, std::move(expression.error()));
            return std::nullopt;
        }
        auto program =
            compiled(section_, key, std::move(*expression), Result::condition, settings_);
        if (program) tell_hints_on_limit(key, *program, value);
        return program;
    }

    // Those of the value are told already.
    void tell_hints_on_limit(std::string_view key, const Program& program,
                             const Expression& value) {
        for (const ExpressionFault& hint : program.hints) {
            const bool is_of_value = std::ranges::any_of(
                value.nodes,
                [&](const alerts::ExpressionNode& node) { return node.position == hint.position; });
            if (!is_of_value) section_.warning_at(hint.position, key, hint.what);
        }
    }

    std::vector<alerts::Level> two_levels() {
        if (!section_.has("warn") && !section_.has("crit")) {
            section_.problem("warn",
                             "must be given, such as \"> 80%\", or else `crit`; got nothing");
        }
        const auto compared = value();
        if (!compared) return {};
        std::vector<alerts::Level> levels;
        bool is_good = true;
        struct Keys {
            std::string_view raised;
            std::string_view clear;
            std::size_t severity;
        };
        for (const Keys& keys :
             {Keys{"warn", "clear_warn", warning}, Keys{"crit", "clear_crit", critical}}) {
            auto raised = threshold(keys.raised, *compared);
            auto clear = threshold(keys.clear, *compared);
            if (!section_.has(keys.raised)) {
                if (section_.has(keys.clear)) {
                    section_.problem(keys.clear, fmt::format("must be left out: the rule has no "
                                                             "`{}`",
                                                             keys.raised));
                    is_good = false;
                }
                continue;
            }
            if (!raised || section_.has(keys.clear) != clear.has_value()) {
                is_good = false;
                continue;
            }
            if (clear) {
                is_good =
                    has_groups_of(section_, keys.clear, keys.raised, *clear, *raised) && is_good;
                advise_on_clear(section_, keys.clear, keys.raised, *raised, *clear);
            }
            levels.push_back({std::string(alerts::severities.at(keys.severity)), *std::move(raised),
                              std::move(clear)});
        }
        if (levels.size() == 2) {
            const Program& warn = levels[0].condition;
            const Program& crit = levels[1].condition;
            is_good = has_groups_of(section_, "crit", "warn", crit, warn) && is_good;
            advise_on_levels(section_, warn, crit);
        }
        if (!is_good) levels.clear();
        return levels;
    }

    SectionReader& section_;
    const alerts::CompileSettings& settings_;
};

// --- from true to told

// The one of several spellings that is written, the first one where none is.
std::string_view spelling(SectionReader& section, std::initializer_list<std::string_view> keys) {
    std::string_view written;
    for (const std::string_view key : keys) {
        if (!section.has(key)) continue;
        if (written.empty()) {
            written = key;
        } else {
            section.problem(
                key, fmt::format("must be left out: it is another word for `{}`", *keys.begin()));
            section.text(key, "");
        }
    }
    return written.empty() ? *keys.begin() : written;
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// "5m", or "3 of 5".
std::optional<alerts::HoldFor> parse_hold(std::string_view text) {
    constexpr std::string_view of = " of ";
    const std::size_t at = text.find(of);
    if (at == std::string_view::npos) {
        const auto duration = parse_duration(text);
        if (!duration || *duration < 0s || *duration > hold_max) return std::nullopt;
        return alerts::HoldFor{.nanoseconds = duration->count()};
    }
    const auto needed = whole_number(text.substr(0, at));
    const auto all = whole_number(text.substr(at + of.size()));
    const bool is_good =
        needed && all && *needed >= 1 && *needed <= *all && *all <= alerts::evaluations_max;
    if (!is_good) return std::nullopt;
    return alerts::HoldFor{.needed = *needed, .of = *all};
}

alerts::HoldFor read_hold(SectionReader& section) {
    const std::string_view key = spelling(section, {"for", "duration", "min_duration"});
    const std::string must = fmt::format(
        R"(must be a duration up to {}, such as "5m", or so many of the last evaluations, up to )"
        R"({}, such as "3 of 5")",
        format_duration(hold_max), alerts::evaluations_max);
    const auto text = section.placed_text(key, "\"0s\"", must);
    if (!text) return {};
    if (const auto hold = parse_hold(text->text)) return *hold;
    section.problem(key, fmt::format("{}, got the text \"{}\"", must, printable(text->text, 60)));
    return {};
}

alerts::FlapDamping read_flap(SectionReader& section) {
    alerts::FlapDamping flap;
    auto table = section.section_unless_false("flap");
    if (!table) {
        flap.transitions = 0;
        return flap;
    }
    flap.transitions = static_cast<std::uint32_t>(
        table->integer("transitions", flap.transitions, 1, flap_transitions_max));
    flap.within_ns =
        table->duration("within", std::chrono::nanoseconds(flap.within_ns), 1s, flap_time_max)
            .count();
    flap.hold_ns =
        table->duration("hold", std::chrono::nanoseconds(flap.hold_ns), 1s, flap_time_max).count();
    table->report_unknown();
    return flap;
}

alerts::RulePolicy read_policy(SectionReader& section) {
    alerts::RulePolicy policy;
    policy.hold_for = read_hold(section);
    policy.keep_firing_ns = section.duration("keep_firing_for", 0s, 0s, hold_max).count();
    policy.no_data = static_cast<alerts::NoData>(section.choice("no_data", 0, no_data_words));
    policy.resolve_after_ns =
        section
            .duration("resolve_after", std::chrono::nanoseconds(policy.resolve_after_ns),
                      resolve_after_min, repeat_max)
            .count();
    policy.flap = read_flap(section);
    return policy;
}

std::int64_t read_repeat(SectionReader& section) {
    const std::string_view key = spelling(section, {"repeat", "max_frequency"});
    const auto repeat = section.duration(key, 0s, 0s, repeat_max);
    if (repeat > 0s && repeat < repeat_min) {
        section.problem(key,
                        fmt::format("must be 0 (as its channels have it) or at least {}, got {}",
                                    format_duration(repeat_min), format_duration(repeat)));
    }
    return repeat.count();
}

std::vector<std::string> read_names(SectionReader& section, std::string_view key,
                                    std::vector<std::string> fallback) {
    std::vector<std::string> names = section.texts(key, std::move(fallback));
    if (names.size() <= names_max) return names;
    section.problem(key, fmt::format("must be at most {} names, got {}", names_max, names.size()));
    return {};
}

// --- absent()

bool reads_absence(const std::vector<alerts::Level>& levels) {
    const auto is_absent = [](const alerts::Step& step) {
        return step.function == alerts::Function::absent &&
               step.type == alerts::Step::Type::measure;
    };
    return std::ranges::any_of(levels, [&](const alerts::Level& level) {
        return std::ranges::any_of(level.condition.steps, is_absent) ||
               (level.clear && std::ranges::any_of(level.clear->steps, is_absent));
    });
}

std::vector<alerts::GroupLabels> read_expected(SectionReader& section) {
    std::vector<alerts::GroupLabels> groups;
    for (const auto& pairs : section.text_tables("expect")) {
        alerts::GroupLabels& group = groups.emplace_back();
        for (const auto& [name, value] : pairs) group.push_back({name, value});
        std::ranges::sort(group);
    }
    if (groups.size() > alerts::limits::tracked_instances_max) {
        section.problem("expect",
                        fmt::format("must be at most {} tables, got {}",
                                    alerts::limits::tracked_instances_max, groups.size()));
        groups.clear();
    }
    return groups;
}

void check_expected(SectionReader& section, const std::vector<alerts::GroupLabels>& groups,
                    const std::vector<alerts::Level>& levels) {
    if (levels.empty()) return;
    if (!reads_absence(levels)) {
        for (const std::string_view key : {"expect", "forget_after"}) {
            if (!section.has(key)) continue;
            section.problem(key, "must be left out: only `absent(x)` knows what should be there");
        }
        return;
    }
    for (const alerts::Feed& feed : levels[0].condition.feeds) {
        if (feed.known_flushes == 0 || feed.labels.is_open) continue;
        if (feed.labels.names.empty() && !groups.empty()) {
            section.problem("expect",
                            "must be left out: `absent(x)` is one group; write "
                            "`absent(x) by (…)` for one of each");
            return;
        }
        const auto wrong = std::ranges::find_if(groups, [&](const alerts::GroupLabels& group) {
            return !std::ranges::equal(group, feed.labels.names, {}, &alerts::Label::name);
        });
        if (wrong == groups.end()) continue;
        std::string got;
        for (const alerts::Label& label : *wrong) {
            got += (got.empty() ? "" : ", ") + printable(label.name);
        }
        section.problem("expect",
                        fmt::format("must be tables of {}, by which `absent` is grouped, got {}",
                                    to_text(feed.labels), got.empty() ? "no labels" : got));
    }
}

// --- what messages show

bool is_label_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !name.empty() && name.size() <= section_name_bytes_max && is_letter(name[0]) &&
           std::ranges::all_of(name,
                               [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

void read_labels(SectionReader& section, alerts::RuleDefinition& definition) {
    for (auto& [name, value] : section.text_table("labels")) {
        if (!is_label_name(name) || std::ranges::find(own_labels, name) != std::end(own_labels)) {
            section.problem("labels",
                            fmt::format("must have names of letters, digits and '_', and none of "
                                        "\"alertname\", \"severity\" and \"alertstate\", got "
                                        "\"{}\"",
                                        printable(name, 80)));
        }
        definition.labels.emplace(std::move(name), std::move(value));
    }
    if (definition.labels.size() > labels_max) {
        section.problem("labels", fmt::format("must be at most {} labels, got {}", labels_max,
                                              definition.labels.size()));
    }
}

// A template of messages; what it may name are the labels of the rule.
std::string message_text(SectionReader& section, std::string_view key,
                         const alerts::channels::TemplateScope& scope) {
    auto placed = section.placed_text(key, "\"\"", "must be a text");
    if (!placed) return {};
    const SourceText text(placed->text, placed->source, placed->position);
    auto parsed = alerts::channels::parse_template(text, scope);
    if (!parsed) tell(section, key, std::move(parsed.error()));
    std::string hint = alerts::hint_on_message(placed->text);
    if (!hint.empty()) section.warning(key, std::move(hint));
    return std::move(placed->text);
}

// What belongs one table further in.
void refuse_annotations_of(SectionReader& rule) {
    for (const std::string_view key : {"summary", "description", "action", "runbook"}) {
        if (!rule.has(key)) continue;
        rule.text(key, "");
        rule.problem(key, fmt::format("must stand in [{}]", rule.path_of("annotations")));
    }
}

void read_annotations(SectionReader section, alerts::RuleDefinition& definition) {
    const alerts::channels::TemplateScope scope = alerts::channels::scope_of(definition);
    definition.summary = message_text(section, "summary", scope);
    definition.description =
        message_text(section, spelling(section, {"description", "action"}), scope);
    definition.runbook_url = section.text("runbook", "");
    section.report_unknown();
}

}  // namespace

std::span<const std::string_view> expression_keys() {
    return expressions;
}

std::optional<Program> read_expression(SectionReader& section, std::string_view key, Result wanted,
                                       const alerts::CompileSettings& settings) {
    const auto text = expression_text(section, key);
    if (!text) return std::nullopt;
    auto expression = alerts::parse_expression(*text);
    if (!expression) {
        tell(section, key, std::move(expression.error()));
        return std::nullopt;
    }
    auto program = compiled(section, key, std::move(*expression), wanted, settings);
    if (program) tell_hints(section, key, *program);
    return program;
}

std::optional<ReadRule> read_alert_rule(SectionReader& section, const RuleContext& context) {
    ReadRule read;
    alerts::RuleDefinition& definition = read.definition;
    alerts::Rule& rule = definition.rule;
    rule.name = section.name();
    definition.where = section.place();
    read.is_enabled = section.boolean("enabled", true);

    alerts::CompileSettings settings = context.compile;
    settings.expected = read_expected(section);
    settings.forget_after_ns =
        section
            .duration("forget_after", std::chrono::nanoseconds(settings.forget_after_ns),
                      std::chrono::nanoseconds(settings.interval_ns), repeat_max)
            .count();
    rule.levels = LevelReader(section, settings).read();
    check_expected(section, settings.expected, rule.levels);

    rule.policy = read_policy(section);
    rule.instances_max = static_cast<std::size_t>(
        section.integer("max_instances", static_cast<std::int64_t>(rule.instances_max), 1,
                        static_cast<std::int64_t>(alerts::limits::tracked_instances_max)));
    rule.inhibited_by = read_names(section, "inhibited_by", {});
    definition.repeat_ns = read_repeat(section);
    definition.channels = read_names(section, "channels", context.channels);
    read_labels(section, definition);
    read_annotations(section.section("annotations"), definition);
    refuse_annotations_of(section);
    section.report_unknown();
    if (rule.levels.empty()) return std::nullopt;
    rule.policy.worst_is_least = alerts::worst_is_least(rule.levels[0].condition.expression);
    return read;
}

}  // namespace pitot::agent
