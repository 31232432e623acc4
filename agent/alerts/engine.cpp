#include "agent/alerts/engine.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "agent/alerts/limits.h"

namespace pitot::agent::alerts {

namespace {

// Times as lengths of time before `now`, and back.
void shift_times(InstanceState& state, std::int64_t by_ns) {
    state.phase_since_ns += by_ns;
    state.started_ns += by_ns;
    if (state.stale_since_ns != 0) state.stale_since_ns += by_ns;
    for (std::int64_t& change : state.changes) change += by_ns;
}

}  // namespace

std::string_view to_string(NoticeType type) {
    static constexpr std::array<std::string_view, 4> names{"firing", "resolved", "flapping",
                                                           "settled"};
    return names.at(static_cast<std::size_t>(type));
}

AlertEngine::AlertEngine(std::vector<Rule> rules, EvaluatorSettings settings)
    : evaluator_(std::move(settings)) {
    for (Rule& rule : rules) {
        RuleState state{.rule = std::move(rule), .levels = {}, .tracked = {}, .inhibitors = {}};
        const bool zero = state.rule.policy.no_data == NoData::zero;
        for (Level& level : state.rule.levels) {
            state.forgets =
                state.forgets || std::ranges::any_of(level.condition.feeds, [](const Feed& feed) {
                    return feed.known_flushes > 0;
                });
            LevelPrograms programs{.condition = evaluator_.add(std::move(level.condition), zero),
                                   .clear = std::nullopt};
            if (level.clear) programs.clear = evaluator_.add(std::move(*level.clear), zero);
            level.clear.reset();
            state.levels.push_back(programs);
        }
        rules_.push_back(std::move(state));
    }
    for (RuleState& state : rules_) {
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            const auto& names = state.rule.inhibited_by;
            // None keeps itself quiet.
            if (&rules_[i] == &state) continue;
            if (std::ranges::find(names, rules_[i].rule.name) != names.end()) {
                state.inhibitors.push_back(i);
            }
        }
    }
}

const std::vector<Notice>& AlertEngine::flush(const protocol::Snapshot& snapshot,
                                              const Moment& now) {
    notices_ = std::exchange(owed_, {});
    evaluator_.take(snapshot);
    for (RuleState& rule : rules_) {
        find_raised(rule);
        evaluate(rule, now);
        admit(rule);
    }
    // Once all rules stand where they do.
    FiringByRule firing;
    for (RuleState& rule : rules_) inhibit(rule, firing);
    for (RuleState& rule : rules_) tell(rule, now);
    if (!notices_.empty()) ++changes_;
    return notices_;
}

// Most instances are fine, and nothing is kept of them.
void AlertEngine::find_raised(RuleState& rule) {
    rule.untracked = 0;
    const bool alerts_without_data = rule.rule.policy.no_data == NoData::alert;
    for (const LevelPrograms& level : rule.levels) {
        evaluator_.each_instance(level.condition, [&](const Instance& instance) {
            const bool is_raised = instance.truth == Truth::yes ||
                                   (alerts_without_data && instance.truth == Truth::no_data);
            if (!is_raised) return;
            if (rule.tracked.size() >= limits::tracked_instances_max) {
                if (!rule.tracked.contains(instance.group.key)) ++rule.untracked;
                return;
            }
            const auto [entry, is_new] = rule.tracked.try_emplace(instance.group.key);
            if (is_new) entry->second.labels = instance.group.labels;
        });
    }
}

void AlertEngine::evaluate(RuleState& rule, const Moment& now) {
    const RulePolicy& policy = rule.rule.policy;
    for (auto& [key, tracked] : rule.tracked) {
        const Phase before = tracked.state.phase;
        const InstanceTruths truths = truths_of(rule, key, tracked.labels);
        const auto levels = std::span(truths.levels).first(rule.levels.size());
        const bool has_nothing = std::ranges::all_of(
            levels, [](const LevelTruth& truth) { return truth.raised == Truth::no_data; });
        if (has_nothing && is_forgotten(rule, tracked.labels)) {
            expire(tracked.state, policy, now);
        } else {
            alerts::evaluate(tracked.state, policy, levels, truths.value, now);
        }
        if (tracked.state.phase != before) ++changes_;
    }
    std::erase_if(rule.tracked, [](const auto& entry) {
        return entry.second.state.is_idle() && !entry.second.was_flapping;
    });
}

