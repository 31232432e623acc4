#include "agent/web/alerts_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/alert_labels.h"
#include "agent/config/suggest.h"
#include "agent/printable.h"
#include "agent/status/time_text.h"
#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

using alerts::AlertFacts;
using alerts::AlertsView;
using alerts::GroupLabels;
using alerts::InstanceHistory;
using alerts::Known;
using alerts::Phase;
using alerts::RuleFacts;
using alerts::RuleStanding;
using alerts::Truth;
using alerts::Value;
using sinks::JsonWriter;

// Of a label's value or a text.
constexpr std::size_t text_characters_max = 400;
// Of an expression: all of it, as the loader bounds it.
constexpr std::size_t expression_characters_max = 4'096;

// Of 1: shares of several processors, or of a quota, may go a little beyond it.
constexpr double share_max = 1.5;

template <typename Fill>
void object(JsonWriter& json, std::string_view name, Fill fill) {
    json.key(name);
    json.begin_object();
    fill();
    json.end_object();
}

template <typename Each, typename Fill>
void array(JsonWriter& json, std::string_view name, const Each& each, Fill fill) {
    json.key(name);
    json.begin_array();
    for (const auto& one : each) fill(one);
    json.end_array();
}

void text(JsonWriter& json, std::string_view name, std::string_view value,
          std::size_t characters_max = text_characters_max) {
    json.field(name, printable(value, characters_max));
}

void number(JsonWriter& json, std::string_view name, std::integral auto value) {
    json.key(name);
    json.integer(value);
}

void boolean(JsonWriter& json, std::string_view name, bool value) {
    json.key(name);
    json.boolean(value);
}

void moment(JsonWriter& json, std::string_view name, std::int64_t unix_ns) {
    json.field(name, rfc3339(unix_ns));
}

void seconds(JsonWriter& json, std::string_view name, std::int64_t nanoseconds) {
    json.key(name);
    json.seconds(nanoseconds);
}

// "2.5e+01", as Prometheus writes values.
std::string exponential(double value) {
    std::array<char, 32> text{};
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
    return {text.data(), static_cast<std::size_t>(end - text.data())};
}

// A recovering alert fires: it was not told to be over.
std::string_view prometheus_state(Phase phase) {
    switch (phase) {
        case Phase::ok:
            return "inactive";
        case Phase::pending:
            return "pending";
        case Phase::firing:
        case Phase::recovering:
            return "firing";
    }
    std::unreachable();
}

std::string_view words(Truth truth) {
    switch (truth) {
        case Truth::no:
            return "false";
        case Truth::yes:
            return "true";
        case Truth::no_data:
            return "no data";
        case Truth::filling:
            return "filling";
    }
    std::unreachable();
}

std::string severity_of(const RuleFacts& rule, std::uint8_t level) {
    return rule.levels[std::clamp<std::size_t>(level, 1, rule.levels.size()) - 1].severity;
}

void write_labels(JsonWriter& json, std::string_view name, const GroupLabels& labels) {
    object(json, name, [&] {
        for (const alerts::Label& label : labels) {
            text(json, printable(label.name), label.value);
        }
    });
}

// Those of an alert as Prometheus has them: of the group, of the rule, and who it is.
void write_alert_labels(JsonWriter& json, const RuleFacts& rule, const AlertFacts& alert) {
    alerts::AlertLabels labels;
    labels.add_own("alertname", rule.name);
    labels.add_own("alertstate", prometheus_state(alert.phase));
    labels.add_own("severity", severity_of(rule, alert.level));
    for (const auto& [key, value] : rule.labels) labels.add(key, value);
    for (const alerts::Label& label : alert.labels) labels.add(label.name, label.value);
    object(json, "labels", [&] {
        for (const auto& [key, value] : labels.texts()) {
            // Prometheus has it beside the labels.
            if (key != "alertstate") text(json, key, value);
        }
    });
}

void write_annotations(JsonWriter& json, std::string_view summary, std::string_view description,
                       std::string_view runbook_url) {
    object(json, "annotations", [&] {
        const auto optional = [&](std::string_view name, std::string_view value) {
            if (!value.empty()) text(json, name, value, expression_characters_max);
        };
        optional("summary", summary);
        optional("description", description);
        optional("runbook_url", runbook_url);
    });
}

