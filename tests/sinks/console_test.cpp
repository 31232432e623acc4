// The console sink: the JSON object and the text of an interval, and writing to a pipe whose
// reader is slow, stops or goes away.
#include "sinks/console/console.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <csignal>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "sinks/console/json_encoder.h"
#include "sinks/console/text_encoder.h"
#include "tests/support/golden.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;
using pitot::protocol::Reject;
using pitot::protocol::Tag;

namespace {

const std::vector<double> quantiles{0.5, 0.99};

void fill(SnapshotMaker& maker) {
    static const std::array<Tag, 2> tags{Tag{"env", "prod", true}, Tag{"shell", "", false}};
    maker.count("views", "env:prod,shell", 3);
    maker.count("views", "env:dev", 0.5);
    maker.gauge("q", "", -2);
    maker.set("users", "", 17);
    maker.values(Kind::timer, "t", "", {1, 2, 2, 4, 5, 10});
    maker.timed(Kind::counter, "late", 1'700'000'000, 4);
    pitot::protocol::Event event;
    event.title = "de\"ploy";
    event.text = "line\nline\x1b";
    event.tags = tags;
    event.timestamp_s = 12345;
    event.alert_type = pitot::protocol::AlertType::warning;
    event.hostname = "web";
    maker.event(event);
    pitot::protocol::ServiceCheck check;
    check.name = "up";
    check.status = pitot::protocol::CheckStatus::critical;
    check.message = "gone";
    maker.check(check);
    maker.reject(Reject::bad_number, 2);
}

std::string json_of(const pitot::protocol::Snapshot& snapshot) {
    std::string out;
    console::JsonEncoder(quantiles).append(snapshot, out);
    return out;
}

// A pipe with the console sink at its writing end.
struct Bench {
    SinkRig rig;
    SnapshotMaker maker;
    SinkOptions options{"out"};
    std::array<int, 2> pipe{-1, -1};
    std::unique_ptr<Sink> sink;
    bool drained = false;

    Bench() {
        std::signal(SIGPIPE, SIG_IGN);
        REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
        ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
        sink = console::make_on(pipe[1], options, rig.context);
    }
    ~Bench() {
        sink.reset();
        close_reader();
        ::close(pipe[1]);
    }
    void close_reader() {
        if (pipe[0] >= 0) ::close(pipe[0]);
        pipe[0] = -1;
    }
    void send() {
        sink->send(maker.end_interval());
        rig.settle();
        CHECK(sink->status().ledger.closed());
    }
    std::string read_all() const {
        std::string out;
        std::array<char, 65536> bytes{};
        for (ssize_t count = 0; (count = ::read(pipe[0], bytes.data(), bytes.size())) > 0;) {
            out.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return out;
    }
    Ledger ledger() const { return sink->status().ledger; }
};

}  // namespace

TEST_CASE("an interval as JSON") {
    SnapshotMaker maker;
    fill(maker);
    const std::string text = json_of(maker.end_interval());
    check_golden("console/interval.json", text + "\n");
    CHECK_NOTHROW(boost::json::parse(text));
    // What has no news is left out.
    CHECK(json_of(maker.end_interval()) ==
          "{\"start\":1785542410,\"end\":1785542420,\"series\":[],\"events\":[],"
          "\"service_checks\":[],\"rejected\":{}}");
}

TEST_CASE("an interval as text") {
    SnapshotMaker maker;
    fill(maker);
    std::string text;
    console::TextEncoder(quantiles).append(maker.end_interval(), text);
    check_golden("console/interval.txt", text);
}

TEST_CASE("a start within a second keeps its fraction") {
    SnapshotMaker maker;
    pitot::protocol::Snapshot snapshot = maker.end_interval();
    snapshot.start_unix_ns = 1'500'000'000'250'000'000;
    snapshot.end_unix_ns = 1'500'000'001'000'000'001;
    CHECK(json_of(snapshot).starts_with("{\"start\":1500000000.25,\"end\":1500000001.000000001,"));
}

TEST_CASE("numbers and texts nobody expects are still JSON") {
    std::mt19937 dice(3);
    for (int round = 0; round < 200; ++round) {
        SnapshotMaker maker;
        std::string name;
        for (int i = 0; i < 8; ++i) name += static_cast<char>(dice() % 128);
        maker.count(name, name, 1e300 * 1e300);
        maker.gauge(name, "a:" + name, 5e-324);
        maker.values(Kind::distribution, name, "", {-1e308, 1e308});
        pitot::protocol::Snapshot snapshot = maker.end_interval();
        snapshot.elapsed_s = 0;
        const std::string text = json_of(snapshot);
        CHECK(text.find('\n') == std::string::npos);
        boost::system::error_code error;
        const auto value = boost::json::parse(text, error);
        REQUIRE_MESSAGE(!error, text);
        CHECK(value.at("series").as_array().size() == 3);
        CHECK(value.at("series").as_array()[0].at("name").as_string() == name);
    }
}

// An encoder that has seen everything says what one says that has seen nothing before.
TEST_CASE("what is kept of series changes nothing while they come, idle, die and come again") {
    std::mt19937 dice(5);
    SnapshotMaker maker;
    console::JsonEncoder json(quantiles);
    console::TextEncoder lines(quantiles);
    std::set<std::string> alive;
    for (int interval = 0; interval < 200; ++interval) {
        for (int i = 0; i < 5; ++i) {
            // Few names: they meet their old ids, and those of others.
            const std::string name = "series." + std::to_string(dice() % 12);
            if (dice() % 3 == 0 && alive.erase(name) > 0) {
                maker.forget(Kind::gauge, name, "a:b");
            } else {
                maker.gauge(name, "a:b", interval);
                alive.insert(name);
            }
        }
        maker.count("always", "", 1);
        maker.values(Kind::timer, "time", "", {1, 2, 3});
        const pitot::protocol::Snapshot snapshot = maker.end_interval();
        std::string text;
        json.append(snapshot, text);
        REQUIRE(text == json_of(snapshot));
        std::string shown;
        std::string expected;
        lines.append(snapshot, shown);
        console::TextEncoder(quantiles).append(snapshot, expected);
        REQUIRE(shown == expected);
    }
}

TEST_CASE("a counter that stands still is shown as 0, and one that is idle is not") {
    SnapshotMaker maker;
    maker.count("idle", "", 1);
    maker.count("still", "", 2);
    json_of(maker.end_interval());
    maker.stand_still("still", "");
    const std::string text = json_of(maker.end_interval());
    CHECK(text.contains(R"("name":"still")"));
    CHECK(text.contains(R"("delta":0,"rate":0,"total":2)"));
    CHECK_FALSE(text.contains("idle"));
}

TEST_CASE("one line an interval, the idle points skipped") {
    Bench bench;
    fill(bench.maker);
    bench.send();
    bench.send();
    const std::string out = bench.read_all();
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
    CHECK(bench.ledger().delivered == 8);
    CHECK(bench.ledger().skipped[SkipReason::idle] == 5);
}

TEST_CASE("a reader that is behind is waited for without holding up anything") {
    Bench bench;
    for (int i = 0; i < 5000; ++i) bench.maker.count("counter." + std::to_string(i), "", i);
    bench.send();  // more than a pipe holds
    CHECK(bench.ledger().in_flight == 5000);
    std::string out;
    while (bench.ledger().delivered == 0) {
        out += bench.read_all();
        bench.rig.advance(20ms);
    }
    out += bench.read_all();
    CHECK_NOTHROW(boost::json::parse(out.substr(0, out.size() - 1)));
}

TEST_CASE("a reader that stops costs whole intervals, counted, and never half a line") {
    Bench bench;
    for (int i = 0; i < 5000; ++i) bench.maker.count("counter." + std::to_string(i), "", i);
    bench.send();
    for (int i = 0; i < 200; ++i) {
        bench.maker.count("c", "", 1);
        bench.send();
    }
    CHECK(bench.ledger().lost[LossReason::queue_full] > 0);
    bench.rig.advance(2h);  // what was begun is too old by now
    std::string out = bench.read_all();
    for (int i = 0; i < 300; ++i) {
        bench.maker.count("c", "", 1);
        bench.send();
        bench.rig.advance(31s);
        out += bench.read_all();
    }
    CHECK(bench.ledger().lost[LossReason::too_old] >= 5000);
    CHECK(bench.ledger().closed());
    // The line that was cut off ends there; all others are whole.
    int broken = 0;
    for (std::size_t at = 0; at < out.size();) {
        const std::size_t end = out.find('\n', at);
        REQUIRE(end != std::string::npos);
        boost::system::error_code error;
        boost::json::parse(out.substr(at, end - at), error);
        broken += error ? 1 : 0;
        at = end + 1;
    }
    CHECK(broken <= 1);
}

TEST_CASE("a reader that is gone is a loss with a reason, not a death") {
    Bench bench;
    bench.close_reader();
    bench.maker.count("c", "", 1);
    bench.send();
    CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    CHECK(bench.sink->status().last_error ==
          "cannot write to standard output: Broken pipe; give the agent one that is read, or "
          "leave out this sink");
    CHECK(bench.rig.has_said("sinks.out: cannot write to standard output: Broken pipe"));
}

TEST_CASE("stopping in the middle of a line ends at the deadline") {
    Bench bench;
    for (int i = 0; i < 5000; ++i) bench.maker.count("counter." + std::to_string(i), "", i);
    bench.send();
    bench.sink->stop(bench.rig.time.steady_ns() + 1'000'000'000, [&] { bench.drained = true; });
    bench.rig.settle();
    CHECK_FALSE(bench.drained);
    bench.rig.advance(1s);
    CHECK(bench.drained);
    CHECK(bench.ledger().lost[LossReason::shutdown] == 5000);
    CHECK(bench.ledger().closed());
    CHECK(bench.rig.time.next_ns() == -1);
}
