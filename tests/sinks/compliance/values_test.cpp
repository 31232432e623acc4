// The contract of sinks/sink.h, for every sink of the registry and over every wire: what it
// makes of values. Every kind, nothing at all, hostile names; encoding that is deterministic and
// adds up; a flush thread that does nothing but encode.
//
// bench.h has what is checked after each step of every scenario.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sinks/compliance/bench.h"
#include "tests/support/io_traffic.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

TEST_CASE("every kind of value, idle intervals, nothing at all, then a stop") {
    for_every_sink([](const Subject& subject) {
        ComplianceBench bench(subject);
        bench.send();  // nothing at all
        bench.deliver_at_once();
        for (int interval = 0; interval < 5; ++interval) {
            if (interval != 3) every_kind(bench.maker, interval);
            bench.send();
            bench.deliver_at_once();
        }
        CHECK(bench.ledger().delivered > 0);
        CHECK(bench.ledger().lost.sum() == 0);
        CHECK(bench.ledger().superseded == 0);
        CHECK(bench.sink->status().state == SinkState::working);
        CHECK(bench.sink->status().last_error == "");
        CHECK(bench.sink->status().encodings.count() == 6);
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("hostile names and tags harm nobody") {
    for_every_sink([](const Subject& subject) {
        ComplianceBench bench(subject);
        std::mt19937 dice(11);
        const auto text = [&](int length) {
            std::string out;
            for (int i = 0; i < length; ++i) {
                // Every byte of ASCII, and a character of two, three and four bytes each.
                const auto which = dice() % 131;
                if (which < 128) out += static_cast<char>(which);
                if (which == 128) out += "ä";
                if (which == 129) out += "€";
                if (which == 130) out += "\xf0\x9f\x98\x80";
            }
            return out;
        };
        for (int interval = 0; interval < 3; ++interval) {
            for (int i = 0; i < 300; ++i) {
                const std::string name = text(6);
                const std::string tags = text(12);
                bench.maker.count(name, tags, 1);
                bench.maker.values(Kind::timer, name, tags, {1});
                bench.maker.set(name, tags, 1);
                bench.maker.gauge(std::string(300, 'x') + name, "le:1,job:2,__name__:3", 1e308);
            }
            bench.maker.gauge(std::string(60'000, 'n'), "k:" + std::string(60'000, 'v'), -0.0);
            bench.send();
            bench.deliver();
        }
        CHECK(bench.ledger().delivered > 0);
        CHECK(bench.ledger().lost[LossReason::rejected] == 0);
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("what is encoded is deterministic, adds up, and keeps its bound") {
    for_every_sink([](const Subject& subject) {
        const auto run = [&] {
            ComplianceBench bench(subject);
            std::string all;
            for (int interval = 0; interval < 3; ++interval) {
                every_kind(bench.maker, interval);
                const pitot::protocol::Snapshot snapshot = bench.maker.end_interval();
                Encoded encoded;
                bench.sink->encoder().encode(snapshot, encoded);
                std::uint64_t points = encoded.lost.sum() + encoded.skipped.sum();
                for (const Batch& batch : encoded.batches) {
                    points += batch.points;
                    all += batch.body;
                    CHECK(batch.body.size() <= bench.destination->batch_bytes_max());
                    std::uint64_t of_items = 0;
                    for (const Item& item : batch.items) of_items += item.points;
                    if (!batch.items.empty()) {
                        CHECK(of_items == batch.points);
                        CHECK(batch.items.back().end == batch.body.size());
                    }
                }
                CHECK(points == snapshot.points());
            }
            return all;
        };
        CHECK(run() == run());
    });
}

TEST_CASE("the flush thread encodes, and opens, sends and writes nothing") {
    for_every_sink([](const Subject& subject) {
        ComplianceBench bench(subject);
        // Before the first connection, and while one is kept.
        for (int interval = 0; interval < 3; ++interval) {
            every_kind(bench.maker, interval);
            const pitot::protocol::Snapshot snapshot = bench.maker.end_interval();
            const IoTraffic before = IoTraffic::now();
            bench.send(snapshot);
            CHECK(IoTraffic::now().is_quiet_since(before));
            bench.deliver_at_once();
        }
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("a destination that is slow, byte by byte, or keeps no connection gets the same") {
    for_every_sink([](const Subject& subject) {
        const auto run = [&](const std::string& manner) {
            ComplianceBench bench(subject);
            bench.destination->be(manner);
            for (int interval = 0; interval < 3; ++interval) {
                every_kind(bench.maker, interval);
                bench.send();
                bench.deliver_at_once();
            }
            CHECK(bench.ledger().lost.sum() == 0);
            CHECK(bench.sink->status().last_error == "");
            std::vector<std::string> received = bench.destination->received();
            bench.stop(5s);
            bench.expect_stopped();
            return received;
        };
        const std::vector<std::string> expected = run("");
        for (const std::string& manner :
             destination_of(subject.type.name, subject.wire)->odd_manners()) {
            INFO("manner: " << manner);
            CHECK(run(manner) == expected);
        }
    });
}

TEST_CASE("names of types are unique, and each has a description") {
    std::map<std::string_view, int> seen;
    for (const SinkType& type : sink_types()) {
        CHECK(++seen[type.name] == 1);
        CHECK(type.description != "");
        CHECK(find_sink_type(type.name) == &type);
    }
    CHECK(find_sink_type("nonsense") == nullptr);
}
