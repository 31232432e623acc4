// Reads a file of rule tests, and the rules that it names.
//
// Every problem of the file is told at once, with its place and what would be right: unknown
// keys, lines that pitot would refuse, alerts, labels, severities and channels that the rules
// do not have. Those of the rules come out beside them. README.md beside this file has the
// language; trial_rules.h says what a file of rules may hold.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "agent/alerts/trial/trial.h"
#include "agent/alerts/trial/trial_rules.h"
#include "agent/config/environment.h"
#include "agent/config/problem.h"

namespace pitot::agent::alerts {

struct TrialFileResult {
    TrialFile file;
    // Nothing if they could not be read.
    std::unique_ptr<TrialRules> rules;
    // With any, nothing else here is to be used.
    std::vector<Problem> problems;
};

TrialFileResult read_trial_file(const std::filesystem::path& path, const Environment& environment);

}  // namespace pitot::agent::alerts
