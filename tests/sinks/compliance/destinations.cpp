// Which destination belongs to which type of sink: the one place to tell.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tests/sinks/compliance/destination.h"
#include "tests/sinks/compliance/http_destination.h"
#include "tests/sinks/compliance/scrape_destination.h"
#include "tests/sinks/compliance/search_destination.h"
#include "tests/sinks/compliance/stdout_destination.h"

namespace pitot::tests {
namespace {

// 4 MiB, and a line that begins below it.
constexpr std::size_t influxdb_batch = 4 * std::size_t{1024} * 1024 + 128 * std::size_t{1024};

void influxdb_settings(SinkOptions& options) {
    options.set("database", "metrics");
    options.set("username", "me").set("password", std::string(credential_text));
}

}  // namespace

std::unique_ptr<Destination> destination_of(std::string_view type, Wire wire) {
    // Types over HTTP: what they answer, and the settings without which they do not start.
    if (type == "pushgateway") return std::make_unique<HttpDestination>(wire);
    if (type == "influxdb") {
        return std::make_unique<HttpDestination>(
            wire, HttpManners{.settings = influxdb_settings, .batch_bytes_max = influxdb_batch});
    }
    if (type == "elasticsearch") return search_destination(wire);
    if (wire == Wire::tls) return nullptr;
    // The others.
    if (type == "prometheus") return std::make_unique<ScrapeDestination>();
    if (type == "console") return std::make_unique<StdoutDestination>();
    return nullptr;
}

}  // namespace pitot::tests
