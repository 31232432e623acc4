#include "agent/alerts/channels/message_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/alerts/channels/template_filters.h"
#include "agent/printable.h"

namespace pitot::agent::alerts::channels {
namespace {

// Of labels in a summary that is made here.
constexpr std::size_t label_list_characters_max = 200;

MessageType type_of(NoticeType type) {
    switch (type) {
        case NoticeType::firing:
            return MessageType::firing;
        case NoticeType::resolved:
            return MessageType::resolved;
        case NoticeType::flapping:
            return MessageType::flapping;
        case NoticeType::settled:
            return MessageType::settled;
    }
    return MessageType::firing;
}

std::optional<Template> parsed(const std::string& text, const TemplateScope& scope) {
    if (text.empty()) return {};
    auto result = parse_template(SourceText(text), scope);
    if (!result) return {};
    return std::move(*result);
}

// "slow (service=pay, zone=a)"
std::string name_of(const Message& message) {
    if (message.labels.empty()) return printable(message.alert);
    std::string list;
    for (const Label& label : message.labels) {
        if (!list.empty()) list += ", ";
        list += fmt::format("{}={}", label.name, label.value);
    }
    return fmt::format("{} ({})", printable(message.alert),
                       printable(list, label_list_characters_max));
}

// "over after 12 m, now 180 ms, at worst 512 ms"
std::string end_of(const Message& message, const Unit& unit) {
    std::string out = "over after " + duration_text(static_cast<double>(message.duration_ns) / 1e9);
    if (message.reason == Reason::expired) {
        out += ": there has been no data for too long to tell";
    }
    // In which unit its values were is gone with it.
    if (message.reason == Reason::rule_removed) return out + ": the rule was removed";
    if (message.has_value) out += ", now " + humanized(message.value, unit);
    if (message.has_peak) out += ", at worst " + humanized(message.peak, unit);
    return out;
}

std::string default_summary(const Message& message, const Unit& unit) {
    std::string said;
    if (message.is_over() && message.type == MessageType::resolved) {
        said = end_of(message, unit);
    } else if (message.is_over()) {
        said = "has settled, and is ok";
    } else if (message.type == MessageType::flapping) {
        said = "changes too often to be told each time; silence until it has settled";
    } else {
        const bool has_data = message.has_value && message.reason != Reason::no_data;
        said = has_data ? humanized(message.value, unit) : "no data";
        if (message.type == MessageType::settled) said = "has settled, and fires: " + said;
        if (!message.condition.empty()) said += "; " + printable(message.condition, 200);
    }
    return fmt::format("{}: {}", name_of(message), said);
}

}  // namespace

TemplateScope scope_of(const RuleDefinition& rule) {
    TemplateScope scope{.labels = {"host"}, .has_any_label = rule.rule.levels.empty()};
    for (const auto& [name, value] : rule.labels) scope.labels.push_back(name);
    for (const Level& level : rule.rule.levels) {
        const Program& program = level.condition;
        if (program.root >= program.steps.size()) {
            scope.has_any_label = true;
            continue;
        }
        const Labels& labels = program.steps[program.root].labels;
        scope.has_any_label = scope.has_any_label || labels.is_open;
        if (labels.is_open) continue;
        for (const std::string& name : labels.names) {
            if (std::ranges::find(scope.labels, name) == scope.labels.end()) {
                scope.labels.push_back(name);
            }
        }
    }
    return scope;
}

std::optional<double> threshold_of(const Program& condition) {
    for (const Step& step : condition.steps) {
        const bool compares = step.type == Step::Type::binary && is_comparison(step.operation) &&
                              step.operands.size() == 2 && step.operands[0] == condition.value;
        if (!compares) continue;
        const Step& other = condition.steps[step.operands[1]];
        // What absent() is compared with is nobody's number.
        const bool is_written = other.source != step.source;
        if (other.type == Step::Type::constant && is_written) return other.number;
    }
    return {};
}

MessageMaker::MessageMaker(const std::vector<RuleDefinition>& rules, std::string host)
    : host_(std::move(host)) {
    for (const RuleDefinition& definition : rules) {
        const TemplateScope scope = scope_of(definition);
        RuleTexts texts{.summary = parsed(definition.summary, scope),
                        .description = parsed(definition.description, scope),
                        .runbook_url = definition.runbook_url,
                        .labels = definition.labels,
                        .channels = definition.channels,
                        .repeat_ns = definition.repeat_ns,
                        .levels = {}};
        for (const Level& level : definition.rule.levels) {
            texts.levels.push_back({.severity = level.severity,
                                    .condition = to_text(level.condition.expression),
                                    .threshold = threshold_of(level.condition)});
        }
        rules_.insert_or_assign(definition.rule.name, std::move(texts));
    }
}

Message MessageMaker::make(const Notice& notice, std::int64_t now_unix_ns) const {
    Message message;
    message.type = type_of(notice.type);
    message.alert = notice.rule;
    message.labels = notice.labels;
    message.severity = notice.severity;
    message.level = notice.level;
    message.reason = notice.reason;
    message.has_value = notice.has_value;
    message.has_peak = notice.has_peak;
    message.value = notice.value;
    message.peak = notice.peak;
    message.unit = notice.unit.name;
    message.host = host_;
    message.started_unix_ns = notice.started_wall_ns;
    message.told_unix_ns = now_unix_ns;
    message.duration_ns = notice.duration_ns;
    message.untold = notice.untold;

    const auto found = rules_.find(notice.rule);
    if (found != rules_.end()) {
        const RuleTexts& texts = found->second;
        message.fixed_labels = texts.labels;
        message.runbook_url = texts.runbook_url;
        message.repeat_ns = texts.repeat_ns;
        // What is over has no level, but the severity of the one that was told.
        const auto level = std::ranges::find(texts.levels, notice.severity, &LevelTexts::severity);
        if (level != texts.levels.end()) {
            message.condition = level->condition;
            message.threshold = level->threshold;
        }
        if (texts.summary) message.summary = render(*texts.summary, message, notice.unit);
        if (texts.description) {
            message.description = render(*texts.description, message, notice.unit);
        }
    }
    if (message.summary.empty()) message.summary = default_summary(message, notice.unit);
    // Whatever the summary says: nothing else tells that there are others.
    if (message.untold > 0) message.summary += fmt::format(" (and {} more)", message.untold);
    return message;
}

const std::vector<std::string>* MessageMaker::channels_of(std::string_view rule) const {
    const auto found = rules_.find(rule);
    return found == rules_.end() ? nullptr : &found->second.channels;
}

}  // namespace pitot::agent::alerts::channels
