// The contract of sinks/sink.h, for every sink of the registry.
//
// A sink that is added must be told here how its destination is played (`destinations` below);
// without that the test fails. Each scenario runs for each sink, and after each the ledger is
// closed, nothing waits for ever and no timer is left behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/registry.h"
#include "tests/support/http_double.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

namespace {

// Within so many intervals a sink delivers again to a destination that behaves again.
constexpr int intervals_to_recover = 40;

// The other side of a sink, with the manners of the worst of its kind.
class Destination {
public:
    Destination() = default;
    virtual ~Destination() = default;
    Destination(const Destination&) = delete;
    Destination& operator=(const Destination&) = delete;

    virtual void configure(SinkOptions& options) = 0;
    // Takes what has come so far off the way, where that is the reader's to do.
    virtual void drain() {}
    // Ways to fail, by name; each lasts until behave().
    virtual std::vector<std::string> ways_to_fail() const = 0;
    virtual void fail(const std::string& way) = 0;
    virtual void behave() = 0;
    // What it saw the sink do wrong.
    virtual std::string complaints() const { return ""; }
};

class HttpDestination : public Destination {
public:
    void configure(SinkOptions& options) override {
        options.set("url", server_.url()).set("username", "me").set("password", "hunter2");
    }
    std::vector<std::string> ways_to_fail() const override {
        std::vector<std::string> ways{"silent", "deaf", "reset", "early 413", "garbage"};
        for (const int status : {301, 307, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429,
                                 500, 501, 502, 503, 504, 599}) {
            ways.push_back("status " + std::to_string(status));
        }
        for (const int offset : {0, 1, 9, 12, 16, 17, 30, 40}) {
            ways.push_back("cut reply " + std::to_string(offset));
        }
        for (const int offset : {1, 40, 150, 400, 2000}) {
            ways.push_back("cut request " + std::to_string(offset));
        }
        return ways;
    }
    void fail(const std::string& way) override {
        HttpDouble::Step step;
        const std::size_t space = way.rfind(' ');
        const auto number = [&] { return std::stoul(way.substr(space + 1)); };
        if (way == "silent") step.silent = true;
        if (way == "deaf") step.deaf = true;
        if (way == "reset") step.cut_request_at = 60, step.reset = true;
        if (way == "early 413") step.early = true, step.reply = reply(413, "too much");
        if (way == "garbage") step.reply = "\x16\x03\x01 what?\r\n\r\n", step.close = true;
        if (way.starts_with("status")) step.reply = reply(static_cast<unsigned>(number()), "no");
        if (way.starts_with("cut reply")) step.cut_reply_at = number();
        if (way.starts_with("cut request")) step.cut_request_at = number();
        server_.otherwise(step);
    }
    void behave() override { server_.otherwise({}); }
    std::string complaints() const override { return server_.complaints(); }

private:
    HttpDouble server_;
};

class InfluxDestination final : public HttpDestination {
public:
    void configure(SinkOptions& options) override {
        HttpDestination::configure(options);
        options.set("database", "metrics");
    }
};

// Standard output, which is a pipe here for as long as this lives.
class StdoutDestination final : public Destination {
public:
    StdoutDestination() : saved_(::dup(STDOUT_FILENO)) {
        std::signal(SIGPIPE, SIG_IGN);
        open_pipe();
    }
    ~StdoutDestination() override {
        ::dup2(saved_, STDOUT_FILENO);
        ::close(saved_);
        if (reader_ >= 0) ::close(reader_);
    }
    void configure(SinkOptions& options) override { options.set("format", "json"); }
    void drain() override {
        if (is_slow_ || reader_ < 0) return;
        std::array<char, 65536> bytes{};
        while (::read(reader_, bytes.data(), bytes.size()) > 0) {
        }
    }
    std::vector<std::string> ways_to_fail() const override { return {"slow", "gone"}; }
    void fail(const std::string& way) override {
        if (way == "slow") is_slow_ = true;
        if (way == "gone") {
            ::close(reader_);
            reader_ = -1;
        }
    }
    void behave() override {
        is_slow_ = false;
        if (reader_ < 0) open_pipe();
    }

private:
    void open_pipe() {
        std::array<int, 2> ends{-1, -1};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[1]);
        reader_ = ends[0];
        ::fcntl(reader_, F_SETFL, O_NONBLOCK);
    }

    int saved_;
    int reader_ = -1;
    bool is_slow_ = false;
};

std::unique_ptr<Destination> destination_of(std::string_view type) {
    if (type == "pushgateway") return std::make_unique<HttpDestination>();
    if (type == "influxdb") return std::make_unique<InfluxDestination>();
    if (type == "console") return std::make_unique<StdoutDestination>();
    return nullptr;
}

// One sink with its destination.
struct Bench {
    SinkRig rig;
    SnapshotMaker maker;
    std::unique_ptr<Destination> destination;
    SinkOptions options{"tested"};
    std::unique_ptr<Sink> sink;
    bool drained = false;

    explicit Bench(const SinkType& type) : destination(destination_of(type.name)) {
        REQUIRE_MESSAGE(destination,
                        "tell compliance_test.cpp how to play the destination of " << type.name);
        destination->configure(options);
        sink = type.make(options, rig.context);
        REQUIRE(options.problems() == "");
        CHECK(sink->name() == "tested");
        CHECK(sink->type() == type.name);
    }
    ~Bench() {
        CHECK(destination->complaints() == "");
        CHECK_FALSE(rig.has_said("hunter2"));
        CHECK(sink->status().last_error.find("hunter2") == std::string::npos);
    }

