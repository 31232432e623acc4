#include "sinks/registry.h"

#include <algorithm>
#include <array>

#include "sinks/console/console.h"
#include "sinks/elasticsearch/elasticsearch.h"
#include "sinks/influxdb/influxdb.h"
#include "sinks/prometheus_scrape/prometheus_scrape.h"
#include "sinks/pushgateway/pushgateway.h"

namespace pitot::sinks {
namespace {

constexpr std::array types{
    SinkType{"prometheus", "/metrics, for Prometheus to scrape: text or OpenMetrics",
             prometheus_scrape::make},
    SinkType{"pushgateway", "Prometheus Pushgateway: the whole state, by PUT, each interval",
             pushgateway::make},
    SinkType{"elasticsearch", "Elasticsearch or OpenSearch: documents, by the bulk API",
             elasticsearch::make},
    SinkType{"influxdb", "InfluxDB 1 and 2, VictoriaMetrics: line protocol over HTTP or UDP",
             influxdb::make},
    SinkType{"console", "standard output, as JSON lines or text", console::make},
};

}  // namespace

std::span<const SinkType> sink_types() {
    return types;
}

const SinkType* find_sink_type(std::string_view name) {
    const auto* const found = std::ranges::find(types, name, &SinkType::name);
    return found == types.end() ? nullptr : found;
}

}  // namespace pitot::sinks
