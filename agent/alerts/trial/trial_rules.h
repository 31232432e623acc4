// The rules that a test file names, ready to be acted out.
//
// Of a file of rules, [alerts.NAME], [derive.NAME] and [units] count; all else of a configuration
// may stand there too, and is passed over. A test sends nothing, and the agent (limits, expiry,
// the error of histograms) is as it is by default, so that a test says the same on every desk.
// Its lines may have the name of a derived series: they stand in for it, where a test is not
// about what it is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/config/config.h"
#include "agent/config/environment.h"
#include "agent/config/problem.h"

namespace pitot::agent::alerts {

struct TrialRules {
    AlertsConfig alerts;
    Config config;  // of the data path
};

// Windows are compiled for flushes that are `interval_ns` apart. Without the rules about the
// agent itself: there is none. Null if there are problems, which are added to `problems`.
std::unique_ptr<TrialRules> load_trial_rules(std::span<const std::filesystem::path> files,
                                             std::int64_t interval_ns,
                                             const Environment& environment,
                                             std::vector<Problem>& problems);

// Null if there is none of the name.
const RuleDefinition* find_rule(const TrialRules& rules, std::string_view name);

}  // namespace pitot::agent::alerts
