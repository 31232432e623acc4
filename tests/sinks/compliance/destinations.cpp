// Which destination belongs to which type of sink: the one place to tell.
#include <memory>
#include <string_view>

#include "tests/sinks/compliance/destination.h"
#include "tests/sinks/compliance/http_destination.h"
#include "tests/sinks/compliance/scrape_destination.h"
#include "tests/sinks/compliance/search_destination.h"
#include "tests/sinks/compliance/stdout_destination.h"

namespace pitot::tests {

std::unique_ptr<Destination> destination_of(std::string_view type, Wire wire) {
    // Types over HTTP: what they answer, and the settings without which they do not start.
    if (type == "pushgateway") return std::make_unique<HttpDestination>(wire);
    if (type == "elasticsearch") return search_destination(wire);
    if (wire == Wire::tls) return nullptr;
    // The others.
    if (type == "prometheus") return std::make_unique<ScrapeDestination>();
    if (type == "console") return std::make_unique<StdoutDestination>();
    return nullptr;
}

}  // namespace pitot::tests
