// Where a running agent is asked: for the commands that show what it says.
//
// It is in the configuration that the agent has, too: http.address and http.token, or --url.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "agent/cli/arguments.h"
#include "agent/cli/http_get.h"
#include "agent/config/environment.h"
#include "sinks/http/url.h"
#include "sinks/options.h"

namespace pitot::agent {

struct AgentTarget {
    sinks::http::Url url;
    sinks::Secret token;
    std::string origin;               // "--url", "the default of http.address"
    bool is_token_elsewhere = false;  // a credential that only the service has
};

// Why nobody can be asked: for standard error, whole lines.
struct TargetRefusal {
    int exit_code = 0;
    std::string text;
};

// `command` is what the words begin with: "pitot status".
std::expected<AgentTarget, TargetRefusal> find_agent(std::string_view command,
                                                     const TargetArguments& arguments,
                                                     const Environment& environment);

// Why there is no document, and what to do.
std::string unanswered(const AgentTarget& target,
                       const std::expected<HttpReply, std::string>& reply);

}  // namespace pitot::agent
