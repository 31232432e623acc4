#include "agent/alerts/alerting.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

#include "agent/alerts/alert_labels.h"
#include "agent/alerts/expression.h"
#include "agent/alerts/hints.h"
#include "agent/alerts/state_file.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// How long a state that could not be read is told of in /health: what is lost stays lost, and
// who has not looked by then will not.
constexpr std::int64_t restore_problem_ns = 3'600'000'000'000;

// How often channels that repeat what fires get the values that it has by now.
constexpr std::int64_t recall_ns = 60'000'000'000;

// What of max_state derived series may take where there are some. They are read by people,
// alerts by nobody until something is wrong: these must not starve.
constexpr std::size_t derived_share = 4;

EvaluatorSettings evaluator_settings(const AlertsConfig& config, bool is_derived) {
    const std::size_t share = config.derived.empty() ? 0 : config.state_bytes_max / derived_share;
    EvaluatorSettings settings{.state_bytes_max =
                                   is_derived ? share : config.state_bytes_max - share};
    if (!config.units.empty()) settings.unit_of = unit_lookup(config.units);
    return settings;
}

const Program& program_of(const Rule& rule, const RuleLeaf& leaf) {
    const Level& level = rule.levels[leaf.level];
    return leaf.is_clear ? *level.clear : level.condition;
}

std::vector<std::vector<RuleLeaf>> leaves_of(const AlertsConfig& config) {
    std::vector<std::vector<RuleLeaf>> leaves;
    leaves.reserve(config.rules.size());
    for (const RuleDefinition& definition : config.rules) {
        leaves.push_back(leaves_of(definition.rule));
    }
    return leaves;
}

std::vector<Feed> feeds_of(const AlertsConfig& config) {
    std::vector<Feed> feeds;
    for (const RuleDefinition& definition : config.rules) {
        for (const RuleLeaf& leaf : leaves_of(definition.rule)) {
            feeds.push_back(program_of(definition.rule, leaf).feeds[leaf.leaf.feed]);
        }
    }
    return feeds;
}

int rank(Phase phase) {
    return phase == Phase::firing ? 3 : phase == Phase::recovering ? 2 : phase == Phase::pending;
}

int severity_rank(std::string_view severity) {
    return static_cast<int>(std::ranges::find(severities, severity) - severities.begin()) %
           static_cast<int>(severities.size());
}

}  // namespace

std::vector<RuleLeaf> leaves_of(const Rule& rule) {
    std::vector<RuleLeaf> all;
    const auto add = [&](std::size_t level, bool is_clear, const Program& program) {
        for (Leaf& leaf : leaves_of(program)) {
            // `errors` of a ratio is another number than `errors` by itself.
            const bool is_there = std::ranges::any_of(all, [&](const RuleLeaf& known) {
                return known.leaf.text == leaf.text && known.leaf.is_amount == leaf.is_amount &&
                       program_of(rule, known).feeds[known.leaf.feed] == program.feeds[leaf.feed];
            });
            if (!is_there) all.push_back({level, is_clear, std::move(leaf)});
        }
    };
    for (std::size_t level = 0; level < rule.levels.size(); ++level) {
        add(level, false, rule.levels[level].condition);
    }
    for (std::size_t level = 0; level < rule.levels.size(); ++level) {
        if (rule.levels[level].clear) add(level, true, *rule.levels[level].clear);
    }
    return all;
}

