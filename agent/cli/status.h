// pitot status: how is the agent that runs here, and what does it lose?
//
// Asks a running agent for /api/v1/status and prints it, on one page for people or as it came.
// Where to ask is in the configuration that the agent has, too: http.address, or --url. The
// exit code says the state, in the order that monitoring plugins have: exit_codes.h.
#pragma once

#include <iosfwd>

#include "agent/cli/arguments.h"
#include "agent/clock.h"
#include "agent/config/environment.h"

namespace pitot::agent {

struct StatusOutput {
    std::ostream& out;
    std::ostream& err;
    bool has_colours = false;
};

int status(const StatusArguments& arguments, const Environment& environment, const Clock& clock,
           const StatusOutput& output);

}  // namespace pitot::agent
