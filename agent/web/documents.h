// The JSON of /health and /api/v1/status.
//
// Numbers are exact; moments are RFC 3339 and durations seconds. Texts that come from
// elsewhere (lines, senders, names, what a destination answered) are made printable first, so
// that a document can be shown on any terminal or page as it is. Credentials are in none of
// what is handed in here.
//
// `pitot status` reads these documents (agent/cli/status_page.h), and monitoring may: members
// are added from version to version, and not taken away.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/net/open_listeners.h"
#include "agent/status/health.h"
#include "agent/status/interval_status.h"

namespace pitot::agent {

// What does not change while the process runs.
struct ProcessFacts {
    std::string version;
    std::int64_t pid = 0;
    std::int64_t started_unix_ns = 0;
    std::int64_t started_steady_ns = 0;
    std::int64_t interval_ns = 0;
    std::uint32_t shards = 0;
    LimitsConfig limits = {};
    std::vector<ListenerReport> listeners = {};  // by index of the listener
    std::vector<std::string> advice = {};        // sentences: sysctls to set
};

// One moment.
struct StatusReport {
    const ProcessFacts& process;
    std::int64_t now_unix_ns = 0;
    const Facts& facts;
    const HealthReport& health;
};

std::string health_document(const StatusReport& report);
std::string status_document(const StatusReport& report);

}  // namespace pitot::agent