Alerting::Alerting(const AlertsConfig& config, AlertingSettings settings, NoticeTaker& taker,
                   const Clock& clock, spdlog::logger& log)
    : settings_(std::move(settings)),
      state_bytes_max_(config.state_bytes_max),
      taker_(taker),
      clock_(clock),
      log_(log),
      facts_(std::make_shared<const std::vector<RuleFacts>>(facts_of(config))),
      derived_facts_(std::make_shared<const std::vector<DerivedFacts>>(derived_facts_of(config))),
      derived_(config.derived, evaluator_settings(config, true)),
      engine_(rules_of(config), evaluator_settings(config, false)),
      leaves_(leaves_of(config)),
      unmatched_(feeds_of(config), unit_lookup(config.units), names(config)),
      notices_(config.rules.size()),
      history_(config.rules.size()) {
    AlertsView first;
    first.rules = facts_;
    first.derived = derived_facts_;
    first.standings.resize(facts_->size());
    first.state_bytes_max = state_bytes_max_;
    first.interval_ns = settings_.interval_ns;
    view_ = std::make_shared<const AlertsView>(std::move(first));
    for (const RuleFacts& rule : *facts_) counts_.rules.push_back({.name = rule.name});
}

Alerting::~Alerting() = default;

std::vector<Rule> Alerting::rules_of(const AlertsConfig& config) {
    std::vector<Rule> rules;
    rules.reserve(config.rules.size());
    for (const RuleDefinition& definition : config.rules) rules.push_back(definition.rule);
    return rules;
}

std::vector<RuleFacts> Alerting::facts_of(const AlertsConfig& config) {
    std::vector<RuleFacts> all;
    const auto unit_of = unit_lookup(config.units);
    for (const RuleDefinition& definition : config.rules) {
        const Rule& rule = definition.rule;
        RuleFacts facts{.name = rule.name,
                        .summary = definition.summary,
                        .description = definition.description,
                        .runbook_url = definition.runbook_url,
                        .labels = definition.labels,
                        .channels = definition.channels,
                        .inhibited_by = rule.inhibited_by,
                        .policy = rule.policy,
                        .unit = rule.levels.front().condition.value_unit,
                        .is_built_in = definition.is_built_in,
                        .where = definition.where};
        for (const Level& level : rule.levels) {
            facts.levels.push_back(
                {.severity = level.severity,
                 .condition = to_text(level.condition.expression),
                 .clear = level.clear ? to_text(level.clear->expression) : std::string()});
        }
        const Program& first = rule.levels.front().condition;
        for (UndeclaredShare& share : undeclared_shares(first.expression, unit_of)) {
            const bool is_shown = share.value == first.steps[first.value].source;
            if (is_shown) facts.undeclared_share = std::move(share.told);
        }
        for (const RuleLeaf& leaf : leaves_of(rule)) facts.leaves.push_back(leaf.leaf.text);
        all.push_back(std::move(facts));
    }
    return all;
}

std::vector<DerivedFacts> Alerting::derived_facts_of(const AlertsConfig& config) {
    std::vector<DerivedFacts> all;
    all.reserve(config.derived.size());
    for (const DerivedSeries& derived : config.derived) {
        all.push_back({derived.name, to_text(derived.expression.expression)});
    }
    return all;
}

std::vector<std::string> Alerting::names(const AlertsConfig& config) {
    std::vector<std::string> names;
    if (!config.enabled) return names;
    for (const DerivedSeries& derived : config.derived) names.push_back(derived.name);
    names.emplace_back(alerts_metric_name);
    std::ranges::sort(names);
    return names;
}

void Alerting::start() {
    if (!settings_.state_file) return;
    const std::filesystem::path& path = *settings_.state_file;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);  // write_state() tells why not
    ReadState read = read_state(path);
    const Moment now{.steady_ns = clock_.steady_ns(), .wall_ns = clock_.wall_ns()};
    if (!read.problem.empty()) log_.warn("alerts: {}", read.problem);
    restore_problem_ = std::move(read.problem);
    restored_ns_ = now.steady_ns;
    if (read.state) engine_.restore(*read.state, now);
    if (const std::vector<Notice> told = engine_.told(now); !told.empty()) {
        taker_.recall(told, now.wall_ns);
    }
    keeper_.emplace(path, [this] { return taker_.has_saved(); }, log_);
}

