#include "sinks/prometheus_scrape/prometheus_scrape.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinks/http/listen_options.h"
#include "sinks/http/server.h"
#include "sinks/prometheus/exposition.h"
#include "sinks/prometheus/options.h"
#include "sinks/prometheus_scrape/page.h"

namespace pitot::sinks::prometheus_scrape {
namespace {

using protocol::Snapshot;

constexpr std::string_view default_path = "/metrics";

struct Settings {
    std::string name;
    std::string path;
    bool created = false;
    std::optional<http::ServerSettings> server;  // none: the page is the agent's to show
    prometheus::ExpositionSettings exposition;
};

class PageEncoder final : public Encoder {
public:
    PageEncoder(std::string sink, prometheus::ExpositionSettings settings, spdlog::logger& log)
        : exposition_(std::move(settings), [sink = std::move(sink), &log](const std::string& what) {
              log.warn("sinks.{}: {}", sink, what);
          }) {}

    // The page as text, which is what a scraper gets that does not ask for another.
    void encode(const Snapshot& snapshot, Encoded& out) override {
        exposition_.encode(snapshot, {}, out);
    }
    // As a page to be published; what is lost and skipped is added to `out`. Returns the points
    // in it.
    std::uint64_t encode(const Snapshot& snapshot, Encoded& out, Page& page) {
        return exposition_.encode(snapshot, out, page.records);
    }
    std::unique_ptr<Page> new_page(bool births) const {
        return std::make_unique<Page>(exposition_.layout(), births);
    }

private:
    prometheus::Exposition exposition_;
};

class ScrapeSink final : public Sink {
public:
    ScrapeSink(Settings settings, const Context& context)
        : name_(std::move(settings.name)),
          path_(settings.path),
          created_(settings.created),
          context_(context),
          encoder_(name_, std::move(settings.exposition), context.log) {
        if (settings.server) server_.emplace(*std::move(settings.server), std::vector{route()});
    }

    std::string_view name() const override { return name_; }
    std::string_view type() const override { return "prometheus"; }
    Encoder& encoder() override { return encoder_; }

    std::optional<std::string> open() override { return server_ ? server_->start() : std::nullopt; }
    std::string where() const override {
        if (!server_) return path_;
        if (server_->address().empty()) return {};
        return fmt::format("http://{}{}", server_->address(), path_);
    }
    std::vector<http::Route> routes() override {
        if (server_) return {};
        return {route()};
    }

    void send(const Snapshot& snapshot) override {
        const std::int64_t started_ns = context_.time.steady_ns();
        Encoded encoded;
        std::unique_ptr<Page> page = encoder_.new_page(created_);
        const std::uint64_t points = encoder_.encode(snapshot, encoded, *page);
        const std::size_t bytes = page->records.text_bytes();
        page_.publish(std::move(page));

        const std::int64_t took_ns = context_.time.steady_ns() - started_ns;
        const std::lock_guard lock(mutex_);
        status_.encodings.add(took_ns);
        status_.ledger.offered += snapshot.points();
        status_.ledger.delivered += points;
        status_.ledger.lost.add(encoded.lost);
        status_.ledger.skipped.add(encoded.skipped);
        status_.delivered_bytes += bytes;
        ++status_.attempts;
        status_.last_success_unix_ns = context_.time.wall_ns();
        set_state(SinkState::working);
    }

    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) override {
        static_cast<void>(deadline_steady_ns);  // nothing is waited for
        context_.time.post([this, on_drained = std::move(on_drained)] {
            if (server_) server_->stop();
            {
                const std::lock_guard lock(mutex_);
                set_state(SinkState::stopped);
            }
            on_drained();
        });
    }

    SinkStatus status() const override {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    http::Route route() {
        return {.path = path_, .answer = [this](const http::ServerRequest& request) {
                    return page_.answer(request);
                }};
    }
    // Under mutex_.
    void set_state(SinkState state) {
        if (std::exchange(status_.state, state) == state) return;
        status_.since_unix_ns = context_.time.wall_ns();
    }

    const std::string name_;
    const std::string path_;
    const bool created_;
    const Context& context_;
    PageEncoder encoder_;  // of the flush thread
    ScrapePage page_;
    mutable std::mutex mutex_;
    SinkStatus status_;
    std::optional<http::Server> server_;  // last: its thread reads the page
};

std::string read_path(Options& options) {
    std::string path = options.text("path", default_path);
    const bool is_plain =
        path.starts_with('/') && path.find_first_of("?#%\"\\") == std::string::npos &&
        std::ranges::all_of(path,
                            [](char character) { return character > 0x20 && character < 0x7f; });
    if (!is_plain) {
        options.problem("path", "must begin with '/' and have no blanks, '?', '#' and '%'");
    }
    return path;
}

// None where there is no address: the agent's server has the page then, and its own token.
std::optional<http::ServerSettings> read_server(Options& options, const Context& context) {
    http::ListenOptions listen = http::read_listen_options(options, {}, "bearer_token");
    if (!options.has("address") && options.has("bearer_token")) {
        options.problem("bearer_token",
                        "must go with an address: without one, the page is on the agent's own "
                        "server, whose token is http.token");
    }
    if (listen.is_empty) {
        options.problem("address",
                        "must be ADDRESS:PORT, or not set: the page is on the agent's own server "
                        "then");
    }
    if (!listen.address) return {};
    return http::ServerSettings{.address = *std::move(listen.address),
                                .bearer_token = std::move(listen.token),
                                .wall_ns = [&context] { return context.time.wall_ns(); }};
}

}  // namespace

std::unique_ptr<Sink> make(Options& options, const Context& context) {
    Settings settings;
    settings.name = options.name();
    settings.path = read_path(options);
    settings.server = read_server(options, context);
    settings.created = options.boolean("created", false);
    settings.exposition = prometheus::read_exposition_options(options);
    settings.exposition.quantiles = context.quantiles;
    settings.exposition.open_metrics = true;
    return std::make_unique<ScrapeSink>(std::move(settings), context);
}

}  // namespace pitot::sinks::prometheus_scrape
