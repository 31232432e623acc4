// Sinks as they run: snapshots from one thread, delivery or scrapes on another, status from a
// third, with the real scheduler. For ThreadSanitizer, and for the ledger at every moment.
#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sinks/io_scheduler.h"
#include "sinks/registry.h"
#include "tests/support/http_double.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;

namespace {

std::int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}
std::int64_t wall_ns() {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

TEST_CASE("flush, delivery and status on three threads") {
    HttpDouble server;
    // Some trouble on the way: 503, a cut connection, a refusal that is searched.
    for (int i = 0; i < 5; ++i) {
        server.next(reply(200));
        server.next(reply(503, "busy"));
        server.next(HttpDouble::Step{.cut_reply_at = 3});
        server.next(reply(400, "no"));
    }
    boost::asio::io_context io{1};
    auto work = boost::asio::make_work_guard(io);
    const auto time = make_io_scheduler(io, wall_ns, steady_ns);
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    const Context context{.io = io,
                          .time = *time,
                          .log = log,
                          .random = [] { return 0.001; },
                          .user_agent = "pitot/test",
                          .host_name = "web-1",
                          .quantiles = {0.5}};
    SinkOptions options("push");
    options.set("url", server.url()).set("delete_on_stop", true);
    const std::unique_ptr<Sink> sink = find_sink_type("pushgateway")->make(options, context);
    REQUIRE(options.problems() == "");

    std::thread io_thread([&] { io.run(); });
    std::atomic<bool> is_over = false;
    std::atomic<bool> was_open = false;
    std::thread reader([&] {
        while (!is_over) {
            if (!sink->status().ledger.closed()) was_open = true;
        }
    });
    SnapshotMaker maker;
    for (int interval = 0; interval < 200; ++interval) {
        for (int i = 0; i < 20; ++i) maker.count("c" + std::to_string(i), "", 1);
        sink->send(maker.end_interval());
    }
    std::promise<void> drained;
    sink->stop(steady_ns() + 20'000'000'000, [&] { drained.set_value(); });
    drained.get_future().wait();
    is_over = true;
    reader.join();
    work.reset();
    io_thread.join();

    CHECK_FALSE(was_open);
    const Ledger ledger = sink->status().ledger;
    CHECK(ledger.closed());
    CHECK(ledger.offered == 200 * 20);
    CHECK(ledger.queued + ledger.in_flight == 0);
    CHECK(server.complaints() == "");
    CHECK(server.requests().back().method == "DELETE");
}

// Each scrape is one whole flush: all counters carry the number of the same interval.
TEST_CASE("scrapes while the page changes") {
    boost::asio::io_context io{1};
    auto work = boost::asio::make_work_guard(io);
    const auto time = make_io_scheduler(io, wall_ns, steady_ns);
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    const Context context{.io = io,
                          .time = *time,
                          .log = log,
                          .random = [] { return 0.5; },
                          .user_agent = "pitot/test",
                          .host_name = "web-1",
                          .quantiles = {0.5}};
    SinkOptions options("metrics");
    options.set("address", "127.0.0.1:0");
    const std::unique_ptr<Sink> sink = find_sink_type("prometheus")->make(options, context);
    REQUIRE(options.problems() == "");
    REQUIRE_FALSE(sink->open());
    const std::string where = sink->where();
    const std::size_t colon = where.rfind(':');
    const auto port = static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1)));
    std::thread io_thread([&] { io.run(); });

    constexpr int series = 300;
    std::atomic<bool> is_over = false;
    std::atomic<int> mixed = 0;
    std::atomic<int> scrapes = 0;
    std::vector<std::thread> scrapers;
    for (const std::string_view accept : {"", "Accept: application/openmetrics-text\r\n"}) {
        scrapers.emplace_back([&, accept] {
            RawHttpClient client(port);
            while (!is_over) {
                client.send("GET /metrics HTTP/1.1\r\nHost: t\r\n" + std::string(accept) + "\r\n");
                const std::string page = client.read_answer().body;
                std::set<std::string> values;
                int lines = 0;
                for (std::size_t at = page.find("} "); at != std::string::npos;
                     at = page.find("} ", at + 1)) {
                    values.insert(page.substr(at + 2, page.find('\n', at) - at - 2));
                    ++lines;
                }
                const bool is_empty = lines == 0;  // before the first flush
                if (!is_empty && (values.size() != 1 || lines != series)) ++mixed;
                ++scrapes;
            }
        });
    }
    SnapshotMaker maker;
    for (int interval = 0; interval < 50 || scrapes < 20; ++interval) {
        for (int i = 0; i < series; ++i) maker.count("c", "n:" + std::to_string(i), 1);
        sink->send(maker.end_interval());
        if (!sink->status().ledger.closed()) ++mixed;
    }
    is_over = true;
    for (std::thread& scraper : scrapers) scraper.join();
    std::promise<void> drained;
    sink->stop(steady_ns() + 20'000'000'000, [&] { drained.set_value(); });
    drained.get_future().wait();
    work.reset();
    io_thread.join();
    CHECK(mixed == 0);
    CHECK(sink->status().ledger.delivered == sink->status().ledger.offered);
}
