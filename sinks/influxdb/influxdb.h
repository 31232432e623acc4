// The InfluxDB sink: line protocol over HTTP (versions 1 and 2) or UDP. VictoriaMetrics and
// InfluxDB 3 take the same.
//
//   [sinks.history]
//   type = "influxdb"
//   url = "http://127.0.0.1:8086"     # or udp://127.0.0.1:8089
//   database = "metrics"              # version 2: org, bucket, token
//
// Points are history: each interval's batches are kept in order until the server has them,
// and a batch that is sent twice overwrites itself, because its timestamps are in its bytes.
//
// README.md beside this folder has the options and what the destination cannot represent.
#pragma once

#include <memory>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::influxdb {

std::unique_ptr<Sink> make(Options& options, const Context& context);

}  // namespace pitot::sinks::influxdb
