// The Pushgateway sink against the real prometheus-pushgateway: sums to the unit, series that
// vanish, grouping keys of every shape, clashes with other pushers, deletion, gzip, and a
// gateway that is killed and started again.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "sinks/pushgateway/pushgateway.h"
#include "tests/support/pushgateway_process.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

namespace {

struct Bench {
    SinkRig rig;
    PushgatewayProcess gateway;
    SnapshotMaker maker;
    SinkOptions options{"push"};
    std::unique_ptr<Sink> sink;

    Bench() { options.set("url", gateway.url()); }
    void make() {
        sink = pushgateway::make(options, rig.context);
        REQUIRE(options.problems() == "");
    }
    void push() {
        sink->send(maker.end_interval());
        rig.run_until([&] {
            const SinkStatus status = sink->status();
            return status.ledger.queued + status.ledger.in_flight == 0 &&
                   status.queued_batches == 0;
        });
        CHECK(sink->status().ledger.closed());
    }
    Ledger ledger() const { return sink->status().ledger; }
};

}  // namespace

TEST_CASE("sums arrive to the unit, over many intervals and every kind") {
    Bench bench;
    bench.make();
    std::mt19937 dice(1);
    std::vector<double> sums(20);
    double observed = 0;
    double counted = 0;
    for (int interval = 0; interval < 30; ++interval) {
        for (int i = 0; i < 50; ++i) {
            const std::size_t which = dice() % sums.size();
            const double delta = static_cast<double>(dice() % 1000);
            sums[which] += delta;
            bench.maker.count("requests", "shard:" + std::to_string(which), delta);
            bench.maker.values(Kind::timer, "load.time", "", {delta});
            observed += delta;
            counted += 1;
        }
        bench.push();
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::string label = "shard=\"" + std::to_string(i) + "\"";
        CHECK(std::stod(bench.gateway.sample("requests_total", {label})) == sums[i]);
    }
    CHECK(std::stod(bench.gateway.sample("load_time_seconds_count")) == counted);
    CHECK(std::stod(bench.gateway.sample("load_time_seconds_sum")) ==
          doctest::Approx(observed / 1000).epsilon(1e-12));
    CHECK(bench.ledger().lost.sum() == 0);
    CHECK(bench.ledger().superseded == 0);
    CHECK(bench.gateway.sample("requests_total",
                               {"shard=\"0\"", "instance=\"web-1\"", "job=\"pitot\""}) != "none");
}

TEST_CASE("a series that expires is gone with the next push, the group stays fresh") {
    Bench bench;
    bench.make();
    bench.maker.gauge("here", "", 1);
    bench.maker.gauge("gone", "", 1);
    bench.push();
    CHECK(bench.gateway.sample("gone") == "1");
    bench.maker.forget(Kind::gauge, "gone", "");
    bench.push();
    CHECK(bench.gateway.sample("gone") == "none");
    CHECK(bench.gateway.sample("here") == "1");
    bench.maker.forget(Kind::gauge, "here", "");
    bench.push();
    CHECK(bench.gateway.sample("here") == "none");
    CHECK(bench.gateway.sample("push_time_seconds") != "none");
    CHECK(bench.sink->status().state == SinkState::working);
}

TEST_CASE("grouping keys with slashes, nothing, and anything") {
    Bench bench;
    bench.options.set("job", "a/b//c").set("instance", "");
    bench.options.set("grouping", SinkOptions::TextTable{
                                      {"path", "/"}, {"empty", ""}, {"odd", "ä?&=#%2F\" \\+-_"}});
    bench.make();
    bench.maker.gauge("g", "path:mine", 7);
    bench.push();
    CHECK(bench.gateway.sample("g", {"job=\"a/b//c\"", "instance=\"\"", "path=\"/\"",
                                     "exported_path=\"mine\"", "odd=\"ä?&=#%2F\\\" \\\\+-_\""}) ==
          "7");
}

TEST_CASE("hostile names and values are stored as they are shown") {
    Bench bench;
    bench.make();
    bench.maker.count("a b\"c\\d\n€", "k e:v\"\\\n\x01\t,__name__:x,le:1,bare,none:", 3);
    bench.maker.values(Kind::histogram, "9", "quantile:q", {1, 2});
    bench.push();
    CHECK(bench.ledger().delivered == 2);
    CHECK(bench.gateway.sample("a_b_c_d___total",
                               {"k_e=\"v\\\"\\\\\\n\x01\t\"", "exported___name__=\"x\"",
                                "exported_le=\"1\"", "bare=\"true\""}) == "3");
    CHECK(bench.gateway.sample("_9_count", {"exported_quantile=\"q\""}) == "2");
}

