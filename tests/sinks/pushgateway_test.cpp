// The Pushgateway sink against a strict double of its gateway: what it sends, and what it does
// about every answer. (pushgateway_real_test.cpp has the real one.)
#include "sinks/pushgateway/pushgateway.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sinks/pushgateway/answer.h"
#include "sinks/pushgateway/grouping.h"
#include "sinks/pushgateway/quarantine.h"
#include "tests/support/http_double.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""s;

namespace {

struct Bench {
    SinkRig rig;
    HttpDouble gateway;
    SnapshotMaker maker;
    SinkOptions options{"push"};
    std::unique_ptr<Sink> sink;
    std::size_t drained = 0;

    Bench() { options.set("url", gateway.url()); }
    void make() {
        sink = pushgateway::make(options, rig.context);
        REQUIRE(options.problems() == "");
    }
    void push() {
        sink->send(maker.end_interval());
        rig.settle();
        CHECK(sink->status().ledger.closed());
    }
    // Until the gateway has had so many requests and the sink has the answer.
    void wait_for_requests(std::size_t count) {
        rig.run_until([&] {
            return gateway.requests().size() >= count && sink->status().ledger.in_flight == 0;
        });
        CHECK(sink->status().ledger.closed());
    }
    void stop(std::chrono::nanoseconds within) {
        sink->stop(rig.time.steady_ns() + within.count(), [this] { ++drained; });
        rig.run_until([&] { return drained == 1; });
        CHECK(sink->status().ledger.closed());
    }
    Ledger ledger() const { return sink->status().ledger; }
};

Batch families(const std::vector<std::string>& names) {
    Batch batch;
    for (const std::string& name : names) {
        const std::string type = name == "s" ? " summary\n" : " gauge\n";
        batch.body += "# HELP " + name + " x\n# TYPE " + name + type + name + " 1\n";
        batch.items.push_back({.end = static_cast<std::uint32_t>(batch.body.size()), .points = 1});
    }
    return batch;
}

}  // namespace

TEST_CASE("the group is in the path, every value as base64") {
    using pushgateway::group_target;
    CHECK(group_target("", {{"job", "pitot"}}) == "/metrics/job@base64/cGl0b3Q=");
    CHECK(group_target("/gw", {{"job", "a/b"}, {"instance", ""}, {"z", "?>\xc3\xbf"}}) ==
          "/gw/metrics/job@base64/YS9i/instance@base64/=/z@base64/Pz7Dvw==");
    CHECK(group_target("", {{"job", "\xfb\xff\xfe"}}) == "/metrics/job@base64/-__-");
}

