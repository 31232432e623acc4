// The agent's server on its real threads: asked all the time while lines flow, intervals end and
// the agent stops. Every answer is whole, and the phases come in their order. ThreadSanitizer
// runs this.
#include "agent/web/web.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/net/open_listeners.h"
#include "agent/shard_set.h"
#include "tests/support/http_get.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"
#include "tests/support/summing_sink.h"

using namespace pitot;
using namespace pitot::tests;

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::string member(const std::string& document, std::string_view pointer) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(document, error);
    REQUIRE_MESSAGE(!error, document);
    return boost::json::serialize(value.at_pointer({pointer.data(), pointer.size()}));
}

std::uint16_t opened_port(agent::Web& web) {
    const auto error = web.open();
    REQUIRE_MESSAGE(!error, *error);
    const std::string address = web.address();
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
}

}  // namespace

TEST_CASE("asked while lines flow, and while it stops") {
    const agent::SystemClock clock;
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    auto opened = agent::open_listeners(std::vector{udp_listener()}, 2);
    REQUIRE(opened.has_value());
    const std::vector<agent::ListenerReport> reports = opened->reports;
    agent::ShardSet shards({}, std::vector<protocol::Reading>(1), clock, std::move(opened->shards));
    SummingSink sink;
    agent::MergerSettings merger;
    merger.shards = 2;
    agent::Flusher flusher({.interval_ns = second / 20,
                            .offset_ns = 0,
                            .merger = std::move(merger),
                            .listener_names = {reports[0].name}},
                           shards, {&sink}, clock, log);
    std::vector<agent::WatchedLoop> loops = shards.watched();
    loops.push_back(flusher.watched());
    agent::ProcessFacts process{.version = "1", .interval_ns = second / 20, .shards = 2};
    process.listeners = reports;
    agent::Web web({.address = *sinks::http::parse_listen_address("127.0.0.1:0"), .token = {}},
                   std::move(process), flusher, agent::Liveness(std::move(loops)), {&sink}, clock);
    const std::uint16_t port = opened_port(web);
    CHECK(http_send(port, "GET", "/health/ready").body == "starting\n");
    CHECK(http_send(port, "GET", "/health").status == 200);

    shards.start();
    flusher.start();
    web.ready();
    std::atomic<bool> done = false;
    std::thread sender([&] {
        const std::string& where = reports[0].where;
        const NetClient client = NetClient::udp(where.substr(where.find(' ') + 1));
        for (int i = 0; !done; ++i) {
            client.send("hits:1|c|#id:" + std::to_string(i % 100) + "\nbad\nload:3|ms");
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < 50; ++i) {
        web.look();
        const HttpAnswer status = http_send(port, "GET", "/api/v1/status");
        CHECK(status.status == 200);
        CHECK(member(status.body, "/phase") == "\"running\"");
        const HttpAnswer health = http_send(port, "GET", "/health");
        CHECK((health.status == 200 || health.status == 503));
        static_cast<void>(member(health.body, "/parts/flush/state"));
        CHECK(http_send(port, "GET", "/health/ready").status == 200);
        CHECK(http_send(port, "GET", "/health/live").status == 200);
        CHECK(http_send(port, "GET", "/api/v1/series?match[]=hits").status == 200);
    }
    sink.wait_for([](const SummingSink::Seen& seen) { return seen.snapshots >= 5; });
    const std::string names = http_send(port, "GET", "/api/v1/label/__name__/values").body;
    CHECK(member(names, "/data") == R"(["hits","load"])");
    const std::string status = http_send(port, "GET", "/api/v1/status").body;
    CHECK(member(status, "/ledger/closed") == "true");
    CHECK(member(status, "/refused/0/reason") == "\"no_value\"");

    web.stopping();
    CHECK(http_send(port, "GET", "/health/ready").status == 503);
    done = true;
    sender.join();
    flusher.stop();
    CHECK(shards.drain(clock.steady_ns() + 60 * second));
    flusher.flush_rest(clock.steady_ns() + 60 * second);
    shards.stop();
    CHECK(member(http_send(port, "GET", "/health").body, "/phase") == "\"stopping\"");
    CHECK(http_send(port, "GET", "/health/live").status == 200);
    web.close();
    CHECK(http_send(port, "GET", "/health/live").status == 0);
}
