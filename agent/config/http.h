// Reads [http]: the agent's own server.
//
//     [http]
//     address = "127.0.0.1:9125"
//     token = { file = "/etc/pitot/token" }
//
// Called by load.cpp. What is checked, is checked for servers of sinks too, and in one place:
// sinks/http/listen_options.h.
#pragma once

#include <span>
#include <string>

#include "agent/config/config.h"
#include "agent/config/options.h"

namespace pitot::agent {

HttpConfig read_http(SectionReader&& section, std::span<const std::string> root_keys);

}  // namespace pitot::agent