TEST_CASE("a push is the whole state, and an empty state is pushed too") {
    Bench bench;
    bench.options.set("job", "shop").set("grouping", SinkOptions::TextTable{{"zone", "a"}});
    bench.options.set("username", "me").set("password", "hunter2");
    bench.make();
    bench.push();
    bench.wait_for_requests(1);
    bench.maker.count("page.views", "zone:b,job:j", 3);
    bench.push();
    bench.wait_for_requests(2);
    bench.push();
    bench.wait_for_requests(3);

    const auto requests = bench.gateway.requests();
    CHECK(requests[0].method == "PUT");
    CHECK(requests[0].target ==
          "/metrics/job@base64/c2hvcA==/instance@base64/d2ViLTE=/zone@base64/YQ==");
    CHECK(requests[0].body == "");
    CHECK(requests[0].headers.at("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(requests[0].headers.at("authorization") == "Basic bWU6aHVudGVyMg==");
    CHECK(requests[1].body ==
          "# HELP page_views_total StatsD counter page.views\n# TYPE page_views_total counter\n"
          "page_views_total{exported_job=\"j\",exported_zone=\"b\"} 3\n");
    CHECK(requests[2].body == requests[1].body);
    CHECK(requests[2].connection == 1);
    CHECK(bench.ledger().delivered == 2);
    CHECK(bench.gateway.complaints() == "");
}

TEST_CASE("settings that are refused, with what would be right") {
    SinkRig rig;
    SinkOptions options("push");
    options.set("url", "ftp://x").set("job", "");
    options.set("grouping", SinkOptions::TextTable{
                                {"job", "x"}, {"a-b", "y"}, {"__x", "z"}, {"k", ""}, {"k", ""}});
    pushgateway::make(options, rig.context);
    CHECK(options.problems() ==
          "url: must begin with \"http://\" or \"https://\", got \"ftp://x\"\n"
          "job: must not be empty: a Pushgateway has no group without a job\n"
          "grouping: must not contain \"job\"; it is an option of its own\n"
          "grouping: must have label names of letters, digits and '_' that do not begin with a "
          "digit or \"__\", got \"a-b\"\n"
          "grouping: must have label names of letters, digits and '_' that do not begin with a "
          "digit or \"__\", got \"__x\"\n"
          "grouping: must name \"k\" once, got it twice\n");
}

TEST_CASE("while the gateway is away only the newest state is kept, and it is no loss") {
    Bench bench;
    bench.make();
    bench.gateway.otherwise({.cut_reply_at = 0});
    for (int i = 0; i < 5; ++i) {
        bench.maker.count("c", "", 1);
        bench.push();
        bench.wait_for_requests(1);
    }
    bench.gateway.otherwise({});
    bench.rig.advance(1s);
    bench.rig.run_until([&] { return bench.ledger().delivered == 1; });
    CHECK(bench.gateway.requests().back().body.ends_with("c_total 5\n"));
    CHECK(bench.ledger().superseded == 4);
    CHECK(bench.ledger().lost.sum() == 0);
    CHECK(bench.sink->status().state == SinkState::working);
}

TEST_CASE("answers that hold, throttle and retry") {
    struct Row {
        unsigned status;
        SinkState state;
    };
    for (const Row& row : std::vector<Row>{{301, SinkState::held},
                                           {307, SinkState::held},
                                           {401, SinkState::held},
                                           {403, SinkState::held},
                                           {404, SinkState::held},
                                           {405, SinkState::held},
                                           {429, SinkState::throttled},
                                           {503, SinkState::throttled},
                                           {500, SinkState::retrying},
                                           {502, SinkState::retrying}}) {
        CAPTURE(row.status);
        Bench bench;
        bench.options.set("bearer_token", "hunter2");
        bench.make();
        bench.gateway.next(reply(row.status, "no", {"Retry-After: 3"}));
        bench.maker.gauge("g", "", 1);
        bench.push();
        bench.wait_for_requests(1);
        CHECK(bench.sink->status().state == row.state);
        CHECK(bench.ledger().queued == 1);
        CHECK(bench.rig.has_said("the destination answers " + std::to_string(row.status)));
        CHECK_FALSE(bench.rig.has_said("hunter2"));
        CHECK(bench.sink->status().last_error.find("hunter2") == std::string::npos);
        bench.rig.advance(30s);
        bench.wait_for_requests(2);
        CHECK(bench.ledger().delivered == 1);
    }
}

TEST_CASE("a state that is too large is lost as such: its half would replace the whole") {
    Bench bench;
    bench.make();
    bench.gateway.next(reply(413, "too large"));
    bench.maker.gauge("a", "", 1);
    bench.maker.gauge("b", "", 1);
    bench.push();
    bench.wait_for_requests(1);
    CHECK(bench.ledger().lost[LossReason::too_large] == 2);
    CHECK(bench.gateway.requests().size() == 1);
}

TEST_CASE("a family the gateway names is quarantined, the rest is pushed at once") {
    Bench bench;
    bench.make();
    bench.gateway.next(reply(400,
                             "pushed metrics are invalid or inconsistent with existing metrics: "
                             "collected metric \"b\" { label:<name:\"job\" value:\"x\" > } is not "
                             "a COUNTER\n"));
    for (const char* name : {"a", "b", "c"}) bench.maker.gauge(name, "", 1);
    bench.push();
    bench.wait_for_requests(2);
    CHECK(bench.gateway.requests()[1].method == "PUT");
    CHECK(bench.gateway.requests()[1].body.find("\nb 1\n") == std::string::npos);
    CHECK(bench.gateway.requests()[1].body.find("\nc 1\n") != std::string::npos);
    CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    CHECK(
        bench.rig.has_said("the gateway refuses the metric family b: the destination answers "
                           "400 (pushed metrics"));

    // Left out while it sits in quarantine, then tried again.
    for (std::uint32_t i = 0; i < pushgateway::quarantine_intervals; ++i) {
        bench.push();
        bench.wait_for_requests(3 + i);
        CHECK(bench.gateway.requests().back().body.find("\nb 1\n") == std::string::npos);
    }
    CHECK(bench.ledger().lost[LossReason::quarantined] == pushgateway::quarantine_intervals);
    bench.push();
    bench.wait_for_requests(3 + pushgateway::quarantine_intervals);
    CHECK(bench.gateway.requests().back().body.find("\nb 1\n") != std::string::npos);
}

TEST_CASE("a refusal that names nobody is searched with POSTs of prefixes") {
    Bench bench;
    bench.make();
    for (int i = 10; i < 26; ++i) bench.maker.gauge("g" + std::to_string(i), "", 1);
    // The culprit is g21, the twelfth of sixteen: refused wherever it is in.
    bench.gateway.next(reply(400, "no"));
    bench.gateway.next(reply(200));        // 8
    bench.gateway.next(reply(400, "no"));  // 12
    bench.gateway.next(reply(200));        // 10
    bench.gateway.next(reply(200));        // 11
    bench.push();
    bench.wait_for_requests(6);
    const auto requests = bench.gateway.requests();
    for (std::size_t i = 1; i <= 4; ++i) CHECK(requests[i].method == "POST");
    CHECK(requests[5].method == "PUT");
    CHECK(requests[5].body.find("\ng21 1\n") == std::string::npos);
    CHECK(bench.ledger().delivered == 15);
    CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    CHECK(bench.rig.has_said("the metric family g21"));
}

TEST_CASE("what the gateway's words point at") {
    using pushgateway::suspect_family;
    const Batch batch = families({"a", "s", "x_total"});
    CHECK(suspect_family("collected metric \"s\" { label:<name:\"a\" > } is not a GAUGE", batch) ==
          1);
    CHECK(suspect_family("gathered metric family x_total has type COUNTER but should have GAUGE",
                         batch) == 2);
    CHECK(suspect_family("collected histogram or summary named \"q\" collides with previously "
                         "collected metric named \"s_count\"",
                         batch) == 1);
    CHECK(suspect_family("collected metric named \"s_sum\" collides with previously collected "
                         "summary named \"s\"",
                         batch) == 1);
    CHECK(suspect_family("text format parsing error in line 4: second TYPE line for metric name "
                         "\"a\", or TYPE reported after samples",
                         batch) == 0);
    CHECK_FALSE(suspect_family("collected metric \"unknown\" is not a GAUGE", batch));
    CHECK_FALSE(suspect_family("a s x_total", batch));
    CHECK_FALSE(suspect_family("", batch));
    // A gauge has no parts, and a family of that very name is meant before any part.
    const std::string of_count = "collected metric \"q_count\" { } is not a COUNTER";
    CHECK_FALSE(suspect_family(of_count, families({"q"})));
    CHECK(suspect_family(of_count, families({"q", "q_count"})) == 1);
    CHECK(suspect_family("collected metric \"s_count\" is not a COUNTER",
                         families({"s", "s_count"})) == 1);
}

TEST_CASE("stopping delivers what is there, and deletes the group if asked to") {
    for (const bool deletes : {false, true}) {
        Bench bench;
        bench.options.set("delete_on_stop", deletes);
        bench.make();
        bench.maker.gauge("g", "", 1);
        bench.sink->send(bench.maker.end_interval());
        bench.stop(5s);
        const auto requests = bench.gateway.requests();
        REQUIRE(requests.size() == (deletes ? 2 : 1));
        CHECK(requests[0].method == "PUT");
        if (deletes) {
            CHECK(requests[1].method == "DELETE");
            CHECK(requests[1].target == requests[0].target);
        }
        CHECK(bench.ledger().delivered == 1);
        CHECK(bench.sink->status().state == SinkState::stopped);
        CHECK(bench.rig.time.next_ns() == -1);
    }
}

TEST_CASE("stopping before a gateway that hangs ends at the deadline") {
    Bench bench;
    bench.options.set("delete_on_stop", true);
    bench.make();
    bench.gateway.otherwise({.silent = true});
    bench.maker.gauge("g", "", 1);
    bench.push();
    bench.rig.run_until([&] { return bench.gateway.begun() == 1; });
    bench.sink->stop(bench.rig.time.steady_ns() + 2'000'000'000, [&] { ++bench.drained; });
    bench.rig.advance(2s);
    bench.rig.run_until([&] { return bench.drained == 1; });
    CHECK(bench.ledger().lost[LossReason::shutdown] == 1);
    CHECK(bench.ledger().closed());
}

TEST_CASE("gzip") {
    Bench bench;
    bench.options.set("gzip", true);
    bench.make();
    bench.maker.gauge("g", "", 1);
    bench.push();
    bench.wait_for_requests(1);
    CHECK(bench.gateway.requests()[0].headers.at("content-encoding") == "gzip");
    CHECK(bench.gateway.requests()[0].body.starts_with("\x1f\x8b"));
}
