// A sink as it runs: snapshots from one thread, delivery on another, status from a third, with
// the real scheduler. For ThreadSanitizer, and for the ledger at every moment.
#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "sinks/io_scheduler.h"
#include "sinks/registry.h"
#include "tests/support/http_double.h"
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
