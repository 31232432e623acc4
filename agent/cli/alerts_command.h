// pitot alerts: what is pending or fires in the agent that runs here, and why.
//
// Asks for the pages of agent/web/alerts_documents.h and prints them, on a page for people
// (alerts_page.h) or as they came. The exit code of `list` is one that a script can act on.
#pragma once

#include <iosfwd>

#include "agent/cli/arguments.h"
#include "agent/clock.h"
#include "agent/config/environment.h"

namespace pitot::agent {

struct AlertsOutput {
    std::ostream& out;
    std::ostream& err;
    bool has_colours = false;
};

int alerts_command(const AlertsArguments& arguments, const Environment& environment,
                   const Clock& clock, const AlertsOutput& output);

}  // namespace pitot::agent
