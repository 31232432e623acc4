// The agent's own server: /metrics, health and status (pages.h), for people, probes, scrapers
// and `pitot status`.
//
// App owns it, opens it before lines are counted, and closes it last, so that a stop can be
// watched: /health/ready says 503 from the moment at which it begins.
//
// Nothing here waits for a shard, the flush or a destination: a page is made from what the
// last flush has published, from where it is now, and from the sinks' own status. Whether the
// loops turn is found out by questions that look() puts to them from the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/alerting.h"
#include "agent/clock.h"
#include "agent/config/config.h"
#include "agent/flush/flusher.h"
#include "agent/service/liveness.h"
#include "agent/status/health.h"
#include "agent/web/documents.h"
#include "sinks/http/server.h"
#include "sinks/sink.h"

namespace pitot::agent {

class Web {
public:
    // All references, and the sinks, outlive this. Without an address there is no server, and
    // every call does nothing.
    // Without `alerting` there are no pages about alerts.
    Web(HttpConfig config, ProcessFacts process, const Flusher& flusher, Liveness liveness,
        std::vector<sinks::Sink*> sinks, const Clock& clock,
        const alerts::Alerting* alerting = nullptr);
    ~Web();
    Web(const Web&) = delete;
    Web& operator=(const Web&) = delete;

    // Binds, and answers from now on. A sentence when that is not possible.
    std::optional<std::string> open();
    // "127.0.0.1:9125", with the port that it got; "" when there is none.
    std::string address() const;
    // Lines are counted, and loops can be asked.
    void ready();
    void stopping();
    void close();

    // How often to look(): 0 is never.
    std::int64_t look_ns() const noexcept;
    // Main thread: asks each loop for a sign of life, and notes how the parts are.
    void look();

private:
    std::vector<sinks::http::Route> routes();
    Facts facts() const;
    sinks::http::ServerAnswer answer_live() const;
    sinks::http::ServerAnswer answer_ready() const;
    sinks::http::ServerAnswer answer_health();
    sinks::http::ServerAnswer answer_status();
    std::vector<sinks::http::Route> alerts_routes() const;
    std::vector<sinks::http::Route> series_routes() const;
    HealthReport health_of(const Facts& facts, std::int64_t now_unix_ns);

    const ProcessFacts process_;
    const Flusher& flusher_;
    const Liveness liveness_;
    const std::vector<sinks::Sink*> sinks_;
    const alerts::Alerting* const alerting_;
    const Clock& clock_;
    std::atomic<Phase> phase_ = Phase::starting;

    std::mutex mutex_;
    HealthTracker tracker_;  // guarded by mutex_

    std::optional<sinks::http::Server> server_;  // last: its thread reads the rest
};

}  // namespace pitot::agent