void write_alert(JsonWriter& json, const RuleFacts& rule, const AlertFacts& alert) {
    json.begin_object();
    write_alert_labels(json, rule, alert);
    write_annotations(json, alert.summary, alert.description, rule.runbook_url);
    json.field("state", prometheus_state(alert.phase));
    moment(json, "activeAt", alert.active_wall_ns);
    json.field("value", exponential(alert.value));
    object(json, "pitot", [&] {
        json.field("rule", rule.name);
        write_labels(json, "labels", alert.labels);
        json.field("severity", severity_of(rule, alert.level));
        json.field("state", to_string(alert.phase));
        moment(json, "since", alert.since_wall_ns);
        json.field("reason", to_string(alert.reason));
        json.field("value", alert.value);
        json.field("peak", alert.peak);
        json.optional_field("unit", rule.unit.name);
        boolean(json, "told", alert.is_told);
        boolean(json, "stale", alert.is_stale);
        boolean(json, "flapping", alert.is_flapping);
        boolean(json, "inhibited", alert.is_inhibited);
        boolean(json, "suppressed", alert.is_suppressed);
    });
    json.end_object();
}

// --- rules

std::string file_of(const RuleFacts& rule) {
    return rule.where.substr(0, rule.where.rfind(':'));
}

Phase worst_phase(const RuleStanding& standing) {
    if (standing.counts.firing > 0) return Phase::firing;
    return standing.counts.pending > 0 ? Phase::pending : Phase::ok;
}

void write_unmatched(JsonWriter& json, const RuleFacts& rule, const RuleStanding& standing) {
    array(json, "unmatched", standing.unmatched, [&](const alerts::UnmatchedLeaf& leaf) {
        json.begin_object();
        text(json, "text", rule.leaves[leaf.leaf], expression_characters_max);
        text(json, "metric", leaf.metric);
        if (!leaf.reason.empty()) text(json, "reason", leaf.reason, expression_characters_max);
        array(json, "nearest", leaf.nearest,
              [&](const std::string& name) { json.text(printable(name)); });
        json.end_object();
    });
}

void write_rule_facts(JsonWriter& json, const RuleFacts& rule, const RuleStanding& standing) {
    json.field("name", rule.name);
    text(json, "where", rule.where);
    boolean(json, "built_in", rule.is_built_in);
    array(json, "levels", rule.levels, [&](const alerts::LevelFacts& level) {
        json.begin_object();
        json.field("severity", level.severity);
        text(json, "condition", level.condition, expression_characters_max);
        if (!level.clear.empty()) text(json, "clear", level.clear, expression_characters_max);
        json.end_object();
    });
    json.optional_field("unit", rule.unit.name);
    const alerts::HoldFor& hold = rule.policy.hold_for;
    seconds(json, "for_s", hold.nanoseconds);
    if (hold.of > 0) {
        number(json, "for_needed", hold.needed);
        number(json, "for_of", hold.of);
    }
    seconds(json, "keep_firing_for_s", rule.policy.keep_firing_ns);
    array(json, "channels", rule.channels, [&](const std::string& name) { json.text(name); });
    array(json, "inhibited_by", rule.inhibited_by,
          [&](const std::string& name) { json.text(name); });
    number(json, "instances", standing.instances);
    number(json, "pending", standing.counts.pending);
    number(json, "firing", standing.counts.firing);
    number(json, "suppressed", standing.counts.suppressed);
    number(json, "untracked", standing.counts.untracked);
    write_unmatched(json, rule, standing);
}

class RulesWriter {
public:
    RulesWriter(JsonWriter& json, const AlertsView& view, const Query& query)
        : json_(json), view_(view) {
        for (const auto& [key, value] : query) {
            if (key == "type") type_ = value;
            if (key == "rule_name[]") names_.insert(value);
            if (key == "rule_group[]") groups_.insert(value);
            if (key == "exclude_alerts") without_alerts_ = value == "true" || value == "1";
        }
    }

    void write_derived() {
        if (view_.derived->empty() || type_ == "alert" || !wants_group("derived")) return;
        begin_group("derived", "");
        array(json_, "rules", *view_.derived, [&](const alerts::DerivedFacts& derived) {
            if (!names_.empty() && !names_.contains(derived.name)) return;
            json_.begin_object();
            json_.field("name", derived.name);
            text(json_, "query", derived.expression, expression_characters_max);
            object(json_, "labels", [] {});
            write_outcome("recording");
            json_.end_object();
        });
        json_.end_object();
    }
    void write_groups() {
        json_.key("groups");
        json_.begin_array();
        std::vector<std::string> done;
        for (const RuleFacts& rule : *view_.rules) {
            const std::string group = group_of(rule);
            if (std::ranges::find(done, group) != done.end()) continue;
            done.push_back(group);
            if (type_ != "record" && wants_group(group)) write_alerts_group(group);
        }
        write_derived();
        json_.end_array();
    }

private:
    // Rules of one file are a group, and those that nobody wrote.
    static std::string group_of(const RuleFacts& rule) {
        return rule.is_built_in ? "built in" : file_of(rule);
    }
    bool wants_group(const std::string& group) const {
        return groups_.empty() || groups_.contains(group);
    }

