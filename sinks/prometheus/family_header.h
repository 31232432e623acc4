// The two lines that begin a family in the text format, written and read back.
//
//     # HELP app_hits_total StatsD counter app.hits
//     # TYPE app_hits_total counter
//
// Written at each flush, since a family may have a single series and would otherwise keep more
// for its header than for anything else. Read to make the same family's header in the other
// format (open_metrics.h).
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/snapshot.h"
#include "sinks/prometheus/family_store.h"
#include "sinks/text_writer.h"

namespace pitot::sinks::prometheus {

void write_family_header(const Family& family, const protocol::Series& founder, TextWriter& out);

// Views into what was read.
struct FamilyHeader {
    std::string_view name;
    std::string_view kind;             // of the founder
    std::string_view escaped_founder;  // its name, as HELP has it
    std::string_view type;
    std::size_t bytes = 0;  // of both lines
};

// `text` begins with what write_family_header() wrote; all is empty if it does not.
FamilyHeader read_family_header(std::string_view text);

}  // namespace pitot::sinks::prometheus
