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
#include "sinks/console/series_order.h"
#include "sinks/quantiles.h"

namespace pitot::sinks::console {

class TextEncoder {
public:
    // `quantiles` in (0, 1], ascending.
    explicit TextEncoder(std::vector<double> quantiles);

    // Of the intervals of one run, in order: what a series is called is kept.
    void append(const protocol::Snapshot& snapshot, std::string& out);

private:
    SeriesOrder order_;
    Quantiles quantiles_;
    std::vector<std::string> quantile_names_;
};

}  // namespace pitot::sinks::console
