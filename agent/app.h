// `pitot run`: the service, from the configuration to the last delivery.
//
// Builds every part in order and takes them down in the direction of the data; the parts
// do the work. Called by main(), on the main thread, which then waits for a signal.
#pragma once

#include "agent/cli/arguments.h"

namespace pitot::agent {

// Until SIGTERM or SIGINT. Returns the exit code: 0 after a clean stop, 1 when a listener
// cannot be opened, 78 when the configuration has problems. A second signal ends the
// process at once.
int run(const RunArguments& arguments);

}  // namespace pitot::agent
