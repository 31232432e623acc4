// One batch of lines by POST to /write or /api/v2/write.
#pragma once

#include <memory>
#include <string>

#include "sinks/context.h"
#include "sinks/http/options.h"
#include "sinks/influxdb/answer.h"
#include "sinks/influxdb/stamps.h"
#include "sinks/sink.h"

namespace pitot::sinks::influxdb {

struct HttpSettings {
    std::string name;  // of the sink, for the log
    http::HttpOptions http;
    Target target;
    std::string consistency;  // v1, of clusters; "" for the server's default
    Precision precision = Precision::nanoseconds;
    bool create_database = false;  // v1: when the server says that there is none
};

// Path and query of a write: "/write?db=metrics&precision=ns". The precision is always said:
// servers guess it in different ways.
std::string write_target(const HttpSettings& settings);

// `context` outlives the transport.
std::unique_ptr<Transport> make_http_transport(HttpSettings settings, const Context& context);

}  // namespace pitot::sinks::influxdb
