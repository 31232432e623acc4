#include "sinks/pushgateway/transport.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <utility>

#include "sinks/http/classify.h"
#include "sinks/http/client.h"
#include "sinks/prometheus/exposition.h"
#include "sinks/pushgateway/answer.h"

namespace pitot::sinks::pushgateway {
namespace {

class PushTransport final : public Transport {
public:
    PushTransport(TransportSettings settings, Quarantine& quarantine, const Context& context)
        : settings_(std::move(settings)),
          quarantine_(quarantine),
          context_(context),
          client_(settings_.http.client, context) {}

    void send(const Batch& batch, Purpose purpose, std::int64_t deadline_steady_ns,
              Done done) override {
        http::Request request;
        // POST replaces the families it brings and leaves the others of the group alone.
        request.method = purpose == Purpose::probe ? http::Method::post : http::Method::put;
        request.target = settings_.target;
        request.headers.emplace_back("Content-Type", prometheus::content_type);
        request.body = batch.body;
        request.gzip = settings_.http.gzip;
        client_.send(std::move(request), deadline_steady_ns,
                     [this, &batch, done = std::move(done)](const http::Result& result) {
                         done(outcome_of(result, batch));
                     });
    }

    void cancel() override { client_.cancel(); }

    void refused(std::string_view item, std::string_view reason) override {
        const std::string family(prometheus::family_name(item));
        if (!quarantine_.add(family)) return;
        context_.log.warn(
            "sinks.{}: the gateway refuses the metric family {}: {}. It is left out for {} "
            "intervals and then tried again. If another job pushes a metric of that name, rename "
            "one of them or set a prefix for this sink",
            settings_.name, family, reason, quarantine_intervals);
    }

    void finish(std::int64_t deadline_steady_ns, const std::function<void()>& done) override {
        if (!settings_.delete_on_stop) {
            done();
            return;
        }
        http::Request request;
        request.method = http::Method::remove;
        request.target = settings_.target;
        const std::int64_t timeout_ns = context_.time.steady_ns() + settings_.http.timeout.count();
        client_.send(std::move(request), std::min(timeout_ns, deadline_steady_ns),
                     [this, done](const http::Result& result) {
                         const Outcome outcome = http::classify(result, context_.time.wall_ns());
                         if (outcome.verdict != Verdict::delivered) {
                             context_.log.warn(
                                 "sinks.{}: the group could not be deleted: {}; what was "
                                 "pushed last stays at the gateway until it is "
                                 "deleted there",
                                 settings_.name, outcome.reason);
                         }
                         done();
                     });
    }

private:
    Outcome outcome_of(const http::Result& result, const Batch& batch) const {
        Outcome outcome = http::classify(result, context_.time.wall_ns());
        if (outcome.verdict == Verdict::rejected) {
            outcome.suspect = suspect_family(result->body, batch);
        }
        return outcome;
    }

    const TransportSettings settings_;
    Quarantine& quarantine_;
    const Context& context_;
    http::Client client_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(TransportSettings settings, Quarantine& quarantine,
                                          const Context& context) {
    return std::make_unique<PushTransport>(std::move(settings), quarantine, context);
}

}  // namespace pitot::sinks::pushgateway
