// One interval as lines for people: a headline, then a line for each series with news.
//
//   2026-08-01T12:00:10Z  series: 1  events: 0  service checks: 0  refused lines: 2
//     page.views {env=prod,shell} counter: +3, 0.3/s, 10 in all
//
// Made to be read, not parsed: its words may change, the JSON's do not.
#pragma once

#include <string>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks::console {

void append_text(const protocol::Snapshot& snapshot, const std::vector<double>& quantiles,
                 std::string& out);

}  // namespace pitot::sinks::console
