#include "agent/alerts/trial/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// Of numbers that are to be equal: what comes of adding them up in another order.
constexpr double relative_error_max = 1e-9;
constexpr std::size_t text_characters_max = 400;
constexpr std::size_t explained_instances_max = 3;

std::string in_quotes(std::string_view text) {
    return fmt::format("\"{}\"", printable(text, text_characters_max));
}

std::string yes_or_no(bool is_so) {
    return is_so ? "yes" : "no";
}

// How far along: what is worse counts for an alert with several instances.
int rank(Phase phase) {
    switch (phase) {
        case Phase::ok:
            return 0;
        case Phase::pending:
            return 1;
        case Phase::recovering:
            return 2;
        case Phase::firing:
            return 3;
    }
    return 0;
}

std::string number_text(double number, const Unit& unit) {
    return fmt::format("{}{}", number, unit.name);
}

std::string value_text(const Value& value, const Unit& unit) {
    switch (value.known) {
        case Known::no_data:
            return "none (no data)";
        case Known::filling:
            return "none (the window is filling)";
        case Known::value:
            break;
    }
    std::string text = number_text(value.shown(), unit);
    if (!value.is_exact()) text += " so far (the window is filling)";
    return text;
}

bool is_near(const ExpectedNumber& expected, double number, const Unit& unit) {
    double wanted = expected.number;
    double tolerance = expected.tolerance;
    if (expected.unit.dimension != Dimension::none || expected.unit.times != expected.unit.per) {
        const bool fits =
            expected.unit.dimension == unit.dimension ||
            (unit.dimension == Dimension::none && expected.unit.dimension != Dimension::time);
        if (!fits) return false;
        wanted = converted(wanted, expected.unit, unit);
        tolerance = converted(tolerance, expected.unit, unit);
    }
    const double slack =
        std::max(tolerance * (1 + relative_error_max),
                 relative_error_max * std::max(std::abs(wanted), std::abs(number)));
    return std::abs(number - wanted) <= slack;
}

// One expectation against one stage.
class Comparer {
public:
    Comparer(const Expectation& expectation, const Stage& stage)
        : expectation_(expectation),
          stage_(stage),
          rule_(stage.number_of(expectation.alert)),
          definition_(stage.rules().alerts.rules[rule_]),
          unit_(definition_.rule.levels.front().condition.value_unit) {
        for (SeenInstance& instance : stage.instances(rule_)) {
            if (is_meant(instance.labels)) meant_.push_back(std::move(instance));
        }
        for (const SeenInstance& instance : meant_) {
            if (rank(instance.state.phase) > rank(phase_)) phase_ = instance.state.phase;
        }
        for (const SeenInstance& instance : meant_) {
            if (instance.state.phase == phase_) candidates_.push_back(&instance);
        }
    }

    Comparison compare(bool with_notified) {
        compare_state();
        compare_numbers();
        compare_words();
        compare_flags();
        compare_counts();
        compare_texts();
        if (with_notified) compare_notified();
        return std::move(comparison_);
    }

    std::vector<std::string> explain() const;

private:
    bool is_meant(const GroupLabels& labels) const {
        return std::ranges::all_of(expectation_.labels, [&](const auto& wanted) {
            const auto own = std::ranges::find(labels, wanted.first, &Label::name);
            if (own != labels.end()) return own->value == wanted.second;
            const auto fixed = definition_.labels.find(wanted.first);
            return fixed != definition_.labels.end() && fixed->second == wanted.second;
        });
    }

    void add(std::string name, std::string expected, std::string got, bool is_equal) {
        comparison_.facts.push_back(
            {std::move(name), std::move(expected), std::move(got), is_equal});
    }

    // A fact that has to be true of each candidate; shows the first one of which it is not.
    // `without`: whether it is true where there is none.
    template <typename Got, typename IsEqual>
    void compare_each(std::string name, std::string expected, bool without, Got got,
                      IsEqual is_equal) {
        if (candidates_.empty()) {
            add(std::move(name), std::move(expected), "nothing: there is no such instance",
                without);
            return;
        }
        const auto different = std::ranges::find_if_not(
            candidates_, [&](const SeenInstance* instance) { return is_equal(*instance); });
        const bool all_equal = different == candidates_.end();
        const SeenInstance& shown_one = all_equal ? *candidates_.front() : **different;
        std::string text = got(shown_one);
        if (candidates_.size() > 1) text += " " + shown(shown_one.labels);
        add(std::move(name), std::move(expected), std::move(text), all_equal);
    }

