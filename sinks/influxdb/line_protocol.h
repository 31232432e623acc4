// Snapshot → InfluxDB line protocol: one line for each series with news.
//
//     page.views,host=web-1,metric_type=counter delta=3,rate=0.3,total=12 1785542410000000000
//
//   counter                         delta, rate (a second), total (since birth)
//   gauge                           value
//   set                             unique
//   timer, histogram, distribution  count, sum, min, max, mean, stddev, p50 …; timers in
//                                   milliseconds, as they are sent
//   sample with its own time        delta or value, at its time
//   event                           title, text … as strings, in the measurement "events"
//   service check                   status, message, in the measurement "service_checks"
//
// Every number is a float: a field has one type for ever, and a sum that is whole today may
// have a fraction tomorrow. NaN and infinity are not written, the format has none; a point
// without any other field is lost(rejected).
//
// Keys are made by line_key.h and kept apart by line_keys.h, timestamps by stamps.h. Each line
// is an item of its batch: what a server can refuse alone. Transport is not its business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sinks/influxdb/line_key.h"
#include "sinks/influxdb/stamps.h"
#include "sinks/sink.h"

namespace pitot::sinks::influxdb {

// A batch is ended by this too, so that one of long lines stays far below what servers take.
inline constexpr std::size_t batch_bytes_max = 4 * std::size_t{1024} * 1024;

struct LineSettings {
    KeySettings keys = {};
    Precision precision = Precision::nanoseconds;
    std::size_t batch_lines_max = 5'000;
    // Longer lines, with their line feed, are lost(too_large).
    std::size_t line_bytes_max = static_cast<std::size_t>(-1);
    bool has_events = true;         // else they are skipped, and service checks too
    std::vector<double> quantiles;  // in (0, 1]
};

// `report` gets sentences for the operator: about clashing names, and timestamps that run
// ahead.
std::unique_ptr<Encoder> make_encoder(LineSettings settings,
                                      std::function<void(const std::string&)> report);

}  // namespace pitot::sinks::influxdb
