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
#include "sinks/console/series_order.h"
#include "sinks/json_writer.h"
#include "sinks/quantiles.h"

namespace pitot::sinks::console {

class JsonEncoder {
public:
    // `quantiles` in (0, 1], ascending; each is a key of "quantiles".
    explicit JsonEncoder(std::vector<double> quantiles);

    // Of the intervals of one run, in order: what a series is called is kept.
    void append(const protocol::Snapshot& snapshot, std::string& out);

private:
    void append_series(const protocol::Snapshot& snapshot, const Updated& updated,
                       JsonWriter& json);

    SeriesOrder order_;
    Quantiles quantiles_;
    std::vector<std::string> quantile_names_;
};

}  // namespace pitot::sinks::console
