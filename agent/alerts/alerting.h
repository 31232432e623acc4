// The alerts of a running agent: the engine on the flush thread, and all that is around it.
//
//     Alerting alerting(config, settings, taker, clock, log);
//     alerting.start();                            // reads the state file
//     …each flush:
//     merger.add(alerting.made(snapshot));         // derived series and ALERTS, for the sinks
//     …every sink has queued the Snapshot…
//     alerting.flush(snapshot);                    // evaluates, and tells the channels
//     …
//     alerting.stop();                             // after the last flush: saves the state
//
// The flusher calls made() and flush(); App does the rest. The rules see the same Snapshot as
// the sinks, derived series included, once it is queued for all of them: evaluation delays
// neither what leaves the process nor intake, whose pages the shards have turned by then. How
// long it takes is measured.
//
// ALERTS, one gauge for each instance that is pending or firing, is what the flush before came
// to, since this one's sinks are served before its rules are.
//
// What is told, how often and why is the engine's business (engine.h), delivering it that of
// the channels (notice_taker.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alerts_view.h"
#include "agent/alerts/definition.h"
#include "agent/alerts/derived.h"
#include "agent/alerts/engine.h"
#include "agent/alerts/history.h"
#include "agent/alerts/notice_taker.h"
#include "agent/alerts/state_keeper.h"
#include "agent/alerts/unmatched.h"
#include "agent/clock.h"
#include "agent/flush/made_gauge.h"
#include "protocol/snapshot.h"

namespace spdlog {
class logger;
}

namespace pitot::agent::alerts {

// In the state directory.
inline constexpr std::string_view state_file_name = "alerts.state";

// A place at which a rule reads series, in some expression of its.
struct RuleLeaf {
    std::size_t level = 0;
    bool is_clear = false;  // in the level's clear condition
    Leaf leaf = {};
};
// Of all levels, then of their clear conditions: what decides about firing comes first, where a
// history has room for some only (EvaluationHistory::leaves_max). Each once.
std::vector<RuleLeaf> leaves_of(const Rule& rule);

struct AlertingSettings {
    std::int64_t interval_ns = 10'000'000'000;
    // None: nothing survives a restart.
    std::optional<std::filesystem::path> state_file = {};
    // Renders `summary` and `description` of an alert that is listed. None: they stay empty.
    std::function<void(const Notice& notice, std::int64_t now_unix_ns, AlertFacts& alert)>
        describe = {};
};

class Alerting {
public:
    // `taker`, clock and log outlive it.
    Alerting(const AlertsConfig& config, AlertingSettings settings, NoticeTaker& taker,
             const Clock& clock, spdlog::logger& log);
    ~Alerting();
    Alerting(const Alerting&) = delete;
    Alerting& operator=(const Alerting&) = delete;

    // Before the first flush: takes up the state that was left.
    void start();
    // After the last one.
    void stop();

    // The flush thread. Valid until the next call.
    std::span<const MadeGauge> made(const protocol::Snapshot& snapshot);
    // `refused`: of those made, how many the merger could not take, ever.
    void flush(const protocol::Snapshot& snapshot, std::uint64_t made_refused);

    // Any thread. The view is never null; before the first flush it has no flushes.
    std::shared_ptr<const AlertsView> view() const;
    AlertCounts counts() const;
    const EvaluationHistory& history() const { return history_; }
    // Of a rule, instances whose labels have all of those given, at most `most`: those that
    // have a history, then others as they were evaluated last. Waits for a flush that is being
    // evaluated, and keeps the next one waiting for a walk over the rule's groups.
    std::vector<InstanceHistory> instances(std::size_t rule, const GroupLabels& labels,
                                           std::size_t most) const;

    // Of the names that no client may use, those that alerts take: sorted.
    static std::vector<std::string> names(const AlertsConfig& config);

private:
    static std::vector<Rule> rules_of(const AlertsConfig& config);
    static std::vector<RuleFacts> facts_of(const AlertsConfig& config);
    static std::vector<DerivedFacts> derived_facts_of(const AlertsConfig& config);

    void record(const Moment& now);
    void record_rule(std::size_t rule, const Moment& now);
    EvaluationRecord evaluation_of(std::size_t rule, std::string_view key,
                                   const GroupLabels& labels, std::int64_t wall_ns) const;
    ProgramId program_of(std::size_t rule, const RuleLeaf& leaf) const;
    void publish(const protocol::Snapshot& snapshot, const Moment& now, std::int64_t took_ns,
                 std::uint64_t made_refused);
    void list_alerts(AlertsView& view, const Moment& now) const;
    void make_alerts_gauges(const AlertsView& view);

    const AlertingSettings settings_;
    const std::size_t state_bytes_max_;
    NoticeTaker& taker_;
    const Clock& clock_;
    spdlog::logger& log_;
    const std::shared_ptr<const std::vector<RuleFacts>> facts_;
    const std::shared_ptr<const std::vector<DerivedFacts>> derived_facts_;

    // Of the flush thread. The engine it changes with the lock held, and reads without.
    DerivedSet derived_;
    mutable std::mutex engine_mutex_;
    AlertEngine engine_;
    std::int64_t evaluated_wall_ns_ = 0;         // guarded like the engine
    std::vector<std::vector<RuleLeaf>> leaves_;  // by rule
    UnmatchedFinder unmatched_;
    std::vector<MadeGauge> alerts_gauges_;  // of the flush before
    std::vector<MadeGauge> made_;
    std::uint64_t saved_changes_ = 0;
    std::int64_t restored_ns_ = 0;
    std::int64_t recalled_ns_ = 0;
    std::string restore_problem_;
    std::vector<std::uint64_t> notices_;  // by rule

    EvaluationHistory history_;
    std::optional<StateKeeper> keeper_;

    mutable std::mutex mutex_;
    std::shared_ptr<const AlertsView> view_;  // guarded by mutex_, and so is
    AlertCounts counts_;
};

}  // namespace pitot::agent::alerts
