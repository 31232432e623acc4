#include "agent/alerts/trial/expectation_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "agent/alerts/channels/load.h"
#include "agent/config/suggest.h"
#include "agent/config/toml_text.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

using std::chrono::nanoseconds;

constexpr std::array<std::string_view, 4> phases{"ok", "pending", "firing", "recovering"};
constexpr std::array<std::string_view, 4> notice_types{"firing", "resolved", "flapping", "settled"};
// rule_removed is no reason here: rules do not change during a test.
constexpr std::array<std::string_view, 3> reasons{"condition", "no_data", "expired"};
constexpr std::string_view number_must =
    R"(must be a number, or a text such as "0.1 +- 0.001", "250ms" or "none")";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

// A number, and its unit if it has one.
std::optional<std::pair<double, Unit>> read_amount(std::string_view text) {
    text = trimmed(text);
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
    const std::string_view unit_name = trimmed({stop, static_cast<std::size_t>(end - stop)});
    if (unit_name.empty()) return std::pair(number, Unit{});
    const auto unit = find_number_unit(unit_name);
    if (!unit) return std::nullopt;
    return std::pair(number, *unit);
}

std::optional<ExpectedNumber> number_option(SectionReader& section, std::string_view key) {
    const Node* const node = section.value(key, "number or text");
    if (node == nullptr) return std::nullopt;
    std::optional<ExpectedNumber> number;
    if (const auto* const whole = std::get_if<std::int64_t>(&node->value)) {
        number = read_expected_number(std::to_string(*whole));
    } else if (const auto* const real = std::get_if<double>(&node->value)) {
        number = read_expected_number(fmt::format("{}", *real));
    } else if (const std::string* const text = node->text()) {
        number = read_expected_number(*text);
    }
    if (!number) {
        section.problem(key, fmt::format("{}, got {}", number_must, describe(*node)));
    }
    return number;
}

std::optional<bool> boolean_option(SectionReader& section, std::string_view key) {
    const bool value = section.boolean(key, false);
    return section.has(key) ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> count_option(SectionReader& section, std::string_view key) {
    const std::int64_t value = section.integer(key, 0, 0, std::numeric_limits<std::int32_t>::max());
    return section.has(key) ? std::optional(static_cast<std::uint64_t>(value)) : std::nullopt;
}

std::vector<std::string_view> severities_of(const RuleDefinition& rule) {
    std::vector<std::string_view> names;
    names.reserve(rule.rule.levels.size());
    for (const Level& level : rule.rule.levels) names.push_back(level.severity);
    return names;
}

// `warn` and `crit` are the levels of a rule that has two.
std::optional<std::string> severity_named(const RuleDefinition& rule, std::string_view name) {
    const auto names = severities_of(rule);
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return std::string(*found);
    if (names.size() != 2) return std::nullopt;
    if (name == "warn") return std::string(names[0]);
    if (name == "crit") return std::string(names[1]);
    return std::nullopt;
}

// "must be a severity of the rule ("warning"), got "warn"; did you mean "warning"?"
std::string severity_problem(const RuleDefinition& rule, std::string_view got) {
    std::vector<std::string_view> words = severities_of(rule);
    if (words.size() == 2) words.insert(words.end(), {"warn", "crit"});
    return fmt::format(R"(must be a severity of the rule ("{}"), got "{}"{})",
                       fmt::join(words, R"(", ")"), printable(got), did_you_mean(got, words, '"'));
}

}  // namespace

std::optional<ExpectedNumber> read_expected_number(std::string_view text) {
    ExpectedNumber expected{.text = std::string(trimmed(text))};
    if (expected.text == "none") {
        expected.is_none = true;
        return expected;
    }
    std::string_view amount = text;
    std::string_view tolerance;
    for (const std::string_view sign : {"+-", "±"}) {
        const std::size_t at = text.find(sign);
        if (at == std::string_view::npos) continue;
        amount = text.substr(0, at);
        tolerance = text.substr(at + sign.size());
        const auto read = read_amount(tolerance);
        if (!read || read->first < 0) return std::nullopt;
    }
    const auto number = read_amount(amount);
    if (!number) return std::nullopt;
    expected.number = number->first;
    expected.unit = number->second;
    if (!tolerance.empty()) {
        const auto [by, unit] = *read_amount(tolerance);
        // "250ms +- 5": what has no unit has that of the other.
        expected.tolerance = unit.name.empty() || expected.unit.name.empty()
                                 ? by
                                 : converted(by, unit, expected.unit);
        if (expected.unit.name.empty()) expected.unit = unit;
    }
    return expected;
}

