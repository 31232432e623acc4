#include "sinks/influxdb/influxdb.h"

#include <spdlog/logger.h>

#include <string>
#include <utility>

#include "sinks/delivery/delivering_sink.h"
#include "sinks/influxdb/options.h"

namespace pitot::sinks::influxdb {
namespace {

// What bounds the queue is its bytes; this one is for intervals with hardly any news.
constexpr std::size_t queue_batches_max = 100'000;

// Of datagrams there is no answer to wait for; the time is for a look-up, and for the kernel
// to take them.
constexpr std::chrono::nanoseconds udp_timeout = std::chrono::seconds(10);

}  // namespace

std::unique_ptr<Sink> make(Options& options, const Context& context) {
    Settings settings = read_options(options, context);

    DeliverySettings delivery;
    delivery.name = options.name();
    delivery.policy = QueuePolicy::keep_order;
    delivery.isolation = Isolation::halves;
    delivery.bounds = {.batches_max = queue_batches_max, .bytes_max = settings.queue_bytes_max};
    delivery.attempt_timeout = settings.is_udp ? udp_timeout : settings.http.http.timeout;

    auto encoder =
        make_encoder(std::move(settings.lines),
                     [sink = std::string(options.name()), &log = context.log](
                         const std::string& what) { log.warn("sinks.{}: {}", sink, what); });
    auto transport = settings.is_udp ? make_udp_transport(std::move(settings.udp), context)
                                     : make_http_transport(std::move(settings.http), context);
    return make_delivering_sink("influxdb", delivery, std::move(encoder), std::move(transport),
                                context);
}

}  // namespace pitot::sinks::influxdb