void Alerting::stop() {
    if (!keeper_) return;
    keeper_->save(engine_.saved({.steady_ns = clock_.steady_ns(), .wall_ns = clock_.wall_ns()}));
    keeper_->stop();
}

std::span<const MadeGauge> Alerting::made(const protocol::Snapshot& snapshot) {
    made_.clear();
    derived_.evaluate(snapshot, made_);
    made_.insert(made_.end(), alerts_gauges_.begin(), alerts_gauges_.end());
    return made_;
}

void Alerting::flush(const protocol::Snapshot& snapshot, std::uint64_t made_refused) {
    const Moment now{.steady_ns = clock_.steady_ns(), .wall_ns = clock_.wall_ns()};
    const std::vector<Notice>& notices = [&]() -> const std::vector<Notice>& {
        const std::scoped_lock lock(engine_mutex_);
        evaluated_wall_ns_ = now.wall_ns;
        return engine_.flush(snapshot, now);
    }();
    for (const Notice& notice : notices) {
        const auto rule = std::ranges::find(*facts_, notice.rule, &RuleFacts::name);
        if (rule != facts_->end()) ++notices_[static_cast<std::size_t>(rule - facts_->begin())];
    }
    // Told first: what is told twice after a crash is better than what is not told at all.
    if (!notices.empty()) taker_.tell(notices, now.wall_ns);
    if (now.steady_ns - recalled_ns_ >= recall_ns) {
        recalled_ns_ = now.steady_ns;
        if (const std::vector<Notice> told = engine_.told(now); !told.empty()) {
            taker_.recall(told, now.wall_ns);
        }
    }
    if (keeper_ && engine_.changes() != saved_changes_) {
        saved_changes_ = engine_.changes();
        keeper_->save(engine_.saved(now));
    }
    record(now);
    publish(snapshot, now, clock_.steady_ns() - now.steady_ns, made_refused);
}

// --- history

void Alerting::record(const Moment& now) {
    engine_.each_alert([&](const AlertView& alert) {
        if (alert.state.phase == Phase::ok) return;
        history_.admit(alert.rule_number, alert.key, alert.labels, false);
    });
    for (std::size_t rule = 0; rule < facts_->size(); ++rule) {
        if (history_.has_room_for_idle(rule)) {
            engine_.evaluator().each_instance(
                engine_.levels(rule).front().condition, [&](const Instance& instance) {
                    if (!history_.has_room_for_idle(rule)) return;
                    history_.admit(rule, instance.group.key, instance.group.labels, true);
                });
        }
        record_rule(rule, now);
    }
}

void Alerting::record_rule(std::size_t rule, const Moment& now) {
    for (const auto& [key, labels] : history_.instances(rule)) {
        EvaluationRecord record = evaluation_of(rule, key, labels, now.wall_ns);
        const bool is_idle = record.phase == Phase::ok;
        history_.record(rule, key, is_idle, std::move(record));
    }
}

EvaluationRecord Alerting::evaluation_of(std::size_t rule, std::string_view key,
                                         const GroupLabels& labels, std::int64_t wall_ns) const {
    const InstanceTruths truths = engine_.truths_of(rule, key, labels);
    EvaluationRecord record{.wall_ns = wall_ns, .value = truths.value, .is_there = truths.is_there};
    std::ranges::copy(truths.levels, record.levels);
    if (const auto alert = engine_.find_alert(rule, key)) {
        record.phase = alert->state.phase;
        record.level = alert->state.level;
    }
    const std::size_t leaves = std::min(leaves_[rule].size(), EvaluationHistory::leaves_max);
    for (std::size_t i = 0; i < leaves; ++i) {
        const RuleLeaf& leaf = leaves_[rule][i];
        const LeafReading read =
            engine_.evaluator().read(program_of(rule, leaf), leaf.leaf, labels);
        record.leaves.push_back({.value = read.value, .series = read.series});
    }
    return record;
}

