// What other threads may know of the alerts: the pages of the server, the health rules, the
// agent's own metrics.
//
// Made by Alerting at the end of each flush and never changed afterwards: whoever reads it
// shares it, and nobody waits for anybody. What the last evaluations were is in history.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/alerts/engine.h"
#include "agent/alerts/instance.h"
#include "agent/alerts/rule.h"

namespace pitot::agent::alerts {

struct LevelFacts {
    std::string severity = {};
    std::string condition = {};  // as text
    std::string clear = {};      // "": when the condition is false
};

// Of a rule, what does not change while the process runs.
struct RuleFacts {
    std::string name = {};
    std::vector<LevelFacts> levels = {};
    std::vector<std::string> leaves = {};  // what it reads, EvaluationRecord::leaves the first
    std::string summary = {};              // templates, as they were written
    std::string description = {};
    std::string runbook_url = {};
    std::map<std::string, std::string> labels = {};
    std::vector<std::string> channels = {};
    std::vector<std::string> inhibited_by = {};
    RulePolicy policy = {};
    Unit unit = {};  // of its values
    // How the number with "%" that they are compared with is read, where nobody has said what
    // the metric is in (hints.h).
    std::string undeclared_share = {};
    bool is_built_in = false;
    std::string where = {};
};

// One [derive.NAME].
struct DerivedFacts {
    std::string name = {};
    std::string expression = {};  // as text
};

// A place in a rule that reads no series at present.
struct UnmatchedLeaf {
    std::size_t leaf = 0;
    std::string metric = {};                // as the rule has it
    std::string reason = {};                // why it reads none of that name; "": there is none
    std::vector<std::string> nearest = {};  // names of metrics that there are, the nearest first
};

// Of a rule, as of one flush.
struct RuleStanding {
    RuleCounts counts = {};
    std::size_t instances = 0;  // groups that it was evaluated for
    std::vector<UnmatchedLeaf> unmatched = {};
};

// One instance that is pending, firing or recovering.
struct AlertFacts {
    std::size_t rule = 0;  // index into AlertsView::rules
    GroupLabels labels = {};
    Phase phase = Phase::ok;
    Reason reason = Reason::condition;
    std::uint8_t level = 0;
    bool is_stale = false;
    bool is_flapping = false;
    bool is_inhibited = false;
    bool is_suppressed = false;
    bool is_told = false;
    std::string summary = {};      // as a message would have them now; "" where there are none
    std::string description = {};  //
    double value = 0;
    double peak = 0;
    std::int64_t since_wall_ns = 0;   // when it came into its phase
    std::int64_t active_wall_ns = 0;  // when it began to be pending, or to fire
};

struct AlertsView {
    // Alerts listed; what is beyond is a number. Whoever looks at a thousand looks at none.
    static constexpr std::size_t listed_max = 1'000;

    std::shared_ptr<const std::vector<RuleFacts>> rules;
    std::shared_ptr<const std::vector<DerivedFacts>> derived;
    std::uint64_t flushes = 0;
    std::int64_t evaluated_wall_ns = 0;
    std::int64_t took_ns = 0;
    std::vector<RuleStanding> standings = {};  // by rule
    // Told ones first, then by severity, whether they fire, level, rule and labels.
    std::vector<AlertFacts> alerts = {};
    // Pending or firing, or true and beyond what is tracked, and not in the list.
    std::size_t unlisted = 0;
    // Of groups that are fine, how many of a rule have a history.
    std::size_t histories_per_rule = 0;
    EvaluatorUsage usage = {};          // of the rules
    EvaluatorUsage derived_usage = {};  //
    std::size_t state_bytes_max = 0;
    std::uint64_t derived_left_out = 0;  // ever
    std::int64_t interval_ns = 0;
    // Of the file that was read at the start; "" if all was well. Holds for an hour.
    std::string restore_problem = {};
    std::string save_problem = {};  // of the last attempt
};

// What the agent tells of its alerts as metrics: sums since the start, and states.
struct AlertCounts {
    struct OfRule {
        std::string name = {};
        RuleCounts counts = {};
        std::uint64_t notices = 0;  // told of it, ever
        // 0 ok, 1 pending, 2 firing: the worst instance's.
        int state() const { return counts.firing > 0 ? 2 : counts.pending > 0 ? 1 : 0; }
    };
    std::vector<OfRule> rules = {};
    std::uint64_t evaluations = 0;  // flushes that were evaluated
    std::int64_t evaluation_ns_last = 0;
    std::uint64_t state_bytes = 0;
    std::uint64_t refused_groups = 0;
    std::uint64_t unfit_series = 0;
    std::uint64_t derived_series = 0;   // and ALERTS: made in the last flush
    std::uint64_t derived_refused = 0;  // for want of room, or for their name
};

}  // namespace pitot::agent::alerts