    void begin_group(const std::string& name, const std::string& file) {
        json_.begin_object();
        text(json_, "name", name);
        text(json_, "file", file);
        seconds(json_, "interval", view_.interval_ns);
        number(json_, "limit", 0);
        seconds(json_, "evaluationTime", view_.took_ns);
        moment(json_, "lastEvaluation", view_.evaluated_wall_ns);
    }

    void write_alerts_group(const std::string& group) {
        begin_group(group, group == "built in" ? "" : group);
        json_.key("rules");
        json_.begin_array();
        for (std::size_t number = 0; number < view_.rules->size(); ++number) {
            const RuleFacts& rule = (*view_.rules)[number];
            const bool is_wanted =
                group_of(rule) == group && (names_.empty() || names_.contains(rule.name));
            if (is_wanted) write_rule(number);
        }
        json_.end_array();
        json_.end_object();
    }

    void write_rule(std::size_t rule_number) {
        const RuleFacts& rule = (*view_.rules)[rule_number];
        const RuleStanding& standing = view_.standings[rule_number];
        json_.begin_object();
        json_.field("name", rule.name);
        text(json_, "query", rule.levels.front().condition, expression_characters_max);
        seconds(json_, "duration", rule.policy.hold_for.nanoseconds);
        seconds(json_, "keepFiringFor", rule.policy.keep_firing_ns);
        object(json_, "labels", [&] {
            json_.field("severity", rule.levels.front().severity);
            for (const auto& [key, value] : rule.labels) {
                if (key != "severity") text(json_, printable(key), value);
            }
        });
        write_annotations(json_, rule.summary, rule.description, rule.runbook_url);
        json_.key("alerts");
        json_.begin_array();
        for (const AlertFacts& alert : view_.alerts) {
            if (without_alerts_ || alert.rule != rule_number || alert.phase == Phase::ok) continue;
            write_alert(json_, rule, alert);
        }
        json_.end_array();
        json_.field("state", prometheus_state(worst_phase(standing)));
        write_outcome("alerting");
        object(json_, "pitot", [&] { write_rule_facts(json_, rule, standing); });
        json_.end_object();
    }

    void write_outcome(std::string_view type) {
        json_.field("health", view_.flushes > 0 ? "ok" : "unknown");
        // All rules are evaluated together: the time is the group's.
        number(json_, "evaluationTime", 0);
        moment(json_, "lastEvaluation", view_.evaluated_wall_ns);
        json_.field("type", type);
    }

    JsonWriter& json_;
    const AlertsView& view_;
    std::string type_;
    std::set<std::string> names_;
    std::set<std::string> groups_;
    bool without_alerts_ = false;
};

// Prometheus' envelope.
template <typename Fill>
std::string success(Fill fill) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("status", "success");
    object(json, "data", [&] { fill(json); });
    json.end_object();
    out += '\n';
    return out;
}

std::string failure(std::string_view type, std::string_view what) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("status", "error");
    json.field("errorType", type);
    json.field("error", what);
    json.end_object();
    out += '\n';
    return out;
}

// --- explanations

void write_value(JsonWriter& json, std::string_view name, const Value& value) {
    object(json, name, [&] {
        if (value.known != Known::value) {
            json.field("is", value.known == Known::filling ? "filling" : "no data");
            return;
        }
        const bool has_low = std::isfinite(value.low);
        const bool has_high = std::isfinite(value.high);
        json.field("is", value.is_exact()       ? "exact"
                         : has_low && !has_high ? "at least"
                         : has_high && !has_low ? "at most"
                                                : "between");
        if (has_low || has_high) json.field("number", value.shown());
        if (has_low && has_high && !value.is_exact()) json.field("to", value.high);
    });
}

void write_evaluation(JsonWriter& json, const RuleFacts& rule,
                      const alerts::EvaluationRecord& record) {
    json.begin_object();
    moment(json, "time", record.wall_ns);
    boolean(json, "there", record.is_there);
    write_value(json, "value", record.value);
    json.key("levels");
    json.begin_array();
    for (std::size_t level = 0; level < rule.levels.size(); ++level) {
        json.begin_object();
        json.field("raised", words(record.levels[level].raised));
        json.field("cleared", words(record.levels[level].cleared));
        json.end_object();
    }
    json.end_array();
    json.field("state", to_string(record.phase));
    number(json, "level", record.level);
    array(json, "leaves", record.leaves, [&](const alerts::LeafRecord& leaf) {
        json.begin_object();
        write_value(json, "value", leaf.value);
        number(json, "series", leaf.series);
        json.end_object();
    });
    json.end_object();
}