ProgramId Alerting::program_of(std::size_t rule, const RuleLeaf& leaf) const {
    const AlertEngine::LevelPrograms& level = engine_.levels(rule)[leaf.level];
    return leaf.is_clear ? *level.clear : level.condition;
}

std::vector<InstanceHistory> Alerting::instances(std::size_t rule, const GroupLabels& labels,
                                                 std::size_t most) const {
    std::vector<InstanceHistory> found = history_.find(rule, labels, most);
    const std::size_t kept = found.size();
    if (kept >= most) return found;
    const auto is_found = [&](const GroupLabels& its) {
        return std::ranges::any_of(std::span(found).first(kept),
                                   [&](const auto& each) { return each.labels == its; });
    };
    const std::scoped_lock lock(engine_mutex_);
    engine_.evaluator().each_instance(
        engine_.levels(rule).front().condition, [&](const Instance& instance) {
            const GroupLabels& its = instance.group.labels;
            if (found.size() >= most || !has_all(its, labels) || is_found(its)) return;
            found.push_back({.labels = its, .evaluations = {}, .is_kept = false});
            found.back().evaluations.push_back(
                evaluation_of(rule, instance.group.key, its, evaluated_wall_ns_));
        });
    return found;
}

// --- what others see

void Alerting::list_alerts(AlertsView& view, const Moment& now) const {
    std::vector<AlertView> listed;
    std::size_t pending_or_firing = 0;
    engine_.each_alert([&](const AlertView& alert) {
        const bool is_ok = alert.state.phase == Phase::ok;
        pending_or_firing += is_ok ? 0U : 1U;
        if (!is_ok || alert.state.is_flapping) listed.push_back(alert);
    });
    const auto weight = [](const AlertView& alert) {
        const std::size_t level = std::max<std::size_t>(alert.state.level, 1) - 1;
        return std::make_tuple(alert.state.phase == Phase::ok, alert.state.told_level == 0,
                               -severity_rank(alert.rule.levels[level].severity),
                               -rank(alert.state.phase), -int{alert.state.level}, alert.rule_number,
                               std::cref(alert.labels));
    };
    std::vector<std::size_t> places(listed.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    const std::size_t shown = std::min(listed.size(), AlertsView::listed_max);
    std::ranges::partial_sort(
        places, places.begin() + static_cast<std::ptrdiff_t>(shown),
        [&](std::size_t a, std::size_t b) { return weight(listed[a]) < weight(listed[b]); });
    // Those that only flap come last, and are no alerts to be missed.
    view.unlisted = pending_or_firing - std::min(pending_or_firing, shown);
    for (const RuleStanding& standing : view.standings) view.unlisted += standing.counts.untracked;
    for (std::size_t i = 0; i < shown; ++i) {
        const AlertView& alert = listed[places[i]];
        const InstanceState& state = alert.state;
        const std::int64_t since_wall_ns = now.wall_ns - (now.steady_ns - state.phase_since_ns);
        view.alerts.push_back(
            {.rule = alert.rule_number,
             .labels = alert.labels,
             .phase = state.phase,
             .reason = state.reason,
             .level = state.level,
             .is_stale = state.stale_since_ns != 0,
             .is_flapping = state.is_flapping,
             .is_inhibited = alert.is_inhibited,
             .is_suppressed = alert.is_suppressed,
             .is_told = state.told_level > 0,
             .value = state.value,
             .peak = state.has_peak() ? state.peak : state.value,
             .since_wall_ns = since_wall_ns,
             .active_wall_ns = state.is_active() ? state.started_wall_ns : since_wall_ns});
        if (!settings_.describe) continue;
        settings_.describe(engine_.notice_of(alert.rule_number, alert.key, now), now.wall_ns,
                           view.alerts.back());
    }
}

void Alerting::make_alerts_gauges(const AlertsView& view) {
    alerts_gauges_.clear();
    for (const AlertFacts& alert : view.alerts) {
        if (alert.phase == Phase::ok) continue;
        const RuleFacts& rule = (*facts_)[alert.rule];
        AlertLabels labels;
        labels.add_own("alertname", rule.name);
        labels.add_own("alertstate", alert.phase == Phase::pending ? "pending" : "firing");
        const std::size_t level = std::max<std::size_t>(alert.level, 1) - 1;
        labels.add_own("severity", rule.levels[level].severity);
        for (const auto& [key, value] : rule.labels) labels.add(key, value);
        for (const auto& [key, value] : tags_of(alert.labels)) labels.add(key, value);
        MadeGauge gauge{.name = std::string(alerts_metric_name), .tags = {}, .value = 1};
        for (const auto& [key, value] : labels.texts()) gauge.tags.emplace_back(key, value);
        alerts_gauges_.push_back(std::move(gauge));
    }
}

void Alerting::publish(const protocol::Snapshot& snapshot, const Moment& now, std::int64_t took_ns,
                       std::uint64_t made_refused) {
    const Evaluator& evaluator = engine_.evaluator();
    std::vector<bool> reads_series;
    for (std::size_t rule = 0; rule < facts_->size(); ++rule) {
        for (const RuleLeaf& leaf : leaves_[rule]) {
            reads_series.push_back(evaluator.series_of(program_of(rule, leaf), leaf.leaf) > 0);
        }
    }
    unmatched_.look(snapshot, reads_series);

    AlertsView next;
    next.rules = facts_;
    next.derived = derived_facts_;
    next.flushes = evaluator.flushes();
    next.evaluated_wall_ns = now.wall_ns;
    next.took_ns = took_ns;
    next.interval_ns = settings_.interval_ns;
    next.usage = evaluator.usage();
    next.derived_usage = derived_.usage();
    next.state_bytes_max = state_bytes_max_;
    next.histories_per_rule = history_.idle_per_rule();
    next.derived_left_out = derived_.left_out() + made_refused;
    if (now.steady_ns - restored_ns_ < restore_problem_ns) next.restore_problem = restore_problem_;
    if (keeper_) next.save_problem = keeper_->problem();
    std::size_t place = 0;
    for (std::size_t rule = 0; rule < facts_->size(); ++rule) {
        RuleStanding standing{
            .counts = engine_.counts(rule),
            .instances = evaluator.instances(engine_.levels(rule).front().condition),
            .unmatched = {}};
        for (std::size_t leaf = 0; leaf < leaves_[rule].size(); ++leaf, ++place) {
            if (reads_series[place]) continue;
            standing.unmatched.push_back({.leaf = leaf,
                                          .metric = unmatched_.metric(place),
                                          .reason = unmatched_.reason(place),
                                          .nearest = unmatched_.nearest(place)});
        }
        next.standings.push_back(std::move(standing));
    }
    list_alerts(next, now);
    make_alerts_gauges(next);

    auto view = std::make_shared<const AlertsView>(std::move(next));
    const std::scoped_lock lock(mutex_);
    for (std::size_t rule = 0; rule < facts_->size(); ++rule) {
        counts_.rules[rule].counts = view->standings[rule].counts;
        counts_.rules[rule].notices = notices_[rule];
    }
    ++counts_.evaluations;
    counts_.evaluation_ns_last = took_ns;
    counts_.state_bytes = view->usage.state_bytes + view->derived_usage.state_bytes;
    counts_.refused_groups = view->usage.refused_groups + view->derived_usage.refused_groups;
    counts_.unfit_series = view->usage.unfit_series + view->derived_usage.unfit_series;
    counts_.derived_series = made_.size();
    counts_.derived_refused = view->derived_left_out;
    view_ = std::move(view);
}

std::shared_ptr<const AlertsView> Alerting::view() const {
    const std::scoped_lock lock(mutex_);
    return view_;
}

AlertCounts Alerting::counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

}  // namespace pitot::agent::alerts
