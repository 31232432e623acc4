// One sink with its destination, for the scenarios of the compliance test.
//
// Whatever a scenario does: after each step the ledger is closed, in the end nothing waits for
// ever and no timer is left behind, the destination has nothing to complain of, and no
// credential was said.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "sinks/registry.h"
#include "tests/sinks/compliance/destination.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

namespace pitot::tests {

// What a scenario runs for: a type of sink, and how it talks to its destination.
struct Subject {
    const sinks::SinkType& type;
    Wire wire = Wire::plain;
};

inline void for_every_sink(const std::function<void(const Subject&)>& scenario) {
    for (const sinks::SinkType& type : sinks::sink_types()) {
        for (const Wire wire : {Wire::plain, Wire::tls}) {
            const std::string name(type.name);
            INFO("sink type: " << (wire == Wire::tls ? name + ", over TLS" : name));
            if (wire == Wire::tls && !destination_of(type.name, wire)) continue;
            scenario({.type = type, .wire = wire});
        }
    }
}

struct ComplianceBench {
    SinkRig rig;
    SnapshotMaker maker;
    std::unique_ptr<Destination> destination;
    SinkOptions options{"tested"};
    std::unique_ptr<sinks::Sink> sink;
    bool drained = false;

    explicit ComplianceBench(const Subject& subject)
        : destination(destination_of(subject.type.name, subject.wire)) {
        REQUIRE_MESSAGE(destination,
                        "tell compliance/destinations.cpp how to play the destination of "
                            << subject.type.name);
        destination->configure(options);
        sink = subject.type.make(options, rig.context);
        REQUIRE(options.problems() == "");
        CHECK(sink->name() == "tested");
        CHECK(sink->type() == subject.type.name);
        CHECK(sink->open().value_or("") == "");
        destination->meet(sink->where());
    }
    ~ComplianceBench() {
        CHECK(destination->complaints() == "");
        for (const std::string_view credential : {credential_text, credential_base64}) {
            CHECK_FALSE(rig.has_said(credential));
            CHECK(options.warnings().find(credential) == std::string::npos);
            CHECK(sink->status().last_error.find(credential) == std::string::npos);
        }
    }
    ComplianceBench(const ComplianceBench&) = delete;
    ComplianceBench& operator=(const ComplianceBench&) = delete;

    void send(const protocol::Snapshot& snapshot) {
        const std::uint64_t before = ledger().offered;
        sink->send(snapshot);
        CHECK(ledger().offered == before + snapshot.points());
        CHECK(ledger().closed());
    }
    void send() { send(maker.end_interval()); }
    bool is_idle() const {
        return ledger().queued + ledger().in_flight == 0 && sink->status().queued_batches == 0;
    }
    // Until nothing is on its way; time moves as far as that takes.
    void deliver() {
        rig.run_until([&] {
            destination->drain();
            if (ledger().in_flight == 0) rig.advance(std::chrono::seconds(1));
            CHECK(ledger().closed());
            rig.advance(std::chrono::milliseconds(20));
            return is_idle();
        });
    }
    // Likewise, and time does not move: the first attempts must succeed.
    void deliver_at_once() {
        rig.run_until([&] {
            destination->drain();
            return is_idle();
        });
        CHECK(ledger().closed());
    }
    void stop(std::chrono::nanoseconds within) {
        sink->stop(rig.time.steady_ns() + within.count(), [this] {
            CHECK_FALSE(drained);
            drained = true;
        });
    }
    void expect_stopped() {
        rig.run_until([&] {
            destination->drain();
            rig.advance(std::chrono::milliseconds(20));
            return drained;
        });
        CHECK(ledger().closed());
        CHECK(ledger().queued + ledger().in_flight == 0);
        CHECK(sink->status().state == sinks::SinkState::stopped);
        CHECK(rig.time.next_ns() == -1);
    }
    sinks::Ledger ledger() const { return sink->status().ledger; }
};

// A point of every kind there is.
inline void every_kind(SnapshotMaker& maker, int interval) {
    using protocol::Kind;
    maker.count("c", "env:prod,bare", 3 + interval);
    maker.gauge("g", "", -1.5);
    maker.set("s", "", 2);
    maker.values(Kind::timer, "t", "a:b", {1, 2, 3}, 2.5);
    maker.values(Kind::histogram, "h", "", {1, 1e9});
    maker.values(Kind::distribution, "d", "", {0, -4});
    maker.timed(Kind::counter, "late", 1'700'000'000, 1);
    protocol::Event event;
    event.title = "title";
    event.text = "text";
    maker.event(event);
    protocol::ServiceCheck check;
    check.name = "check";
    maker.check(check);
}

}  // namespace pitot::tests
