// The rules that a test file names, ready to be acted out.
//
// A file of rules holds [alerts.NAME] and [units]. [channels.NAME] and [derive.NAME] may stand
// there too, and are passed over: a test sends nothing, and its lines can have the name of a
// derived series. All else of the agent (limits, expiry, the error of histograms) is as it is
// by default, so that a test says the same on every desk.
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
