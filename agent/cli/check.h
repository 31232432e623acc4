// pitot check: is this configuration right?
//
// Reads the file as `pitot run` would, makes every sink and throws it away again; opens no
// socket and asks no destination. Secrets are looked up, because a file that is not there
// would stop the agent. Only with --live does it ask something: a running agent, for its series.
#pragma once

#include <functional>
#include <iosfwd>
#include <string_view>
#include <vector>

#include "agent/cli/arguments.h"
#include "agent/config/environment.h"
#include "agent/config/load.h"
#include "agent/config/sink_trial.h"

namespace pitot::agent {

struct CheckOutput {
    std::ostream& out;         // "conf/pitot.toml: ok: 4 listeners, 2 sinks"; --show
    std::ostream& err;         // problems and warnings
    bool is_terminal = false;  // `err` is: show the lines of the file too
};

// Returns exit_success, exit_configuration, or with --strict exit_warnings. Of a configuration
// that is right, when its rules could not be held against series: exit_failure, or exit_usage
// for a wrong --url; they are explained without.
int check(const CheckArguments& arguments, const SinkTrial& trial, const Environment& environment,
          const CheckOutput& output);

}  // namespace pitot::agent