    void send() {
        const pitot::protocol::Snapshot snapshot = maker.end_interval();
        const std::uint64_t before = ledger().offered;
        sink->send(snapshot);
        CHECK(ledger().offered == before + snapshot.points());
        CHECK(ledger().closed());
    }
    // Until nothing is on its way; time moves as far as that takes.
    void deliver() {
        rig.run_until([&] {
            destination->drain();
            if (ledger().in_flight == 0) rig.advance(1s);
            CHECK(ledger().closed());
            rig.advance(20ms);
            return ledger().queued + ledger().in_flight == 0 && sink->status().queued_batches == 0;
        });
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
            rig.advance(20ms);
            return drained;
        });
        CHECK(ledger().closed());
        CHECK(ledger().queued + ledger().in_flight == 0);
        CHECK(sink->status().state == SinkState::stopped);
        CHECK(rig.time.next_ns() == -1);
    }
    Ledger ledger() const { return sink->status().ledger; }
};

void every_kind(SnapshotMaker& maker, int interval) {
    maker.count("c", "env:prod,bare", 3 + interval);
    maker.gauge("g", "", -1.5);
    maker.set("s", "", 2);
    maker.values(Kind::timer, "t", "a:b", {1, 2, 3}, 2.5);
    maker.values(Kind::histogram, "h", "", {1, 1e9});
    maker.values(Kind::distribution, "d", "", {0, -4});
    maker.timed(Kind::counter, "late", 1'700'000'000, 1);
    pitot::protocol::Event event;
    event.title = "title";
    event.text = "text";
    maker.event(event);
    pitot::protocol::ServiceCheck check;
    check.name = "check";
    maker.check(check);
}

void for_every_sink(const std::function<void(const SinkType&)>& scenario) {
    for (const SinkType& type : sink_types()) {
        INFO("sink type: " << std::string(type.name));
        scenario(type);
    }
}

}  // namespace

TEST_CASE("every kind of value, idle intervals, nothing at all, then a stop") {
    for_every_sink([](const SinkType& type) {
        Bench bench(type);
        bench.send();  // nothing at all
        bench.deliver();
        for (int interval = 0; interval < 5; ++interval) {
            if (interval != 3) every_kind(bench.maker, interval);
            bench.send();
            bench.deliver();
        }
        CHECK(bench.ledger().delivered > 0);
        CHECK(bench.ledger().lost.sum() == 0);
        CHECK(bench.sink->status().state == SinkState::working);
        CHECK(bench.sink->status().last_error == "");
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("every way to fail, and back") {
    for_every_sink([](const SinkType& type) {
        const std::vector<std::string> ways = destination_of(type.name)->ways_to_fail();
        for (const std::string& way : ways) {
            INFO("way to fail: " << way);
            Bench bench(type);
            every_kind(bench.maker, 0);
            bench.send();
            bench.deliver();
            const std::uint64_t delivered = bench.ledger().delivered;
            CHECK(delivered > 0);

            bench.destination->fail(way);
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

TEST_CASE("a stop while the destination fails ends at the deadline, with every point counted") {
    for_every_sink([](const SinkType& type) {
        const std::vector<std::string> ways = destination_of(type.name)->ways_to_fail();
        for (const std::string& way : ways) {
            INFO("way to fail: " << way);
            Bench bench(type);
            bench.destination->fail(way);
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

TEST_CASE("hostile names and tags harm nobody") {
    for_every_sink([](const SinkType& type) {
        Bench bench(type);
        std::mt19937 dice(11);
        for (int interval = 0; interval < 3; ++interval) {
            for (int i = 0; i < 300; ++i) {
                std::string name;
                std::string tags;
                for (int n = 0; n < 6; ++n) name += static_cast<char>(dice() % 128);
                for (int n = 0; n < 12; ++n) tags += static_cast<char>(dice() % 128);
                bench.maker.count(name, tags, 1);
                bench.maker.values(Kind::timer, name, tags, {1});
                bench.maker.gauge(std::string(300, 'x') + name, "le:1,job:2,__name__:3", 1e308);
            }
            bench.send();
            bench.deliver();
        }
        CHECK(bench.ledger().delivered > 0);
        CHECK(bench.ledger().lost[LossReason::rejected] == 0);
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("a hundred thousand series") {
    for_every_sink([](const SinkType& type) {
        Bench bench(type);
        for (int interval = 0; interval < 2; ++interval) {
            for (int i = 0; i < 100'000; ++i) {
                bench.maker.count("requests." + std::to_string(i % 100), "n:" + std::to_string(i),
                                  1);
            }
            bench.send();
            bench.deliver();
        }
        CHECK(bench.ledger().delivered == 200'000);
        bench.stop(5s);
        bench.expect_stopped();
    });
}

TEST_CASE("what is encoded is deterministic, and adds up") {
    for_every_sink([](const SinkType& type) {
        const auto run = [&] {
            Bench bench(type);
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

TEST_CASE("names of types are unique, and each has a description") {
    std::map<std::string_view, int> seen;
    for (const SinkType& type : sink_types()) {
        CHECK(++seen[type.name] == 1);
        CHECK(type.description != "");
        CHECK(find_sink_type(type.name) == &type);
    }
    CHECK(find_sink_type("nonsense") == nullptr);
}
