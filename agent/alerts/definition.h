// What the operator wrote about alerts, checked: the tables [alerts], [alerts.NAME] and
// [derive.NAME].
//
// The loader (agent/config) makes one AlertsConfig of them, the agent moves the rules into
// its AlertEngine and the texts to whoever writes messages, and `pitot check` and `pitot test`
// read the same. Channels are not here: each reads its own table (channels/).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/program.h"
#include "agent/alerts/rule.h"

namespace pitot::agent::alerts {

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
    std::int64_t repeat_ns = 0;                 // tell again while it fires; 0: never
    bool is_built_in = false;                   // about the agent itself
    std::string where;                          // "pitot.toml:12" of the table; "built in"
};

// One [derive.NAME]: a series of that name, made of others at each flush.
struct DerivedSeries {
    std::string name;
    Program expression;  // not a condition
};

struct AlertsConfig {
    bool enabled = true;
    // Of all windows together; `alerts.max_state`.
    std::size_t state_bytes_max = std::size_t{64} << 20;
    std::vector<RuleDefinition> rules;  // the built-in ones too
    std::vector<DerivedSeries> derived;
};

}  // namespace pitot::agent::alerts
