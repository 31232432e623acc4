// The Prometheus Pushgateway sink: the whole state by PUT, each interval.
//
//   [sinks.push]
//   type = "pushgateway"
//   url = "http://127.0.0.1:9091"
//
// A Pushgateway holds what it was last given, by group, for ever; a PUT replaces the group.
// So each interval's batch is the complete state of every living series, series that expired
// vanish with the next PUT, an interval without news is still pushed (push_time_seconds stays
// fresh), and only the newest state is worth keeping while the gateway is away.
//
// sinks/README.md has the options and what the destination cannot represent.
#pragma once

#include <memory>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::pushgateway {

std::unique_ptr<Sink> make(Options& options, const Context& context);

}  // namespace pitot::sinks::pushgateway
