// What the operator wrote about alerts, checked: the tables [alerts], [alerts.NAME],
// [derive.NAME] and [units].
//
// The loader (agent/config/alerts.h) makes one AlertsConfig of them, the agent moves the
// rules into its AlertEngine and the texts to whoever writes messages, and `pitot check` and
// `pitot test` read the same. Channels are not here: each reads its own table (channels/).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/program.h"
#include "agent/alerts/rule.h"
#include "agent/alerts/unit.h"

namespace pitot::agent::alerts {

// The gauge that Prometheus has of its own alerts: what dashboards for those read.
inline constexpr std::string_view alerts_metric_name = "ALERTS";

// What a level can be called, from the mildest on. Of a rule with two levels the lower one
// is a warning, the upper one critical.
inline constexpr std::array<std::string_view, 4> severities{"info", "warning", "error", "critical"};

// One [alerts.NAME]: what the engine needs, and what only messages show.
struct RuleDefinition {
    Rule rule;
    std::string summary;      // templates (channels/template.h); empty: a text made of the rule
    std::string description;  //
    std::string runbook_url;
    std::map<std::string, std::string> labels;  // fixed ones, beside those of the group
    std::vector<std::string> channels;          // names; empty: the agent's log only
    std::int64_t repeat_ns = 0;  // tell again while it fires; 0: as the channel has it
    bool is_built_in = false;    // about the agent itself
    std::string where;           // "pitot.toml:12" of the table; "built in"
};

// One [derive.NAME]: a series of that name, made of others at each flush.
struct DerivedSeries {
    std::string name;
    Program expression;  // not a condition
};

// One entry of [units]: what the values of a metric are in.
struct MetricUnit {
    std::string metric;  // with `*` a glob
    Unit unit;
};

// The declared unit of a metric: that of its name, else that of the first glob. For
// CompileSettings and EvaluatorSettings; holds a copy.
std::function<std::optional<Unit>(std::string_view)> unit_lookup(std::vector<MetricUnit> units);

struct AlertsConfig {
    bool enabled = true;
    // Of all windows together; `alerts.max_state`.
    std::size_t state_bytes_max = std::size_t{64} << 20;
    std::vector<RuleDefinition> rules;  // the built-in ones too; none that is switched off
    std::vector<DerivedSeries> derived;
    std::vector<MetricUnit> units;  // for EvaluatorSettings::unit_of, through unit_lookup()
};

// Groups that a derived series is reckoned with, as those of a rule are by default.
inline constexpr std::size_t derived_groups = 50;

// The most that windows can take, in bytes, with as many groups as may be told of: of one
// rule, of one derived series, and of all together, where those that read the same share.
// There may be more groups: they have no data once state_bytes_max is used up.
std::size_t state_bytes(const Rule& rule);
std::size_t state_bytes(const DerivedSeries& derived);
std::size_t state_bytes(const AlertsConfig& config);

// Whether a smaller value is a worse one: the first comparison is "<" or "<=".
bool worst_is_least(const Expression& expression);

}  // namespace pitot::agent::alerts
