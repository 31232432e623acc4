// One interval as one JSON object: what `pitot once` prints and the console sink writes.
//
//   {"start": …, "end": …, "series": […], "events": […], "service_checks": […],
//    "rejected": {"bad_number": 1}}
//
// start and end are UNIX seconds. `series` holds those with news in the interval, sorted by
// name, kind and tags; a sample with a time of its own follows with its "timestamp". Field
// names are those of `pitot explain`. The object is one line, without a line feed.
#pragma once

#include <string>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks::console {

// `quantiles` in (0, 1]; each is a key of "quantiles".
void append_json(const protocol::Snapshot& snapshot, const std::vector<double>& quantiles,
                 std::string& out);

}  // namespace pitot::sinks::console