InstanceTruths AlertEngine::truths_of(const RuleState& rule, std::string_view key,
                                      const GroupLabels& labels) const {
    InstanceTruths truths;
    for (std::size_t i = 0; i < rule.levels.size(); ++i) {
        const LevelPrograms& level = rule.levels[i];
        const auto instance = evaluator_.find(level.condition, key);
        if (!instance) {
            truths.levels[i] = truth_of_gone(level, labels, truths.value);
            continue;
        }
        truths.is_there = true;
        truths.value = instance->value;
        truths.levels[i] = {.raised = instance->truth, .cleared = inverted(instance->truth)};
        if (!level.clear) continue;
        const auto clear = evaluator_.find(*level.clear, key);
        truths.levels[i].cleared =
            clear ? clear->truth : evaluator_.outcome(*level.clear, labels).truth;
    }
    return truths;
}

// Of an instance without series: they have expired, or have not come again since a restart.
// What was counted of it is 0 then, which may end it. What is true of nothing ("fewer than")
// would be so for ever: of that there is no data.
LevelTruth AlertEngine::truth_of_gone(const LevelPrograms& level, const GroupLabels& labels,
                                      Value& value) const {
    const Outcome outcome = evaluator_.outcome(level.condition, labels);
    const Truth cleared =
        level.clear ? evaluator_.outcome(*level.clear, labels).truth : inverted(outcome.truth);
    if (outcome.truth == Truth::no && cleared == Truth::yes) {
        value = outcome.value;
        return {.raised = Truth::no, .cleared = Truth::yes};
    }
    const bool is_filling = outcome.truth == Truth::filling || cleared == Truth::filling;
    if (is_filling) return {.raised = Truth::filling, .cleared = Truth::filling};
    return {};
}

bool AlertEngine::is_forgotten(const RuleState& rule, const GroupLabels& labels) const {
    return rule.forgets && std::ranges::any_of(rule.levels, [&](const LevelPrograms& level) {
               return evaluator_.is_forgotten(level.condition, labels);
           });
}

// Those that are told of stay; then the highest level, then the worst value.
void AlertEngine::admit(RuleState& rule) {
    std::vector<Tracked*> waiting;
    std::size_t admitted = 0;
    for (auto& [key, tracked] : rule.tracked) {
        if (!tracked.state.is_active()) {
            tracked.is_suppressed = false;
        } else if (tracked.state.told_level > 0) {
            ++admitted;
        } else {
            waiting.push_back(&tracked);
        }
    }
    const bool worst_is_least = rule.rule.policy.worst_is_least;
    std::ranges::sort(waiting, [&](const Tracked* a, const Tracked* b) {
        if (a->state.level != b->state.level) return a->state.level > b->state.level;
        if (a->state.value != b->state.value) {
            return (a->state.value > b->state.value) != worst_is_least;
        }
        return a->labels < b->labels;
    });
    for (Tracked* const tracked : waiting) {
        tracked->is_suppressed = admitted >= rule.rule.instances_max;
        if (!tracked->is_suppressed) ++admitted;
    }
}

// `firing`: those of a rule that keeps others quiet, once one of these asks.
void AlertEngine::inhibit(RuleState& rule, FiringByRule& firing) {
    if (rule.tracked.empty()) return;
    for (const std::size_t number : rule.inhibitors) {
        const auto [index, is_new] = firing.try_emplace(number);
        if (!is_new) continue;
        for (const auto& [key, tracked] : rules_[number].tracked) {
            if (tracked.state.is_active()) index->second.add(tracked.labels);
        }
    }
    for (auto& [key, tracked] : rule.tracked) {
        tracked.is_inhibited = std::ranges::any_of(rule.inhibitors, [&](std::size_t number) {
            return firing.at(number).has_one_for(tracked.labels);
        });
    }
}

