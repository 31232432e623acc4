// The final configuration, as TOML that can be loaded again: `pitot check --show`.
//
//     interval = "1s"  # PITOT_INTERVAL
//     #shards = "auto"  # default
//
//     [sinks.push]
//     url = "http://127.0.0.1:9091"  # conf.d/push.toml:2
//     #password = "(secret)"  # pitot.toml:14
//
// Every option that was asked for is in it, those of sinks too, since it is made from the
// list of all questions (Asked): none can be forgotten. As in conf/pitot.toml, a default is
// a comment: so what somebody set is seen at once, and an option that does not go with
// another one is not in the way when the text is loaded. A secret that stands in the open is
// a comment; one that is a reference to a file, variable or credential is shown as such.
// The text is the whole of the configuration: what was included is in it, and `include` is
// empty.
#pragma once

#include <string>

#include "agent/config/load.h"

namespace pitot::agent {

// `loaded` is finished, and without problems.
std::string show(const LoadedConfig& loaded);

}  // namespace pitot::agent