    void compare_state();
    void compare_numbers();
    void compare_words();
    void compare_flags();
    void compare_counts();
    void compare_texts();
    void compare_notified();
    void compare_notices(std::string name, const std::vector<std::string>& expected);
    void compare_text(std::string name, const std::string& expected,
                      std::string channels::Message::* text);
    std::optional<channels::Message> message_of(const SeenInstance& instance) const;
    void explain_instance(const SeenInstance& instance, std::vector<std::string>& lines) const;

    const Expectation& expectation_;
    const Stage& stage_;
    std::size_t rule_;
    const RuleDefinition& definition_;
    Unit unit_;
    std::vector<SeenInstance> meant_;
    Phase phase_ = Phase::ok;
    std::vector<const SeenInstance*> candidates_;  // of meant_, in phase_
    Comparison comparison_;
};

void Comparer::compare_state() {
    if (expectation_.states.empty()) return;
    std::vector<std::string_view> names;
    names.reserve(expectation_.states.size());
    for (const Phase phase : expectation_.states) names.push_back(to_string(phase));
    std::string got(to_string(phase_));
    const bool is_ambiguous = meant_.size() > 1 && phase_ != Phase::ok;
    if (is_ambiguous) got += " " + shown(candidates_.front()->labels);
    if (meant_.empty()) got += " (no such instance)";
    add("state", fmt::format("{}", fmt::join(names, " or ")), std::move(got),
        std::ranges::find(expectation_.states, phase_) != expectation_.states.end());
}

void Comparer::compare_numbers() {
    if (const auto& value = expectation_.value) {
        compare_each(
            "value", value->text, value->is_none,
            [&](const SeenInstance& instance) { return value_text(instance.value, unit_); },
            [&](const SeenInstance& instance) {
                const bool is_there = instance.value.known == Known::value;
                if (value->is_none || !is_there) return value->is_none && !is_there;
                return is_near(*value, instance.value.shown(), unit_);
            });
    }
    if (const auto& peak = expectation_.peak) {
        compare_each(
            "peak", peak->text, peak->is_none,
            [&](const SeenInstance& instance) {
                const bool is_there = instance.state.is_active() && instance.state.has_peak();
                return is_there ? number_text(instance.state.peak, unit_) : std::string("none");
            },
            [&](const SeenInstance& instance) {
                const bool is_there = instance.state.is_active() && instance.state.has_peak();
                if (!is_there) return peak->is_none;
                return !peak->is_none && is_near(*peak, instance.state.peak, unit_);
            });
    }
}

void Comparer::compare_words() {
    if (const auto& severity = expectation_.severity) {
        compare_each(
            "severity", *severity, false,
            [&](const SeenInstance& instance) {
                return instance.severity.empty() ? std::string("none") : instance.severity;
            },
            [&](const SeenInstance& instance) { return instance.severity == *severity; });
    }
    if (const auto& reason = expectation_.reason) {
        compare_each(
            "reason", *reason, false,
            [&](const SeenInstance& instance) {
                return std::string(to_string(instance.state.reason));
            },
            [&](const SeenInstance& instance) {
                return to_string(instance.state.reason) == *reason;
            });
    }
}

void Comparer::compare_flags() {
    const auto compare_flag = [&](std::string name, std::optional<bool> expected, auto is_so) {
        if (!expected) return;
        compare_each(
            std::move(name), yes_or_no(*expected), !*expected,
            [&](const SeenInstance& instance) { return yes_or_no(is_so(instance)); },
            [&](const SeenInstance& instance) { return is_so(instance) == *expected; });
    };
    compare_flag("stale", expectation_.stale,
                 [](const SeenInstance& instance) { return instance.state.stale_since_ns != 0; });
    compare_flag("flapping", expectation_.flapping,
                 [](const SeenInstance& instance) { return instance.state.is_flapping; });
    compare_flag("inhibited", expectation_.inhibited,
                 [](const SeenInstance& instance) { return instance.is_inhibited; });
}