std::size_t AlertEngine::untold(const RuleState& rule) {
    const auto suppressed = std::ranges::count_if(
        rule.tracked, [](const auto& entry) { return entry.second.is_suppressed; });
    return static_cast<std::size_t>(suppressed) + rule.untracked;
}

void AlertEngine::tell(RuleState& rule, const Moment& now) {
    std::optional<std::size_t> last_firing;
    for (auto& [key, tracked] : rule.tracked) {
        InstanceState& state = tracked.state;
        const std::uint8_t level = state.is_active() ? state.level : std::uint8_t{0};
        const bool is_quiet = tracked.is_suppressed || tracked.is_inhibited;
        if (state.is_flapping != tracked.was_flapping) {
            if (is_quiet && state.told_level == 0) continue;
            tracked.was_flapping = state.is_flapping;
            notices_.push_back(
                notice(rule, tracked,
                       state.is_flapping ? NoticeType::flapping : NoticeType::settled, now));
            if (!state.is_flapping) state.told_level = level;
            continue;
        }
        if (state.is_flapping || level == state.told_level) continue;
        if (level > 0 && is_quiet) continue;
        notices_.push_back(
            notice(rule, tracked, level > 0 ? NoticeType::firing : NoticeType::resolved, now));
        if (level > 0) last_firing = notices_.size() - 1;
        state.told_level = level;
    }
    if (last_firing) notices_[*last_firing].untold = untold(rule);
}

Notice AlertEngine::notice(const RuleState& rule, const Tracked& tracked, NoticeType type,
                           const Moment& now) const {
    const InstanceState& state = tracked.state;
    const std::uint8_t level = state.is_active() ? state.level : std::uint8_t{0};
    const std::uint8_t named = level > 0 ? level : state.told_level;
    Notice notice{.type = type,
                  .rule = rule.rule.name,
                  .labels = tracked.labels,
                  .severity = named > 0 ? rule.rule.levels[named - 1U].severity : std::string{},
                  .level = level,
                  .reason = state.reason,
                  .has_value = state.reason == Reason::condition,
                  .has_peak = state.has_peak(),
                  .value = state.value,
                  .peak = state.has_peak() ? state.peak : 0};
    notice.unit = evaluator_.program(rule.levels[0].condition).value_unit;
    notice.started_wall_ns = state.started_wall_ns;
    notice.duration_ns = now.steady_ns - state.started_ns;
    return notice;
}

// --- over a restart

SavedState AlertEngine::saved(const Moment& now) const {
    SavedState saved{.saved_wall_ns = now.wall_ns, .instances = {}, .memory = evaluator_.memory()};
    for (const RuleState& rule : rules_) {
        for (const auto& [key, tracked] : rule.tracked) {
            InstanceState state = tracked.state;
            shift_times(state, -now.steady_ns);
            saved.instances.push_back({rule.rule.name, tracked.labels, std::move(state)});
        }
    }
    std::ranges::sort(saved.instances, [](const SavedInstance& a, const SavedInstance& b) {
        return std::tie(a.rule, a.labels) < std::tie(b.rule, b.labels);
    });
    return saved;
}

