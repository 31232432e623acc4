// Acts one test out and says what was not as expected.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/alerts/trial/comparison.h"
#include "agent/alerts/trial/stage.h"
#include "agent/alerts/trial/trial.h"

namespace pitot::agent::alerts {

// An expectation that was not met: at "*", the first flush at which it was not.
struct TrialFailure {
    const Expectation* expectation = nullptr;  // of the Trial
    std::int64_t at_ns = 0;
    Comparison comparison;
    std::vector<std::string> explanation;
};

struct TrialOutcome {
    std::vector<TrialFailure> failures;  // in the order of the test
    // What was told, in the order of time: "2m10s high_error_ratio{service=pay} firing: …".
    std::vector<std::string> told;
};

TrialOutcome run_trial(const TrialFile& file, const TrialRules& rules, const Trial& trial);

// Which rules a file's tests say something about.
struct RuleCoverage {
    bool fires = false;  // some test expects it to fire, or to be told of
    bool rests = false;  // some test expects that it is ok or pending
};
// Adds what the file's tests expect; a rule without any has an entry, too.
void add_coverage(const TrialFile& file, const TrialRules& rules,
                  std::map<std::string, RuleCoverage>& coverage);

}  // namespace pitot::agent::alerts
