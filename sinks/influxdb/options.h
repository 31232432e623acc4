// What the operator says about an InfluxDB sink, read and checked.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "sinks/context.h"
#include "sinks/influxdb/http_transport.h"
#include "sinks/influxdb/line_protocol.h"
#include "sinks/influxdb/udp_transport.h"
#include "sinks/options.h"

namespace pitot::sinks::influxdb {

struct Settings {
    bool is_udp = false;  // which of the next two is meant
    HttpSettings http;
    UdpSettings udp;
    LineSettings lines;
    std::size_t queue_bytes_max = 0;
};

// Problems go to `options`; the result is then good for nothing but being destroyed.
Settings read_options(Options& options, const Context& context);

// "udp://host:port", also "udp://[::1]:8089". The error reads on after "url: ".
struct UdpAddress {
    std::string host;
    std::uint16_t port = 0;
};
std::expected<UdpAddress, std::string> parse_udp_url(std::string_view text);

}  // namespace pitot::sinks::influxdb
