// The alert engine: rules in, what is to be told of them out.
//
//     AlertEngine engine(std::move(rules), settings);
//     engine.restore(restored, now);             // once, if there was a state file
//     …
//     for (const Notice& notice : engine.flush(snapshot, now)) …   // at each flush
//     state_file.write(engine.saved(now));       // when engine.changes() has moved
//
// Who calls it. The flusher, on the flush thread, with each Snapshot after all sinks have
// queued theirs, before the merger's finish(): an engine never delays what leaves the
// process. Everything here is for that one thread; what other threads want to know (the web
// room, commands) is copied out of it at the end of a flush.
//
// What it costs. A look at each point of the Snapshot, some ten nanoseconds for each pair of
// a point with news and a feed that wants it, and the evaluation of each rule for each of its
// groups (evaluator.h). Memory is bounded by EvaluatorSettings::state_bytes_max and
// limits::tracked_instances_max.
//
// What it does not do: no input or output, no clock, no text. Notices say what changed; a
// channel makes a message of it. A Notice is given once: whoever takes it owes its delivery.
//
// When something is told
// ----------------------
// Of each instance the engine knows what was told last, and tells when that is no longer
// true. So nothing is told twice, also over a restart, and what ended meanwhile is told
// then. An instance stays untold while it is inhibited, beyond the cap, or flapping, and is
// told afterwards if there still is something to tell. That it is over is told of whatever
// was told of.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/alerts/agreement.h"
#include "agent/alerts/evaluator.h"
#include "agent/alerts/instance.h"
#include "agent/alerts/rule.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

enum class NoticeType : std::uint8_t {
    firing,    // it began to fire, or its level changed
    resolved,  // it is over
    flapping,  // it changes too often to be told of; silence until `settled`
    settled,   // it has stopped to, and is as `level` says: 0 is ok
};
std::string_view to_string(NoticeType type);

struct Notice {
    NoticeType type = NoticeType::firing;
    std::string rule;
    GroupLabels labels;
    std::string severity;  // of the level; of `resolved`, of the one that was told
    std::uint8_t level = 0;
    Reason reason = Reason::condition;
    bool has_value = true;  // now: not where it ends for want of data
    bool has_peak = true;   // it had one while it fired
    double value = 0;       // now
    double peak = 0;        // the worst since it began
    Unit unit = {};         // of both
    std::int64_t started_wall_ns = 0;
    std::int64_t duration_ns = 0;  // since it began to fire
    // Of the last one of its rule in a flush that fires: how many more do, and are not told of
    // since they are beyond the cap. Else 0.
    std::size_t untold = 0;
};

// One instance that is not just ok, for lists.
struct AlertView {
    std::size_t rule_number = 0;  // from 0, in the order in which rules were given
    const Rule& rule;
    std::string_view key;  // of the group (Group::key)
    const GroupLabels& labels;
    const InstanceState& state;
    bool is_inhibited = false;
    bool is_suppressed = false;  // beyond the cap
};

// What an evaluation came to for one instance.
struct InstanceTruths {
    LevelTruth levels[levels_max] = {};
    Value value = {};
    bool is_there = false;  // it has series; else it had some once
};

// What survives a restart. Times are lengths of time before `saved_wall_ns`.
struct SavedInstance {
    std::string rule;
    GroupLabels labels;
    InstanceState state;
};
struct SavedState {
    std::int64_t saved_wall_ns = 0;
    std::vector<SavedInstance> instances = {};
    EvaluatorMemory memory = {};
};

struct RuleCounts {
    std::size_t pending = 0;
    std::size_t firing = 0;      // and recovering
    std::size_t suppressed = 0;  // of those, beyond the cap: "and 212 more"
    std::size_t untracked = 0;   // true, and beyond limits::tracked_instances_max
};

class AlertEngine {
public:
    AlertEngine(std::vector<Rule> rules, EvaluatorSettings settings);

    // The notices are valid until the next call.
    const std::vector<Notice>& flush(const protocol::Snapshot& snapshot, const Moment& now);

    // Before the first flush. Instances of rules that are no more are told to be over.
    void restore(const SavedState& saved, const Moment& now);
    SavedState saved(const Moment& now) const;
    // Grows whenever the saved state is worth writing again.
    std::uint64_t changes() const { return changes_ + evaluator_.known_generation(); }

    // All that fires and was told, as notices that it does: for channels that repeat it.
    std::vector<Notice> told(const Moment& now) const;
    // What a message would say of an instance now.
    Notice notice_of(std::size_t rule_number, std::string_view key, const Moment& now) const;
    void each_alert(const std::function<void(const AlertView&)>& visit) const;
    // What its levels come to for one instance, as of the last flush.
    InstanceTruths truths_of(std::size_t rule_number, std::string_view key,
                             const GroupLabels& labels) const {
        return truths_of(rules_[rule_number], key, labels);
    }
    // The instance of a key, if it is not just ok.
    std::optional<AlertView> find_alert(std::size_t rule_number, std::string_view key) const;
    RuleCounts counts(std::string_view name) const;
    RuleCounts counts(std::size_t rule_number) const;

    struct LevelPrograms {
        ProgramId condition = 0;
        std::optional<ProgramId> clear;
    };
    std::size_t rules() const { return rules_.size(); }
    const std::vector<LevelPrograms>& levels(std::size_t rule_number) const {
        return rules_[rule_number].levels;
    }
    const Evaluator& evaluator() const { return evaluator_; }

    // Time that the agent was away counts as it passed, up to this: what was pending may not
    // have been true all the while.
    static constexpr std::int64_t outage_tolerance_ns = 600'000'000'000;

private:
    struct Tracked {
        GroupLabels labels;
        InstanceState state;
        bool is_inhibited = false;
        bool is_suppressed = false;
        bool was_flapping = false;
    };
    struct RuleState {
        Rule rule;
        std::vector<LevelPrograms> levels;
        std::unordered_map<std::string, Tracked> tracked;  // by key
        std::size_t untracked = 0;
        std::vector<std::size_t> inhibitors;  // indices of rules
        bool forgets = false;                 // it asks for what is absent()
    };

    static AlertView view_of(std::size_t number, const RuleState& rule, std::string_view key,
                             const Tracked& tracked);
    void find_raised(RuleState& rule);
    void evaluate(RuleState& rule, const Moment& now);
    InstanceTruths truths_of(const RuleState& rule, std::string_view key,
                             const GroupLabels& labels) const;
    LevelTruth truth_of_gone(const LevelPrograms& level, const GroupLabels& labels,
                             Value& value) const;
    bool is_forgotten(const RuleState& rule, const GroupLabels& labels) const;
    void admit(RuleState& rule);
    using FiringByRule = std::map<std::size_t, AgreementIndex>;
    void inhibit(RuleState& rule, FiringByRule& firing);
    void tell(RuleState& rule, const Moment& now);
    static std::size_t untold(const RuleState& rule);
    Notice notice(const RuleState& rule, const Tracked& tracked, NoticeType type,
                  const Moment& now) const;

    Evaluator evaluator_;
    std::vector<RuleState> rules_;
    std::vector<Notice> notices_;
    std::vector<Notice> owed_;  // of restore(), until the first flush
    std::uint64_t changes_ = 0;
};

}  // namespace pitot::agent::alerts
