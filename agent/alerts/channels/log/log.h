// Messages as lines of the agent's log, where [log] says: for rules that name no channel.
//
//   alerts.slow: firing, critical: slow (service=pay): 312 ms; p95(x) > 250ms #9f86d081884c7d65
//
// A warning while it fires (an error from severity "error" on, information for "info"),
// information when it is over. What stands at the end tells alerts apart that differ in a
// number only, which the log would take for repeats. Options: those of the Outbox, whose rate
// limit and repeats are off unless set.
#pragma once

#include <string>

#include "agent/alerts/channels/registry.h"

namespace pitot::agent::alerts::channels::log {

MakeChannel read(sinks::Options& options);
// With all options as they are by default: of the channel that is there without being written.
MakeChannel make_default(std::string name);

// The line, fit for any log.
std::string line_of(const Message& message);

}  // namespace pitot::agent::alerts::channels::log
