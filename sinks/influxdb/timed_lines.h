// Lines of the samples that have a time of their own (`|T`).
//
// Samples of one series and second are one point in the destination, so they are merged before
// they are written: counters add up, of gauges the last one stands. Called by the encoder once
// a Snapshot.
#pragma once

#include "protocol/snapshot.h"
#include "sinks/influxdb/line_keys.h"
#include "sinks/influxdb/line_protocol.h"
#include "sinks/influxdb/line_writer.h"
#include "sinks/influxdb/stamps.h"
#include "sinks/sink.h"

namespace pitot::sinks::influxdb {

// What of the encoder's is needed here.
struct TimedContext {
    const LineSettings& settings;
    const LineKeys& keys;
    const Stamps& stamps;
};

// Skipped (own_time): a time beyond what servers can hold, and a counter where the precision
// cannot keep two intervals' parts of a second apart. Lost (name_clash): one that another
// series has the key of.
void append_timed_lines(const protocol::Snapshot& snapshot, const TimedContext& context,
                        LineWriter& lines, Encoded& out);

}  // namespace pitot::sinks::influxdb