Expectation ExpectationReader::read(SectionReader& section) {
    Expectation expectation;
    expectation.position = section.position();
    expectation.where = context_.problems.name_of(section.position());
    read_time(section, expectation);
    const RuleDefinition* const rule = read_rule(section, expectation);
    read_labels(section, rule, expectation);
    read_states(section, expectation);
    expectation.value = number_option(section, "value");
    expectation.peak = number_option(section, "peak");
    read_severity(section, rule, expectation);
    if (section.has("reason")) {
        expectation.reason = std::string(reasons.at(section.choice("reason", 0, reasons)));
    } else {
        section.choice("reason", 0, reasons);
    }
    expectation.summary = section.optional_text("summary");
    expectation.description = section.optional_text("description");
    expectation.instances = count_option(section, "instances");
    expectation.suppressed = count_option(section, "suppressed");
    expectation.stale = boolean_option(section, "stale");
    expectation.flapping = boolean_option(section, "flapping");
    expectation.inhibited = boolean_option(section, "inhibited");
    read_notified(section, rule, expectation);
    static constexpr std::array<std::string_view, 13> facts{
        "state",     "value",      "peak",  "severity", "reason",    "summary", "description",
        "instances", "suppressed", "stale", "flapping", "inhibited", "notified"};
    if (std::ranges::none_of(facts, [&](std::string_view key) { return section.has(key); })) {
        section.problem("", R"(must expect something, such as state = "firing")");
    }
    section.report_unknown();
    return expectation;
}

void ExpectationReader::read_time(SectionReader& section, Expectation& expectation) const {
    const Node* const node = section.value("at", "duration or \"*\"");
    if (node == nullptr) {
        section.problem("at", R"(must be given: a time such as "2m10s", or "*" for always)");
        return;
    }
    const std::string* const text = node->text();
    expectation.at = text == nullptr ? "" : printable(*text, 40);
    if (text != nullptr && *text == "*") return;
    const auto time = text == nullptr ? std::nullopt : parse_duration(*text);
    if (!time || time->count() > trial_time_max_ns) {
        section.problem(
            "at", fmt::format(R"(must be a time such as "2m10s", at most {}, or "*" )"
                              R"(for always, got {})",
                              format_duration(nanoseconds(trial_time_max_ns)), describe(*node)));
        return;
    }
    if (time->count() < interval_ns_) {
        section.problem("at",
                        fmt::format("must not be before the first flush, at {}, got \"{}\"",
                                    format_duration(nanoseconds(interval_ns_)), expectation.at));
    }
    expectation.at_ns = time->count();
}

const RuleDefinition* ExpectationReader::read_rule(SectionReader& section,
                                                   Expectation& expectation) const {
    expectation.alert = section.required_text("alert");
    if (rules_ == nullptr || expectation.alert.empty()) return nullptr;
    const RuleDefinition* const rule = find_rule(*rules_, expectation.alert);
    if (rule != nullptr) return rule;
    std::vector<std::string_view> names;
    names.reserve(rules_->alerts.rules.size());
    for (const RuleDefinition& each : rules_->alerts.rules) names.push_back(each.rule.name);
    section.problem(
        "alert", fmt::format("must be an alert of the rules, got \"{}\"{}",
                             printable(expectation.alert), did_you_mean(expectation.alert, names)));
    return nullptr;
}

void ExpectationReader::read_labels(SectionReader& section, const RuleDefinition* rule,
                                    Expectation& expectation) {
    for (auto& [name, value] : section.text_table("labels")) {
        expectation.labels.insert_or_assign(name, value);
    }
    if (rule == nullptr) return;
    std::vector<std::string_view> known;
    for (const Level& level : rule->rule.levels) {
        const Labels& labels = level.condition.steps[level.condition.root].labels;
        if (labels.is_open) return;  // whatever tags series have
        known.insert(known.end(), labels.names.begin(), labels.names.end());
    }
    for (const auto& [name, value] : rule->labels) known.emplace_back(name);
    std::ranges::sort(known);
    const auto repeated = std::ranges::unique(known);
    known.erase(repeated.begin(), repeated.end());
    for (const auto& [name, value] : expectation.labels) {
        if (std::ranges::find(known, name) != known.end()) continue;
        section.problem("labels",
                        known.empty()
                            ? fmt::format("must be left out: {} has no labels, got `{}`",
                                          expectation.alert, printable(name))
                            : fmt::format("must be among the labels of {} (`{}`), got `{}`{}",
                                          expectation.alert, fmt::join(known, "`, `"),
                                          printable(name), did_you_mean(name, known)));
    }
}

