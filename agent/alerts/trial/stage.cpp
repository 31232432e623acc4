#include "agent/alerts/trial/stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <set>
#include <tuple>
#include <utility>

#include "agent/alerts/matcher.h"
#include "agent/config/suggest.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// 2026-01-01 00:00:00 UTC, a multiple of every interval that divides a day.
constexpr std::int64_t start_wall_ns = 1'767'225'600 * second_ns;
// The steady clock of a host that was started some time ago; 0 means never.
constexpr std::int64_t start_steady_ns = 86'400 * second_ns;
constexpr std::string_view host = "test-host";

std::vector<Rule> engine_rules(const TrialRules& rules) {
    std::vector<Rule> copies;
    copies.reserve(rules.alerts.rules.size());
    for (const RuleDefinition& definition : rules.alerts.rules) copies.push_back(definition.rule);
    return copies;
}

EvaluatorSettings evaluator_settings(const TrialRules& rules) {
    return {.state_bytes_max = rules.alerts.state_bytes_max,
            .unit_of = unit_lookup(rules.alerts.units)};
}

}  // namespace

Stage::Stage(const TrialFile& file, const TrialRules& rules)
    : rules_(rules),
      interval_ns_(file.interval_ns),
      messages_(rules.alerts.rules, std::string(host)),
      rehearsal_(
          rules.config, file.reading, [](const protocol::Series&) { return false; }, start_wall_ns),
      derived_(rules.alerts.derived, evaluator_settings(rules)),
      engine_(engine_rules(rules), evaluator_settings(rules)),
      now_{.steady_ns = start_steady_ns, .wall_ns = start_wall_ns},
      told_(rules.alerts.rules.size()) {}

void Stage::flush(std::span<const std::string_view> datagrams) {
    for (const std::string_view datagram : datagrams) rehearsal_.take(datagram);
    elapsed_ns_ += interval_ns_;
    now_.steady_ns += interval_ns_;
    now_.wall_ns += interval_ns_;
    made_.clear();
    derived_.evaluate(rehearsal_.end_interval(), made_);
    snapshot_ = rehearsal_.add(made_);
    std::vector<Notice> notices = engine_.flush(*snapshot_, now_);
    std::ranges::stable_sort(notices, {}, &Notice::labels);
    for (const Notice& notice : notices) {
        told_[number_of(notice.rule)].push_back({.at_ns = elapsed_ns_,
                                                 .labels = notice.labels,
                                                 .type = notice.type,
                                                 .message = messages_.make(notice, now_.wall_ns)});
    }
}

std::size_t Stage::number_of(std::string_view rule) const {
    const auto& definitions = rules_.alerts.rules;
    const auto found = std::ranges::find(definitions, rule, [](const RuleDefinition& definition) {
        return std::string_view(definition.rule.name);
    });
    assert(found != definitions.end() && "was looked up when the file was read");
    return static_cast<std::size_t>(found - definitions.begin());
}

std::vector<SeenInstance> Stage::instances(std::size_t rule) const {
    const Rule& its = rules_.alerts.rules[rule].rule;
    std::map<GroupLabels, SeenInstance> seen;
    engine_.evaluator().each_instance(engine_.levels(rule).front().condition,
                                      [&](const Instance& instance) {
                                          SeenInstance& entry = seen[instance.group.labels];
                                          entry.labels = instance.group.labels;
                                          entry.value = instance.value;
                                      });
    engine_.each_alert([&](const AlertView& alert) {
        if (alert.rule_number != rule) return;
        SeenInstance& entry = seen[alert.labels];
        entry.labels = alert.labels;
        entry.state = alert.state;
        entry.is_inhibited = alert.is_inhibited;
        entry.is_suppressed = alert.is_suppressed;
        if (!alert.state.is_active()) return;
        entry.severity = its.levels[alert.state.level - 1U].severity;
        const bool has_value = alert.state.reason == Reason::condition;
        if (entry.value.known != Known::value && has_value) {
            entry.value = Value::exact(alert.state.value);
        }
    });
    std::vector<SeenInstance> instances;
    instances.reserve(seen.size());
    for (auto& [labels, instance] : seen) instances.push_back(std::move(instance));
    return instances;
}

channels::Message Stage::message_now(std::size_t rule, const SeenInstance& instance) const {
    const RuleDefinition& definition = rules_.alerts.rules[rule];
    const InstanceState& state = instance.state;
    const Notice notice{.type = NoticeType::firing,
                        .rule = definition.rule.name,
                        .labels = instance.labels,
                        .severity = instance.severity,
                        .level = state.level,
                        .reason = state.reason,
                        .has_value = state.reason == Reason::condition,
                        .has_peak = state.has_peak(),
                        .value = state.value,
                        .peak = state.has_peak() ? state.peak : 0,
                        .unit = definition.rule.levels.front().condition.value_unit,
                        .started_wall_ns = state.started_wall_ns,
                        .duration_ns = now_.steady_ns - state.started_ns};
    return messages_.make(notice, now_.wall_ns);
}

std::vector<std::string> Stage::unmatched(std::size_t rule) const {
    std::vector<std::string> sentences;
    if (!snapshot_) return sentences;
    std::set<std::string_view> names;
    for (const protocol::Series& series : snapshot_->series) {
        if (series.birth != 0) names.insert(series.name());
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    for (const Level& level : rules_.alerts.rules[rule].rule.levels) {
        for (const Feed& feed : level.condition.feeds) {
            Matcher matcher;
            matcher.add(feed);
            bool is_matched = false;
            for (const protocol::Series& series : snapshot_->series) {
                if (series.birth == 0) continue;
                matcher.match(series,
                              [&](std::uint32_t, const GroupLabels&) { is_matched = true; });
            }
            if (is_matched) continue;
            std::string sentence = fmt::format("`{}` matches no series", printable(feed.metric));
            sentence += names.contains(feed.metric) ? " of a kind and with tags as they are wanted"
                                                    : did_you_mean(feed.metric, known);
            if (std::ranges::find(sentences, sentence) == sentences.end()) {
                sentences.push_back(std::move(sentence));
            }
        }
    }
    return sentences;
}

}  // namespace pitot::agent::alerts
