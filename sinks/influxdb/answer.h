// What a server of line protocol means by its answer: InfluxDB 1, 2 and 3, VictoriaMetrics.
//
//   204, other 2xx without a body           delivered
//   2xx with a body                         hold: a login page, a wrong address
//   "hinted handoff queue not empty"        delivered: a cluster has it, and passes it on
//   400                                     rejected; of InfluxDB 1 the good lines are stored.
//                                           Its header may be too large to be read, where it
//                                           repeats a line
//   400 "… dropped=N", N all lines          each line is lost(rejected), without a search
//   422                                     rejected, the good lines are stored
//   404 "database not found", no bucket     hold, with what to create
//   500 "retention policy not found"        hold: no retry will make one
//
// and the rest as http::classify() has it. "Rejected" makes delivery look for the guilty lines
// in halves. That is right also where the good lines were stored: their timestamps are fixed,
// so that sending them again changes nothing. The number after "dropped=" is otherwise not to
// be trusted: it is 0 for lines that cannot be parsed, and one shard's of several.
//
// Source: InfluxDB's API reference, and InfluxDB 1.6.7 itself. Pure; used by http_transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sinks/http/response.h"
#include "sinks/outcome.h"

namespace pitot::sinks::influxdb {

enum class Version : std::uint8_t { v1, v2 };

// What was asked for, for the words of advice.
struct Target {
    Version version = Version::v1;
    std::string database = {};          // v1
    std::string retention_policy = {};  // v1; "" for the default one
    std::string organisation = {};      // v2
    std::string bucket = {};            // v2
};

// `items`: lines of the batch.
Outcome outcome_of(const http::Result& result, const Target& target, std::size_t items,
                   std::int64_t now_unix_ns);

// InfluxDB 1 would take the lines, if there were a database for them.
bool lacks_database(const http::Result& result);

// Why a statement sent to /query failed; "" when it did not. A 200 may hold an error.
std::string query_error(const http::Result& result);

}  // namespace pitot::sinks::influxdb