std::vector<std::pair<std::string, Position>> ExpectationReader::words_in(const Node& node,
                                                                          const std::string& path,
                                                                          std::string_view must) {
    std::vector<std::pair<std::string, Position>> words;
    const auto take = [&](const Node& each) {
        if (const std::string* const text = each.text()) {
            words.emplace_back(*text, each.position);
        } else {
            context_.problems.add(each.position, path,
                                  fmt::format("{}, got {}", must, describe(each)));
        }
    };
    const auto* const array = std::get_if<Array>(&node.value);
    if (array == nullptr) {
        take(node);
    } else {
        std::ranges::for_each(*array, take);
    }
    return words;
}

void ExpectationReader::read_states(SectionReader& section, Expectation& expectation) {
    const Node* const node = section.value("state", "word or list of words");
    if (node == nullptr) return;
    static const std::string must =
        fmt::format(R"(must be one of "{}", or a list of them)", fmt::join(phases, "\", \""));
    for (const auto& [word, position] : words_in(*node, section.path_of("state"), must)) {
        const auto found = std::ranges::find(phases, word);
        if (found != phases.end()) {
            expectation.states.push_back(static_cast<Phase>(found - phases.begin()));
            continue;
        }
        context_.problems.add(position, section.path_of("state"),
                              fmt::format("{}, got \"{}\"{}", must, printable(word),
                                          did_you_mean(word, phases, '"')));
    }
}

void ExpectationReader::read_severity(SectionReader& section, const RuleDefinition* rule,
                                      Expectation& expectation) {
    expectation.severity = section.optional_text("severity");
    if (!expectation.severity || rule == nullptr) return;
    const auto named = severity_named(*rule, *expectation.severity);
    if (!named) {
        section.problem("severity", severity_problem(*rule, *expectation.severity));
        return;
    }
    expectation.severity = named;
}

// The type of a notice, and its severity as the rule names it.
std::vector<std::string> ExpectationReader::notices_in(const Node& node, const std::string& path,
                                                       const RuleDefinition* rule) {
    static const std::string must =
        fmt::format(R"(must be a list of "{}", each with a severity behind it or without)",
                    fmt::join(notice_types, "\", \""));
    std::vector<std::string> notices;
    if (!std::holds_alternative<Array>(node.value)) {
        context_.problems.add(node.position, path, fmt::format("{}, got {}", must, describe(node)));
        return notices;
    }
    for (const auto& [word, position] : words_in(node, path, must)) {
        const std::size_t blank = std::min(word.find(' '), word.size());
        const std::string_view type = std::string_view(word).substr(0, blank);
        const std::string_view severity = trimmed(std::string_view(word).substr(blank));
        if (std::ranges::find(notice_types, type) == notice_types.end()) {
            context_.problems.add(position, path,
                                  fmt::format("{}, got \"{}\"{}", must, printable(word),
                                              did_you_mean(type, notice_types, '"')));
            continue;
        }
        if (severity.empty() || rule == nullptr) {
            notices.emplace_back(type);
            continue;
        }
        const auto named = severity_named(*rule, severity);
        if (!named) {
            context_.problems.add(position, path, severity_problem(*rule, severity));
        }
        notices.push_back(fmt::format("{} {}", type, named.value_or("")));
    }
    return notices;
}

// notified = ["firing"], or by channel: notified = { pager = ["firing"] }
void ExpectationReader::read_notified(SectionReader& section, const RuleDefinition* rule,
                                      Expectation& expectation) {
    const Node* const node = section.value("notified", "list, or table of lists");
    if (node == nullptr) return;
    const std::string path = section.path_of("notified");
    const Table* const table = node->table();
    if (table == nullptr) {
        expectation.notices = notices_in(*node, path, rule);
        return;
    }
    if (table->entries.empty()) {
        section.problem("notified", "must name a channel, or be a list: [] is for no message");
    }
    // The log is told of what has no channels.
    std::vector<std::string_view> known{channels::default_channel};
    if (rule != nullptr && !rule->channels.empty()) {
        known.assign(rule->channels.begin(), rule->channels.end());
    }
    for (const Entry& entry : table->entries) {
        expectation.notified[entry.key] =
            notices_in(entry.node, path + "." + shown_key(entry.key), rule);
        if (rule == nullptr) continue;
        if (std::ranges::find(known, entry.key) != known.end()) continue;
        context_.problems.add(entry.key_position, path,
                              fmt::format("must name channels of {} (`{}`), got `{}`{}",
                                          expectation.alert, fmt::join(known, "`, `"),
                                          printable(entry.key), did_you_mean(entry.key, known)));
    }
}

}  // namespace pitot::agent::alerts