void Comparer::compare_counts() {
    const auto compare_count = [&](std::string name, std::optional<std::uint64_t> expected,
                                   auto counts) {
        if (!expected) return;
        const auto got = static_cast<std::uint64_t>(std::ranges::count_if(meant_, counts));
        add(std::move(name), std::to_string(*expected), std::to_string(got), got == *expected);
    };
    const auto& states = expectation_.states;
    compare_count("instances", expectation_.instances, [&](const SeenInstance& instance) {
        if (states.empty()) return instance.state.is_active();
        return std::ranges::find(states, instance.state.phase) != states.end();
    });
    compare_count("suppressed", expectation_.suppressed,
                  [](const SeenInstance& instance) { return instance.is_suppressed; });
}

// Of what fires, what a message would say now; else the last one that was told of it.
std::optional<channels::Message> Comparer::message_of(const SeenInstance& instance) const {
    if (instance.state.is_active()) return stage_.message_now(rule_, instance);
    const auto& told = stage_.told(rule_);
    const auto last = std::find_if(told.rbegin(), told.rend(), [&](const ToldMessage& message) {
        return message.labels == instance.labels;
    });
    if (last == told.rend()) return std::nullopt;
    return last->message;
}

void Comparer::compare_text(std::string name, const std::string& expected,
                            std::string channels::Message::* text) {
    compare_each(
        std::move(name), in_quotes(expected), false,
        [&](const SeenInstance& instance) {
            const auto message = message_of(instance);
            return message ? in_quotes((*message).*text) : std::string("nothing was told of it");
        },
        [&](const SeenInstance& instance) {
            const auto message = message_of(instance);
            return message && (*message).*text == expected;
        });
}

void Comparer::compare_texts() {
    if (expectation_.summary) {
        compare_text("summary", *expectation_.summary, &channels::Message::summary);
    }
    if (expectation_.description) {
        compare_text("description", *expectation_.description, &channels::Message::description);
    }
}

void Comparer::compare_notices(std::string name, const std::vector<std::string>& expected) {
    const bool has_severities = std::ranges::any_of(
        expected, [](const std::string& notice) { return notice.contains(' '); });
    std::vector<std::string> got;
    bool is_equal = true;
    for (const ToldMessage& told : stage_.told(rule_)) {
        if (!is_meant(told.labels)) continue;
        const std::string type(to_string(told.type));
        const std::string whole =
            told.message.severity.empty() ? type : type + " " + told.message.severity;
        const std::size_t at = got.size();
        is_equal =
            is_equal && at < expected.size() && (expected[at] == type || expected[at] == whole);
        got.push_back(has_severities ? whole : type);
    }
    is_equal = is_equal && got.size() == expected.size();
    add(std::move(name), fmt::format("[{}]", fmt::join(expected, ", ")),
        fmt::format("[{}]", fmt::join(got, ", ")), is_equal);
}

// Channels of a rule are told the same; that each of them is one was looked up before.
void Comparer::compare_notified() {
    if (expectation_.notices) compare_notices("notified", *expectation_.notices);
    for (const auto& [channel, notices] : expectation_.notified) {
        compare_notices("notified " + printable(channel, 40), notices);
    }
}

// --- why

std::string_view word_of(Truth truth) {
    switch (truth) {
        case Truth::yes:
            return "true";
        case Truth::no:
            return "false";
        case Truth::no_data:
            return "without data";
        case Truth::filling:
            return "undecided, the window is filling";
    }
    return "";
}

// How much of what it needs to fire it has.
std::string hold_text(const InstanceState& state, const HoldFor& hold) {
    if (hold.of > 0) {
        return fmt::format("true in {} of {} evaluations, needs {}",
                           std::popcount(state.evaluations[0]), hold.of, hold.needed);
    }
    const std::string held = "held for " + time_text(state.held_ns[0]);
    if (hold.nanoseconds == 0) return held + ", fires at once";
    return fmt::format("{}, needs {}", held, time_text(hold.nanoseconds));
}

// "errors = 3, requests[5m] = 12; fewer than min = 50": a ratio has no value then.
std::string counts_text(const Evaluator& evaluator, ProgramId id, StepId step,
                        const GroupLabels& labels) {
    const Program& program = evaluator.program(id);
    std::string text;
    double divisor = 0;
    for (const Leaf& leaf : leaves_of(program)) {
        if (leaf.step != step || !leaf.is_amount) continue;
        const Value value = evaluator.read(id, leaf, labels).value;
        text +=
            fmt::format("{}{} = {}", text.empty() ? "" : ", ", leaf.text, value_text(value, {}));
        if (leaf.feed == program.steps[step].divisor) {
            divisor = value.known == Known::value ? value.low : 0;
        }
    }
    const double least = program.steps[step].number;
    if (divisor < least) text += fmt::format("; fewer than min = {}", least);
    return text;
}

