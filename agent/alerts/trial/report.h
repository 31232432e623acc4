// What is told of tests: to people, and to programs that read JUnit's XML.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/alerts/trial/trial_run.h"

namespace pitot::agent::alerts {

struct TrialResult {
    const TrialFile* file = nullptr;
    const Trial* trial = nullptr;
    TrialOutcome outcome;

    bool is_passed() const { return outcome.failures.empty(); }
};

// A failure as a table of what was expected and what came, and why:
//
//     db_test.toml:14:3: at 2m10s: high_error_ratio{service=pay}
//                expected                        got
//       state    firing                          pending           <--
//       value    0.1 +- 0.001                    0.1
//
//       high_error_ratio{service=pay} is pending: held for 1m50s, needs 2m
//         …
std::string failure_text(const TrialFailure& failure);

// One test: a line, its failures, and with `verbose` what was told.
std::string result_text(const TrialResult& result, bool verbose);

// "14 tests in 2 files: 13 passed, 1 failed."
std::string summary_text(const std::vector<TrialResult>& results, std::size_t files);

// Each rule that no test expects to fire, or none expects not to; empty if there is none.
std::vector<std::string> uncovered(const std::map<std::string, RuleCoverage>& coverage);

// A test suite for each file, a case for each test.
std::string junit_xml(const std::vector<TrialResult>& results);

}  // namespace pitot::agent::alerts