TEST_CASE("another pusher's type costs the one family that clashes, by name") {
    Bench bench;
    REQUIRE(http_send(bench.gateway.port(), "PUT", "/metrics/job/other",
                      "# TYPE clash gauge\nclash 1\n# TYPE part_sum gauge\npart_sum 1\n")
                .status == 200);
    bench.options.set("counter_suffix", "");
    bench.make();
    for (int i = 0; i < 40; ++i) bench.maker.gauge("mine." + std::to_string(i), "", i);
    bench.maker.count("clash", "", 3);                     // a gauge elsewhere
    bench.maker.gauge("go.memstats.mallocs", "", 1);       // fine
    bench.maker.count("go_goroutines", "", 1);             // the gateway's own, a gauge
    bench.maker.values(Kind::histogram, "part", "", {1});  // part_sum is taken
    bench.push();
    CHECK(bench.gateway.sample("mine_39", {"job=\"pitot\""}) == "39");
    CHECK(bench.gateway.sample("go_memstats_mallocs") == "1");
    CHECK(bench.gateway.sample("clash", {"job=\"pitot\""}) == "none");
    CHECK(bench.ledger().delivered == 41);
    CHECK(bench.ledger().lost[LossReason::rejected] == 3);
    for (const char* family : {"clash", "go_goroutines", "part"}) {
        CHECK(bench.rig.has_said(std::string("refuses the metric family ") + family + ":"));
    }
    // One push of the whole, and one more for each culprit it named.
    CHECK(bench.sink->status().attempts == 4);

    bench.push();
    CHECK(bench.ledger().lost[LossReason::quarantined] == 3);
    CHECK(bench.sink->status().attempts == 5);
}

TEST_CASE("clashes among our own never reach the gateway") {
    Bench bench;
    bench.make();
    bench.maker.values(Kind::histogram, "x", "", {1});
    bench.maker.gauge("x", "", 1);
    bench.maker.gauge("x_count", "", 1);
    bench.maker.gauge("a.b", "", 5);
    bench.maker.gauge("a-b", "", 6);
    bench.maker.gauge("push_time_seconds", "", 6);
    bench.push();
    CHECK(bench.sink->status().attempts == 1);
    CHECK(bench.ledger().delivered == 2);
    CHECK(bench.ledger().lost[LossReason::name_clash] == 4);
    CHECK(bench.gateway.sample("a_b") == "5");
    CHECK(bench.gateway.sample("x_count") == "1");
}

TEST_CASE("classic histograms, and compressed") {
    Bench bench;
    bench.options.set("gzip", true);
    bench.options.table("rules", "slow")
        .set("match", "slow.*")
        .set("buckets", std::vector<double>{0.5, 2});
    bench.make();
    bench.maker.values(Kind::timer, "slow.query", "", {100, 1000, 5000});
    bench.push();
    CHECK(bench.gateway.sample("slow_query_seconds_bucket", {"le=\"0.5\""}) == "1");
    CHECK(bench.gateway.sample("slow_query_seconds_bucket", {"le=\"2\""}) == "2");
    CHECK(bench.gateway.sample("slow_query_seconds_bucket", {"le=\"+Inf\""}) == "3");
    CHECK(bench.gateway.sample("slow_query_seconds_sum") == "6.1");
}

TEST_CASE("the group is deleted at the stop when asked for") {
    Bench bench;
    bench.options.set("delete_on_stop", true);
    bench.make();
    bench.maker.gauge("g", "", 1);
    bench.push();
    REQUIRE(bench.gateway.sample("g") == "1");
    bool drained = false;
    bench.sink->stop(bench.rig.time.steady_ns() + 5'000'000'000, [&] { drained = true; });
    bench.rig.run_until([&] { return drained; });
    // A deletion is queued by the gateway; the next push to it comes after.
    http_send(bench.gateway.port(), "PUT", "/metrics/job/after", "");
    CHECK(bench.gateway.sample("g") == "none");
}
