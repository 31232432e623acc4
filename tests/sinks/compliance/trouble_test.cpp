// The contract of sinks/sink.h, for every sink of the registry and over every wire: trouble.
// Every way to fail that a destination has, cuts at every place of a connection, retries that
// are the same bytes, and stops in the middle of all that.
//
// bench.h has what is checked after each step of every scenario.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/sinks/compliance/bench.h"
#include "tests/support/sanitized.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""ns;
using std::literals::chrono_literals::operator""s;

namespace {

// Within so many intervals a sink delivers again to a destination that behaves again.
constexpr int intervals_to_recover = 40;

std::vector<std::string> ways_to_fail(const Subject& subject) {
    return destination_of(subject.type.name, subject.wire)->ways_to_fail();
}

}  // namespace

TEST_CASE("every way to fail, and back") {
    for_every_sink([](const Subject& subject) {
        for (const std::string& way : ways_to_fail(subject)) {
            INFO("way to fail: " << way);
            ComplianceBench bench(subject);
            every_kind(bench.maker, 0);
            bench.send();
            bench.deliver();
            const std::uint64_t delivered = bench.ledger().delivered;
            CHECK(delivered > 0);

            bench.destination->be(way);
            for (int interval = 1; interval < 4; ++interval) {
                every_kind(bench.maker, interval);
                bench.send();
                bench.rig.settle();
                bench.rig.advance(10s);
                CHECK(bench.ledger().closed());
            }
            bench.destination->behave();
            bench.rig.advance(31s);  // an attempt that hangs, and a hold
            // A destination that refused everything may have put all of it in quarantine.
            for (int interval = 5; interval < 5 + intervals_to_recover; ++interval) {
                every_kind(bench.maker, interval);
                bench.send();
                bench.deliver();
                if (bench.ledger().delivered > delivered) break;
            }
            CHECK(bench.ledger().delivered > delivered);
            bench.stop(5s);
            bench.expect_stopped();
        }
    });
}

TEST_CASE("a connection cut at any place costs a retry and nothing else") {
    for_every_sink([](const Subject& subject) {
        ComplianceBench bench(subject);
        // Each place costs two handshakes where there is TLS, and these a hundred times what
        // they should under a sanitizer.
        const std::size_t step = subject.wire == Wire::tls ? (is_sanitized ? 61 : 13) : 1;
        for (std::size_t place = 0; place < bench.destination->cuts(); place += step) {
            INFO("place: " << place);
            bench.destination->cut_next(place);
            every_kind(bench.maker, static_cast<int>(place));
            bench.send();
            bench.deliver();
        }
        CHECK(bench.ledger().lost.sum() == 0);
        CHECK(bench.ledger().superseded == 0);
        CHECK(bench.ledger().delivered + bench.ledger().skipped.sum() == bench.ledger().offered);
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("an attempt repeated is the same bytes") {
    for_every_sink([](const Subject& subject) {
        const auto run = [&](const std::string& way) {
            ComplianceBench bench(subject);
            every_kind(bench.maker, 0);
            // The same moment in every run, for what has the time of the encoding in it.
            bench.send();
            bench.destination->be(way);
            for (int attempt = 0; attempt < 3; ++attempt) {
                bench.rig.settle();
                bench.rig.run_until([&] {
                    bench.rig.advance(1s);
                    return way.empty() || bench.ledger().in_flight == 0;
                });
                bench.rig.advance(2s);
            }
            bench.destination->behave();
            bench.deliver();
            CHECK(bench.ledger().lost.sum() == 0);
            std::vector<std::string> received = bench.destination->received();
            bench.stop(5s);
            bench.expect_stopped();
            return received;
        };
        const std::vector<std::string> expected = run("");
        for (const std::string& way :
             destination_of(subject.type.name, subject.wire)->passing_ways()) {
            INFO("way to fail: " << way);
            CHECK(run(way) == expected);
        }
    });
}

TEST_CASE("a stop while the destination fails ends at the deadline, with every point counted") {
    for_every_sink([](const Subject& subject) {
        for (const std::string& way : ways_to_fail(subject)) {
            INFO("way to fail: " << way);
            ComplianceBench bench(subject);
            bench.destination->be(way);
            for (int interval = 0; interval < 3; ++interval) {
                every_kind(bench.maker, interval);
                bench.send();
            }
            bench.stop(2s);
            const std::int64_t deadline_ns = bench.rig.time.steady_ns() + 2'000'000'000;
            bench.expect_stopped();
            CHECK(bench.rig.time.steady_ns() <= deadline_ns + 20'000'000);
        }
    });
}

TEST_CASE("a stop waits for the answer that is on its way, until the deadline and not longer") {
    for_every_sink([](const Subject& subject) {
        if (!destination_of(subject.type.name, subject.wire)->can_hold()) return;
        for (const bool in_time : {true, false}) {
            INFO("in time: " << in_time);
            ComplianceBench bench(subject);
            bench.destination->hold();
            every_kind(bench.maker, 0);
            bench.send();
            bench.rig.run_until([&] { return bench.destination->attempts() > 0; });
            bench.stop(2s);
            bench.rig.advance(2s - 1ns);
            CHECK_FALSE(bench.drained);
            CHECK(bench.ledger().in_flight > 0);
            if (in_time) {
                bench.destination->release();
                bench.rig.run_until([&] { return bench.drained; });
                CHECK(bench.ledger().lost.sum() == 0);
                CHECK(bench.ledger().delivered > 0);
            } else {
                bench.rig.advance(1ns);
                bench.rig.run_until([&] { return bench.drained; });
                CHECK(bench.ledger().delivered == 0);
                CHECK(bench.ledger().lost[LossReason::shutdown] > 0);
                bench.destination->release();
            }
            bench.expect_stopped();
        }
    });
}

TEST_CASE("a stop with a deadline that has passed, and one with nothing to do") {
    for_every_sink([](const Subject& subject) {
        for (const bool has_data : {true, false}) {
            ComplianceBench bench(subject);
            if (has_data) {
                every_kind(bench.maker, 0);
                bench.send();
            }
            bench.stop(has_data ? 0s : 1h);
            bench.rig.run_until([&] { return bench.drained; });
            bench.expect_stopped();
        }
    });
}
