// What reading a configuration needs to know of sinks, without having any: which types there
// are, and how to let one read its section. The binary's is in agent/sink_set.h.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "agent/config/load.h"

namespace pitot::agent {

struct SinkTrial {
    std::vector<std::string_view> types;
    // Has the sink read its section; called once for each.
    std::function<void(const SinkSection&)> read;
};

}  // namespace pitot::agent
