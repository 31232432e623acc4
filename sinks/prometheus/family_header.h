// The lines that begin a family, in both formats.
//
//     text 0.0.4                                      OpenMetrics 1.0
//     # HELP app_hits_total StatsD counter app.hits   # TYPE app_hits counter
//     # TYPE app_hits_total counter                   # HELP app_hits StatsD counter app.hits
//
//     # HELP load_seconds StatsD timer load           # TYPE load_seconds summary
//     # TYPE load_seconds summary                     # UNIT load_seconds seconds
//                                                     # HELP load_seconds StatsD timer load
//
// Source: OpenMetrics 1.0.0, and Prometheus "Exposition formats". HELP escapes \ and LF, and in
// OpenMetrics " too. A counter whose name has no "_total", or whose name without it is another
// family's, is of type unknown there, under its whole name: nothing is lost by it.
//
// Written anew each time, since a family may have a single series and would otherwise keep more
// for its header than for anything else.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/sample.h"
#include "sinks/prometheus/family.h"

namespace pitot::sinks::prometheus {

struct FamilyHeader {
    std::string_view name;
    FamilyType type = FamilyType::gauge;
    protocol::Kind kind = protocol::Kind::gauge;  // of the founder
    std::string_view founder;                     // its name, as its sender writes it
    // A counter that is one in OpenMetrics: its name ends with "_total" then.
    bool is_open_metrics_counter = false;
};

// Of the text format, exactly.
std::size_t header_bytes(const FamilyHeader& header);
// To where there are so many bytes. What is written ends where the result says.
char* write_header(const FamilyHeader& header, char* at);

// Of OpenMetrics, at most; and its lines, likewise.
std::size_t open_metrics_header_bytes_max(const FamilyHeader& header);
char* write_open_metrics_header(const FamilyHeader& header, char* at);

}  // namespace pitot::sinks::prometheus
