// `pitot test`: are alert rules what they are meant to be?
//
//     pitot test alerts.d/tests/*.toml
//
// Acts out the tests of each file (agent/alerts/trial) and tells what was not as expected.
// Opens no socket, sends nothing and waits for nothing: a clock of its own moves from flush to
// flush.
#pragma once

#include <iosfwd>

#include "agent/cli/arguments.h"
#include "agent/config/environment.h"

namespace pitot::agent {

struct TestOutput {
    std::ostream& out;         // results
    std::ostream& err;         // problems of the files
    bool is_terminal = false;  // `err` is: show the lines of the files too
};

// Returns exit_success; exit_failure if a test fails, if --coverage finds a rule that is not
// covered, or if a file could not be written; exit_configuration if a test file or the rules
// are wrong, and then no test was run.
int test_rules(const TestArguments& arguments, const Environment& environment,
               const TestOutput& output);

}  // namespace pitot::agent