void Comparer::explain_instance(const SeenInstance& instance,
                                std::vector<std::string>& lines) const {
    const InstanceState& state = instance.state;
    const RulePolicy& policy = definition_.rule.policy;
    std::string line = fmt::format("{}{} is {}", definition_.rule.name, shown(instance.labels),
                                   to_string(state.phase));
    if (!instance.severity.empty()) line += " " + instance.severity;
    if (state.phase == Phase::pending) {
        line += ": " + hold_text(state, policy.hold_for);
    }
    if (state.stale_since_ns != 0) line += ", stale";
    if (state.is_flapping) line += ", flapping";
    if (instance.is_inhibited) line += ", inhibited";
    if (instance.is_suppressed) line += ", beyond max_instances";
    lines.push_back(std::move(line));

    const Evaluator& evaluator = stage_.engine().evaluator();
    const auto& levels = stage_.engine().levels(rule_);
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const auto explain_program = [&](std::string_view word, ProgramId id) {
            const Program& program = evaluator.program(id);
            const auto found = evaluator.find(id, key_of(instance.labels));
            lines.push_back(fmt::format("  {}: {} is {}", word, to_text(program.expression),
                                        found ? word_of(found->truth) : "without data"));
            for (StepId step = 0; step < program.steps.size(); ++step) {
                const Step& its = program.steps[step];
                if (its.type != Step::Type::measure && its.type != Step::Type::ratio) continue;
                const Value value = evaluator.value_of(id, step, instance.labels);
                lines.push_back(fmt::format("    {} = {}", to_text(program.expression, its.source),
                                            value_text(value, {})));
                if (its.type == Step::Type::ratio && value.known != Known::value) {
                    lines.back() +=
                        fmt::format(" ({})", counts_text(evaluator, id, step, instance.labels));
                }
            }
        };
        explain_program(definition_.rule.levels[i].severity, levels[i].condition);
        if (levels[i].clear) explain_program("clear", *levels[i].clear);
    }
}

std::vector<std::string> Comparer::explain() const {
    std::vector<std::string> lines;
    std::vector<const SeenInstance*> explained = candidates_;
    const auto all = stage_.instances(rule_);
    if (explained.empty()) {
        lines.push_back(all.empty() ? fmt::format("{} has no instance", definition_.rule.name)
                                    : fmt::format("{} has no instance with these labels; it has:",
                                                  definition_.rule.name));
        for (const SeenInstance& instance : all) explained.push_back(&instance);
    }
    const std::size_t shown_count = std::min(explained.size(), explained_instances_max);
    for (std::size_t i = 0; i < shown_count; ++i) explain_instance(*explained[i], lines);
    if (explained.size() > shown_count) {
        lines.push_back(fmt::format("and {} more", explained.size() - shown_count));
    }
    for (std::string& sentence : stage_.unmatched(rule_)) lines.push_back(std::move(sentence));
    return lines;
}

}  // namespace

bool Comparison::is_equal() const {
    return std::ranges::all_of(facts, &ComparedFact::is_equal);
}

Comparison compare(const Expectation& expectation, const Stage& stage, bool with_notified) {
    return Comparer(expectation, stage).compare(with_notified);
}

std::vector<std::string> explain(const Expectation& expectation, const Stage& stage) {
    return Comparer(expectation, stage).explain();
}

std::string time_text(std::int64_t time_ns) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    std::string text;
    std::int64_t rest_ns = time_ns;
    for (const auto& [unit, unit_ns] :
         {std::pair("h", 3'600 * second_ns), std::pair("m", 60 * second_ns),
          std::pair("s", second_ns)}) {
        if (rest_ns < unit_ns) continue;
        text += fmt::format("{}{}", rest_ns / unit_ns, unit);
        rest_ns %= unit_ns;
    }
    if (rest_ns == 0 && !text.empty()) return text;
    return text + format_duration(std::chrono::nanoseconds(rest_ns));
}

std::string shown(const GroupLabels& labels) {
    if (labels.empty()) return {};
    std::string text;
    for (const Label& label : labels) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", printable(label.name, 40),
                            printable(label.value, 80));
    }
    return fmt::format("{{{}}}", text);
}

}  // namespace pitot::agent::alerts
