#include "agent/web/web.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/web/alerts_documents.h"
#include "agent/web/pages.h"
#include "agent/web/query.h"
#include "agent/web/series_documents.h"

namespace pitot::agent {
namespace {

using sinks::http::Route;
using sinks::http::ServerAnswer;
using sinks::http::ServerRequest;
using sinks::http::ServerSettings;

constexpr unsigned ok = 200;
constexpr unsigned unavailable = 503;

// Twice in an interval, so that nothing is seen a flush too late; but an idle process is woken
// no more than once a second, and a busy one has more to do than to be asked how it is.
constexpr std::int64_t look_ns_min = 100'000'000;
constexpr std::int64_t look_ns_max = 1'000'000'000;

// What was true a moment ago is of no use to whoever asks again.
ServerAnswer uncached(ServerAnswer answer) {
    answer.headers.emplace_back("Cache-Control", "no-store");
    return answer;
}

ServerAnswer json_answer(unsigned status, std::string text) {
    ServerAnswer answer = sinks::http::text_answer(status, std::move(text));
    answer.content_type = "application/json";
    return uncached(std::move(answer));
}

}  // namespace

Web::Web(HttpConfig config, ProcessFacts process, const Flusher& flusher, Liveness liveness,
         std::vector<sinks::Sink*> sinks, const Clock& clock, const alerts::Alerting* alerting)
    : process_(std::move(process)),
      flusher_(flusher),
      liveness_(std::move(liveness)),
      sinks_(std::move(sinks)),
      alerting_(alerting),
      clock_(clock) {
    if (!config.address) return;
    ServerSettings settings{.address = *std::move(config.address),
                            .bearer_token = std::move(config.token),
                            .wall_ns = [this] { return clock_.wall_ns(); }};
    settings.local_names_only = settings.address.is_loopback() && settings.bearer_token.empty();
    server_.emplace(std::move(settings), routes());
}

Web::~Web() = default;

std::vector<Route> Web::routes() {
    const auto page = [this](std::string_view path, ServerAnswer (Web::*answer)()) {
        return Route{.path = std::string(path),
                     .answer = [this, answer](const ServerRequest&) { return (this->*answer)(); }};
    };
    const auto public_page = [this](std::string_view path, ServerAnswer (Web::*answer)() const) {
        return Route{.path = std::string(path),
                     .answer = [this, answer](const ServerRequest&) { return (this->*answer)(); },
                     .is_public = true};
    };
    std::vector<Route> all{
        public_page(page_live, &Web::answer_live), public_page(page_ready, &Web::answer_ready),
        page(page_health, &Web::answer_health), page(page_status, &Web::answer_status)};
    std::ranges::move(series_routes(), std::back_inserter(all));
    if (alerting_ != nullptr) std::ranges::move(alerts_routes(), std::back_inserter(all));
    for (sinks::Sink* const sink : sinks_) {
        std::ranges::move(sink->routes(), std::back_inserter(all));
    }
    return all;
}

std::vector<Route> Web::series_routes() const {
    const auto page = [this](std::string_view path, auto* document) {
        return Route{.path = std::string(path),
                     .answer = [this, document](const ServerRequest& request) {
                         AlertsAnswer answer =
                             document([this](const auto& visit) { flusher_.each_series(visit); },
                                      parse_query(request.query));
                         return json_answer(answer.status, std::move(answer.text));
                     }};
    };
    return {page(page_series, &series_document), page(page_series_names, &series_names_document)};
}

std::vector<Route> Web::alerts_routes() const {
    const alerts::Alerting& of = *alerting_;
    const auto page = [](std::string_view path, auto answer) {
        return Route{.path = std::string(path), .answer = std::move(answer)};
    };
    const auto explain = [&of](bool with_history) {
        return [&of, with_history](const ServerRequest& request) {
            AlertsAnswer answer = explain_document(
                *of.view(),
                [&of](std::size_t rule, const alerts::GroupLabels& labels, std::size_t most) {
                    return of.instances(rule, labels, most);
                },
                parse_query(request.query), with_history);
            return json_answer(answer.status, std::move(answer.text));
        };
    };
    return {page(page_rules,
                 [&of](const ServerRequest& request) {
                     return json_answer(ok, rules_document(*of.view(), parse_query(request.query)));
                 }),
            page(page_alerts,
                 [&of](const ServerRequest& /*request*/) {
                     return json_answer(ok, alerts_document(*of.view()));
                 }),
            page(page_alerts_explain, explain(false)), page(page_alerts_history, explain(true))};
}

std::optional<std::string> Web::open() {
    return server_ ? server_->start() : std::nullopt;
}

std::string Web::address() const {
    return server_ ? server_->address() : std::string();
}

void Web::ready() {
    phase_ = Phase::running;
}

void Web::stopping() {
    phase_ = Phase::stopping;
}

void Web::close() {
    if (server_) server_->stop();
}

std::int64_t Web::look_ns() const noexcept {
    return server_ ? std::clamp(process_.interval_ns / 2, look_ns_min, look_ns_max) : 0;
}

void Web::look() {
    if (!server_) return;
    liveness_.ask(clock_.steady_ns());
    health_of(facts(), clock_.wall_ns());
}

Facts Web::facts() const {
    Facts facts;
    facts.phase = phase_;
    facts.interval_ns = process_.interval_ns;
    for (const ListenerReport& listener : process_.listeners) {
        facts.listeners.push_back(listener.name);
    }
    // Where the flush is comes before the sinks, whose present is compared with its past, and
    // the clock last: nothing has happened after now.
    facts.flush = flusher_.progress();
    for (const sinks::Sink* const sink : sinks_) {
        facts.sinks.push_back({.name = std::string(sink->name()),
                               .type = std::string(sink->type()),
                               .status = sink->status()});
    }
    if (alerting_ != nullptr) facts.alerts = alerting_->view();
    facts.channels = flusher_.channels();
    facts.now_steady_ns = clock_.steady_ns();
    facts.loops = liveness_.answers(facts.now_steady_ns);
    return facts;
}

HealthReport Web::health_of(const Facts& facts, std::int64_t now_unix_ns) {
    const std::vector<Verdict> verdicts = assess(facts);
    const std::scoped_lock lock(mutex_);
    return tracker_.update(verdicts, now_unix_ns);
}

ServerAnswer Web::answer_live() const {
    const std::string stuck = stuck_loop(facts());
    return uncached(stuck.empty() ? sinks::http::text_answer(ok, "live\n")
                                  : sinks::http::text_answer(unavailable, stuck + "\n"));
}

ServerAnswer Web::answer_ready() const {
    const Phase phase = phase_;
    return uncached(sinks::http::text_answer(
        phase == Phase::running ? ok : unavailable,
        phase == Phase::running ? "ready\n" : std::string(to_string(phase)) + "\n"));
}

ServerAnswer Web::answer_health() {
    const Facts now = facts();
    const std::int64_t now_unix_ns = clock_.wall_ns();
    const HealthReport health = health_of(now, now_unix_ns);
    return json_answer(
        health.state == Health::failing ? unavailable : ok,
        health_document(
            {.process = process_, .now_unix_ns = now_unix_ns, .facts = now, .health = health}));
}

ServerAnswer Web::answer_status() {
    const Facts now = facts();
    const std::int64_t now_unix_ns = clock_.wall_ns();
    const HealthReport health = health_of(now, now_unix_ns);
    return json_answer(
        ok, status_document(
                {.process = process_, .now_unix_ns = now_unix_ns, .facts = now, .health = health}));
}

}  // namespace pitot::agent