void write_instance(JsonWriter& json, const AlertsView& view, std::size_t rule_number,
                    const InstanceHistory& instance, bool with_history) {
    const RuleFacts& rule = (*view.rules)[rule_number];
    json.begin_object();
    write_labels(json, "labels", instance.labels);
    const auto alert = std::ranges::find_if(view.alerts, [&](const AlertFacts& each) {
        return each.rule == rule_number && each.labels == instance.labels;
    });
    if (alert != view.alerts.end()) {
        json.key("alert");
        write_alert(json, rule, *alert);
    }
    boolean(json, "kept", instance.is_kept);
    const std::size_t all = instance.evaluations.size();
    const std::size_t first = with_history || all == 0 ? 0 : all - 1;
    json.key("evaluations");
    json.begin_array();
    for (std::size_t i = first; i < all; ++i) {
        write_evaluation(json, rule, instance.evaluations[i]);
    }
    json.end_array();
    json.end_object();
}

// A share of 1 that is so large is a number of percent, which nobody has declared.
bool is_percent_trap(const RuleFacts& rule, const std::vector<InstanceHistory>& instances) {
    if (rule.undeclared_share.empty()) return false;
    return std::ranges::any_of(instances, [](const InstanceHistory& instance) {
        if (instance.evaluations.empty()) return false;
        const Value& last = instance.evaluations.back().value;
        return last.known == Known::value && last.shown() > share_max;
    });
}

std::string unknown_rule(const AlertsView& view, const std::string& name) {
    std::vector<std::string_view> names;
    for (const RuleFacts& rule : *view.rules) names.push_back(rule.name);
    return fmt::format("there is no rule \"{}\"{}", printable(name), did_you_mean(name, names));
}

}  // namespace

std::string rules_document(const AlertsView& view, const Query& query) {
    return success([&](JsonWriter& json) {
        RulesWriter(json, view, query).write_groups();
        object(json, "pitot", [&] { number(json, "unlisted", view.unlisted); });
    });
}

std::string alerts_document(const AlertsView& view) {
    return success([&](JsonWriter& json) {
        json.key("alerts");
        json.begin_array();
        for (const AlertFacts& alert : view.alerts) {
            if (alert.phase != Phase::ok) write_alert(json, (*view.rules)[alert.rule], alert);
        }
        json.end_array();
        object(json, "pitot", [&] {
            number(json, "rules", view.rules->size());
            number(json, "unlisted", view.unlisted);
            number(json, "flushes", view.flushes);
            if (view.flushes > 0) moment(json, "evaluated", view.evaluated_wall_ns);
            seconds(json, "evaluation_s", view.took_ns);
            number(json, "state_bytes", view.usage.state_bytes);
            number(json, "state_bytes_max", view.state_bytes_max);
        });
    });
}

AlertsAnswer explain_document(const AlertsView& view, const InstanceFinder& find,
                              const Query& query, bool with_history) {
    std::string name;
    GroupLabels labels;
    for (const auto& [key, value] : query) {
        if (key == "alert") name = value;
        if (key != "label") continue;
        const std::size_t equals = value.find('=');
        if (equals == std::string::npos) {
            return {400, failure("bad_data", "label: must be NAME=VALUE")};
        }
        labels.push_back({value.substr(0, equals), value.substr(equals + 1)});
    }
    const auto rule = std::ranges::find(*view.rules, name, &RuleFacts::name);
    if (rule == view.rules->end()) return {404, failure("not_found", unknown_rule(view, name))};
    const auto number_of_rule = static_cast<std::size_t>(rule - view.rules->begin());
    const std::size_t most = with_history ? history_instances_max : explained_instances_max;
    const auto instances = find(number_of_rule, labels, most);
    return {200, success([&](JsonWriter& json) {
                object(json, "rule",
                       [&] { write_rule_facts(json, *rule, view.standings[number_of_rule]); });
                array(json, "leaves", rule->leaves, [&](const std::string& leaf) {
                    json.text(printable(leaf, expression_characters_max));
                });
                number(json, "flushes", view.flushes);
                if (view.flushes > 0) moment(json, "evaluated", view.evaluated_wall_ns);
                seconds(json, "evaluation_s", view.took_ns);
                if (is_percent_trap(*rule, instances)) {
                    text(json, "hint", "is it in percent already? " + rule->undeclared_share,
                         expression_characters_max);
                }
                number(json, "histories_per_rule", view.histories_per_rule);
                array(json, "instances", instances, [&](const InstanceHistory& instance) {
                    write_instance(json, view, number_of_rule, instance, with_history);
                });
            })};
}

}  // namespace pitot::agent