void AlertEngine::restore(const SavedState& saved, const Moment& now) {
    // Nobody was silent while we did not listen.
    evaluator_.restore(saved.memory);
    // A wall clock that was set back says nothing about how long we were away.
    const std::int64_t away_ns = std::max<std::int64_t>(0, now.wall_ns - saved.saved_wall_ns);
    for (const SavedInstance& instance : saved.instances) {
        Tracked tracked{.labels = instance.labels, .state = instance.state};
        shift_times(tracked.state, now.steady_ns - away_ns);
        tracked.was_flapping = tracked.state.is_flapping;
        // The next evaluation adds what has gone by since this one.
        // (That may lie before the boot, and so be negative; 0 would be never.)
        tracked.state.evaluated_ns = now.steady_ns - std::min(away_ns, outage_tolerance_ns);
        if (tracked.state.evaluated_ns == 0) tracked.state.evaluated_ns = -1;
        const auto rule = std::ranges::find(rules_, instance.rule,
                                            [](const RuleState& each) { return each.rule.name; });
        if (rule != rules_.end() && tracked.state.level <= rule->levels.size() &&
            tracked.state.told_level <= rule->levels.size()) {
            if (tracked.state.stale_since_ns != 0) tracked.state.stale_since_ns = now.steady_ns;
            rule->tracked.insert_or_assign(key_of(instance.labels), std::move(tracked));
            continue;
        }
        if (tracked.state.told_level == 0) continue;
        owed_.push_back({.type = NoticeType::resolved,
                         .rule = instance.rule,
                         .labels = instance.labels,
                         .severity = {},
                         .level = 0,
                         .reason = Reason::rule_removed,
                         .has_value = false,
                         .has_peak = tracked.state.has_peak(),
                         .value = tracked.state.value,
                         .peak = tracked.state.has_peak() ? tracked.state.peak : 0,
                         .unit = {},
                         .started_wall_ns = tracked.state.started_wall_ns,
                         .duration_ns = now.steady_ns - tracked.state.started_ns});
    }
}

// --- answers

std::vector<Notice> AlertEngine::told(const Moment& now) const {
    std::vector<Notice> told;
    for (const RuleState& rule : rules_) {
        const std::size_t before = told.size();
        for (const auto& [key, tracked] : rule.tracked) {
            const InstanceState& state = tracked.state;
            if (state.told_level == 0 || !state.is_active() || state.is_flapping) continue;
            told.push_back(notice(rule, tracked, NoticeType::firing, now));
        }
        if (told.size() > before) told.back().untold = untold(rule);
    }
    return told;
}

Notice AlertEngine::notice_of(std::size_t rule_number, std::string_view key,
                              const Moment& now) const {
    const RuleState& rule = rules_[rule_number];
    const Tracked& tracked = rule.tracked.at(std::string(key));
    Notice told = notice(rule, tracked, NoticeType::firing, now);
    if (tracked.state.phase != Phase::pending) return told;
    // It has not begun to fire; if it does, it is as its mildest level at least.
    told.severity = rule.rule.levels.front().severity;
    told.started_wall_ns = now.wall_ns - (now.steady_ns - tracked.state.phase_since_ns);
    told.duration_ns = 0;
    return told;
}

AlertView AlertEngine::view_of(std::size_t number, const RuleState& rule, std::string_view key,
                               const Tracked& tracked) {
    return {.rule_number = number,
            .rule = rule.rule,
            .key = key,
            .labels = tracked.labels,
            .state = tracked.state,
            .is_inhibited = tracked.is_inhibited,
            .is_suppressed = tracked.is_suppressed};
}

void AlertEngine::each_alert(const std::function<void(const AlertView&)>& visit) const {
    for (std::size_t number = 0; number < rules_.size(); ++number) {
        for (const auto& [key, tracked] : rules_[number].tracked) {
            visit(view_of(number, rules_[number], key, tracked));
        }
    }
}

std::optional<AlertView> AlertEngine::find_alert(std::size_t rule_number,
                                                 std::string_view key) const {
    const RuleState& rule = rules_[rule_number];
    const auto found = rule.tracked.find(std::string(key));
    if (found == rule.tracked.end()) return std::nullopt;
    return view_of(rule_number, rule, found->first, found->second);
}

RuleCounts AlertEngine::counts(std::string_view name) const {
    const auto found =
        std::ranges::find(rules_, name, [](const RuleState& each) { return each.rule.name; });
    return found == rules_.end() ? RuleCounts()
                                 : counts(static_cast<std::size_t>(found - rules_.begin()));
}

RuleCounts AlertEngine::counts(std::size_t rule_number) const {
    const RuleState& rule = rules_[rule_number];
    RuleCounts counts{.untracked = rule.untracked};
    for (const auto& [key, tracked] : rule.tracked) {
        if (tracked.state.phase == Phase::pending) ++counts.pending;
        if (tracked.state.is_active()) ++counts.firing;
        if (tracked.is_suppressed) ++counts.suppressed;
    }
    return counts;
}

}  // namespace pitot::agent::alerts
