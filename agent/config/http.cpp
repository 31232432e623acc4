#include "agent/config/http.h"

#include <utility>

#include "sinks/http/listen_options.h"

namespace pitot::agent {
namespace {

// Nobody else's by habit: 9102 is statsd_exporter's, 8126 Datadog's traces, 9091 Pushgateway's.
constexpr std::string_view default_address = "127.0.0.1:9125";

}  // namespace

HttpConfig read_http(SectionReader&& section, std::span<const std::string> root_keys) {
    sinks::http::ListenOptions read =
        sinks::http::read_listen_options(section, default_address, "token");
    section.report_unknown(root_keys);
    return {.address = std::move(read.address), .token = std::move(read.token)};
}

}  // namespace pitot::agent
