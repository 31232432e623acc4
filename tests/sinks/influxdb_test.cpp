// The InfluxDB sink against a double that stores: what it sends, what it does about every
// answer, that nothing is doubled, and that the guilty lines are found exactly. Then UDP
// against sockets, and what is said about wrong settings. (end_to_end/influxdb_test.py has the
// real InfluxDB 1, victoria_metrics_test.py the real VictoriaMetrics.)
#include "sinks/influxdb/influxdb.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sinks/influxdb/answer.h"
#include "sinks/influxdb/options.h"
#include "tests/support/influx_double.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

namespace {

using Manner = InfluxDouble::Manner;

struct Bench {
    SinkRig rig;
    SnapshotMaker maker;
    SinkOptions options{"history"};
    std::unique_ptr<Sink> sink;

    void make() {
        sink = influxdb::make(options, rig.context);
        REQUIRE(options.problems() == "");
    }
    void send() {
        sink->send(maker.end_interval());
        rig.settle();
        CHECK(ledger().closed());
    }
    // Until the sink has nothing left to send; time moves as far as that takes.
    void deliver() {
        rig.run_until([&] {
            if (ledger().in_flight == 0) rig.advance(1s);
            rig.advance(5ms);
            CHECK(ledger().closed());
            return ledger().queued + ledger().in_flight == 0;
        });
    }
    // Until the answer of the attempt under way is there.
    void settle_attempt() {
        rig.run_until([&] { return sink->status().attempts > 0 && ledger().in_flight == 0; });
    }
    Ledger ledger() const { return sink->status().ledger; }
};

struct V2Bench : Bench {
    InfluxDouble influx;

    explicit V2Bench(const InfluxDouble::Rules& rules) : influx(rules) {
        options.set("url", influx.server().url()).set("org", rules.org);
        options.set("bucket", rules.bucket).set("token", "hunter2");
        make();
    }
    ~V2Bench() {
        CHECK(influx.complaints() == "");
        CHECK_FALSE(rig.has_said("hunter2"));
        CHECK(sink->status().last_error.find("hunter2") == std::string::npos);
    }
};

InfluxDouble::Rules v2_rules() {
    return {.token = "hunter2", .org = "o", .bucket = "b"};
}

// A socket that datagrams can be sent to.
class Receiver {
public:
    explicit Receiver(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        const int bytes = 8 * 1024 * 1024;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        REQUIRE(::bind(socket_, generic, length) == 0);
        REQUIRE(::getsockname(socket_, generic, &length) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Receiver() { close(); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url() const { return "udp://127.0.0.1:" + std::to_string(port_); }
    void close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }
    // What is there; an empty optional when nothing is.
    std::optional<std::string> take() const {
        std::string bytes(65'536, '\0');
        const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0) return {};
        bytes.resize(static_cast<std::size_t>(count));
        return bytes;
    }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("version 2: organisation, bucket, token, gzip, precision") {
    InfluxDouble::Rules rules = v2_rules();
    rules.wants_gzip = true;
    V2Bench bench(rules);
    bench.maker.count("page.views", "env:prod", 3);
    bench.send();
    bench.deliver();
    const auto requests = bench.influx.server().requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].target == "/api/v2/write?org=o&bucket=b&precision=ns");
    CHECK(requests[0].headers.at("content-type") == "text/plain; charset=utf-8");
    const auto points = bench.influx.points();
    REQUIRE(points.size() == 1);
    CHECK(points.begin()->first ==
          InfluxDouble::Identity("page.views,env=prod,host=web-1,metric_type=counter",
                                 1'785'542'410'000'000'000));
    CHECK(points.begin()->second.numbers.at("total") == 3);
    CHECK(bench.ledger().delivered == 1);
}

TEST_CASE("version 1: what stands in the target") {
    Bench bench;
    HttpDouble server;
    bench.options.set("url", server.url() + "/influx/").set("database", "my metrics&x");
    bench.options.set("retention_policy", "a/b").set("consistency", "quorum");
    bench.options.set("precision", "s").set("gzip", false);
    bench.options.set("username", "me").set("password", "hunter2");
    bench.make();
    bench.maker.gauge("g", "", 1);
    bench.send();
    bench.deliver();
    const auto requests = server.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].target ==
          "/influx/write?db=my%20metrics%26x&rp=a%2Fb&consistency=quorum&precision=s");
    CHECK(requests[0].headers.at("authorization") == "Basic bWU6aHVudGVyMg==");
    CHECK(requests[0].body == "g,host=web-1,metric_type=gauge value=1 1785542410\n");
}

TEST_CASE("a server that stores and then hangs up has no point twice") {
    V2Bench bench(v2_rules());
    for (int i = 0; i < 3; ++i) bench.influx.server().next(HttpDouble::Step{.cut_reply_at = 0});
    for (int interval = 0; interval < 3; ++interval) {
        for (int i = 0; i < 100; ++i) {
            bench.maker.count("c", "n:" + std::to_string(i), 1 + interval);
            bench.maker.timed(Kind::counter, "late", 1'700'000'000 + i % 10, 1);
        }
        bench.send();
        bench.deliver();
    }
    double deltas = 0;
    double late = 0;
    for (const auto& [identity, point] : bench.influx.points()) {
        (point.measurement == "c" ? deltas : late) += point.numbers.at("delta");
    }
    CHECK(deltas == 600);
    CHECK(late == 300);
    CHECK(bench.influx.overwritten() == 0);
    CHECK(bench.influx.server().requests().size() == 6);
    CHECK(bench.ledger().delivered == 600);
}

TEST_CASE("guilty lines are found exactly, however the server treats the others") {
    for (const Manner manner : {Manner::v2_nothing, Manner::v2_rest, Manner::v1_rest}) {
        InfluxDouble::Rules rules = v2_rules();
        rules.manner = manner;
        rules.poison = "poison";
        V2Bench bench(rules);
        for (int i = 0; i < 1'000; ++i) {
            const bool is_bad = i == 0 || i == 500 || i == 501 || i == 999;
            bench.maker.gauge((is_bad ? "poison" : "good") + std::to_string(i), "", i);
        }
        bench.send();
        bench.deliver();
        CHECK(bench.influx.points().size() == 996);
        CHECK(bench.influx.overwritten() == 0);
        CHECK(bench.ledger().delivered == 996);
        CHECK(bench.ledger().lost[LossReason::rejected] == 4);
        CHECK(bench.influx.server().requests().size() < 2 * 4 * 11);
        CHECK(
            bench.rig.has_said("the destination refuses 1 line(s), such as \"poison0,host=web-1"));
        CHECK(bench.sink->status().state == SinkState::working);
    }
}

TEST_CASE("a partial write that drops everything needs no search") {
    InfluxDouble::Rules rules = v2_rules();
    rules.manner = Manner::v1_rest;
    rules.poison = "host";
    V2Bench bench(rules);
    for (int i = 0; i < 1'000; ++i) bench.maker.gauge("g" + std::to_string(i), "", i);
    bench.send();
    bench.deliver();
    CHECK(bench.ledger().lost[LossReason::rejected] == 1'000);
    CHECK(bench.influx.server().requests().size() == 1);
}

TEST_CASE("too large is cut until it is not") {
    InfluxDouble::Rules rules = v2_rules();
    rules.body_bytes_max = 400;  // compressed
    V2Bench bench(rules);
    for (int i = 0; i < 200; ++i) bench.maker.gauge("g" + std::to_string(i), "", i);
    bench.send();
    bench.deliver();
    CHECK(bench.influx.points().size() == 200);
    CHECK(bench.ledger().delivered == 200);

    // An early 413, while most of the request is still to be sent.
    V2Bench early(v2_rules());
    early.influx.server().next(HttpDouble::Step{.reply = reply(413, "too large"), .early = true});
    for (int i = 0; i < 5'000; ++i) early.maker.gauge("g" + std::to_string(i), "", i);
    early.send();
    early.deliver();
    CHECK(early.influx.points().size() == 5'000);
    CHECK(early.ledger().delivered == 5'000);
}

TEST_CASE("a throttled sink waits as long as it is told") {
    V2Bench bench(v2_rules());
    bench.influx.server().next(reply(429, "", {"Retry-After: 7"}));
    bench.maker.gauge("g", "", 1);
    bench.send();
    bench.settle_attempt();
    CHECK(bench.sink->status().state == SinkState::throttled);
    bench.rig.advance(6900ms);
    CHECK(bench.influx.server().requests().size() == 1);
    bench.rig.advance(200ms);
    bench.deliver();
    CHECK(bench.influx.points().size() == 1);
}

TEST_CASE("answers, and what is done about them") {
    struct Row {
        influxdb::Version version;
        unsigned status;
        const char* body;
        Verdict verdict;
        const char* says;
    };
    constexpr auto v1 = influxdb::Version::v1;
    constexpr auto v2 = influxdb::Version::v2;
    for (const Row& row : std::vector<Row>{
             {v1, 204, "", Verdict::delivered, ""},
             {v2, 204, "", Verdict::delivered, ""},
             {v1, 200, "", Verdict::delivered, ""},
             {v1, 200, "<html><title>Sign in</title>", Verdict::hold, "(Sign in): check the url"},
             {v2, 200, "welcome", Verdict::hold, "no answer to a write (welcome)"},
             {v1, 202, "{}", Verdict::hold, "check the url"},
             {v1, 400, R"({"error":"unable to parse 'x': missing fields"})", Verdict::rejected,
              "missing fields"},
             {v1, 400, R"({"error":"partial write: points beyond retention policy dropped=3"})",
              Verdict::rejected, "beyond retention policy"},
             {v1, 400, R"({"error":"partial write: points beyond retention policy dropped=10"})",
              Verdict::partial, "beyond retention policy"},
             {v1, 400, R"({"error":"partial write: unable to parse 'dropped=99': x dropped=0"})",
              Verdict::rejected, "unable to parse"},
             {v1, 400, R"({"error":"partial write: unable to parse 'x': x dropped=99"})",
              Verdict::rejected, "unable to parse"},
             {v1, 404, R"({"error":"database not found: \"m\""})", Verdict::hold,
              "create the database, or set create_database = true"},
             {v1, 404, "404 page not found\n", Verdict::hold, "mend the url"},
             {v2, 404, "404 page not found\n", Verdict::hold, "InfluxDB before 1.8"},
             {v2, 404, R"({"code":"not found","message":"bucket \"b\" not found"})", Verdict::hold,
              "create the bucket, or mend org and bucket"},
             {v1, 401, R"({"error":"authorization failed"})", Verdict::hold, "credentials"},
             {v1, 403, R"({"error":"\"bob\" user is not authorized"})", Verdict::hold,
              "credentials"},
             {v1, 413, "Request Entity Too Large", Verdict::split, ""},
             {v1, 500, R"({"error":"retention policy not found: x"})", Verdict::hold,
              "mend retention_policy"},
             {v1, 500, R"({"error":"timeout"})", Verdict::retry, "timeout"},
             {v1, 500, R"({"error":"hinted handoff queue not empty"})", Verdict::delivered, ""},
             {v1, 400, R"({"error":"partial write: hinted handoff queue not empty"})",
              Verdict::delivered, ""},
             {v2, 422, R"({"code":"unprocessable entity"})", Verdict::rejected, "unprocessable"},
             {v2, 429, "", Verdict::throttle, ""},
             {v2, 503, "", Verdict::throttle, ""},
             {v2, 502, "", Verdict::retry, ""},
             {v1, 301, "", Verdict::hold, "mend the url"},
         }) {
        CAPTURE(row.status);
        CAPTURE(row.body);
        http::Response response;
        response.status = row.status;
        response.body = row.body;
        const Outcome outcome = influxdb::outcome_of(response, {.version = row.version}, 10, 0);
        CHECK(outcome.verdict == row.verdict);
        CHECK(outcome.reason.find(row.says) != std::string::npos);
        CHECK(outcome.items.size() == (row.verdict == Verdict::partial ? 10 : 0));
    }
}

TEST_CASE("an answer whose header is too large costs the lines it is about, not the queue") {
    V2Bench bench(v2_rules());
    const std::string huge = reply(400, "", {"X-Influxdb-Error: " + std::string(70'000, 'x')});
    bench.influx.server().next(huge);
    bench.influx.server().next(huge);
    bench.maker.gauge("poison", "", 1);
    bench.maker.gauge("good", "", 1);
    bench.send();
    bench.deliver();
    CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    CHECK(bench.ledger().delivered == 1);
    CHECK(bench.rig.has_said("more than 16384 bytes of headers"));
}

TEST_CASE("a database that is not there is created if that is wanted, and held for if not") {
    for (const bool creates : {false, true}) {
        Bench bench;
        InfluxDouble influx({});
        bench.options.set("url", influx.server().url()).set("database", "metrics");
        bench.options.set("create_database", creates);
        bench.make();
        bench.maker.gauge("g", "", 1);
        bench.send();
        bench.settle_attempt();
        if (creates) {
            const auto requests = influx.server().requests();
            REQUIRE(requests.size() == 3);
            CHECK(requests[1].target == "/query?q=CREATE%20DATABASE%20%22metrics%22");
            CHECK(influx.points().size() == 1);
            CHECK(bench.rig.has_said("created the database metrics"));
        } else {
            CHECK(bench.sink->status().state == SinkState::held);
            CHECK(bench.rig.has_said("create the database, or set create_database = true"));
            CHECK(bench.ledger().queued == 1);
        }
        CHECK(influx.complaints() == "");
    }
}

TEST_CASE("a database that cannot be created holds the queue, and says why") {
    Bench bench;
    HttpDouble server;
    bench.options.set("url", server.url()).set("database", "m").set("create_database", true);
    bench.make();
    server.next(reply(404, R"({"error":"database not found: \"m\""})"));
    server.next(reply(403, R"({"error":"create admin user first"})"));
    bench.maker.gauge("g", "", 1);
    bench.send();
    bench.settle_attempt();
    CHECK(bench.sink->status().state == SinkState::held);
    CHECK(bench.rig.has_said("cannot create the database m: the destination answers 403"));
    CHECK(server.requests().size() == 2);
}

TEST_CASE("a wrong token holds, and is shown nowhere") {
    InfluxDouble::Rules rules = v2_rules();
    rules.token = "another";
    V2Bench bench(rules);
    bench.maker.gauge("g", "", 1);
    bench.send();
    bench.settle_attempt();
    CHECK(bench.sink->status().state == SinkState::held);
    CHECK(bench.rig.has_said("check the credentials"));
}

TEST_CASE("settings that are refused, with what would be right") {
    struct Row {
        std::vector<std::pair<std::string, std::string>> set;
        std::string problem;
    };
    const std::string http = "http://127.0.0.1:1";
    for (const Row& row : std::vector<Row>{
             {{{"url", http}},
              "database: must be set for version 1 of InfluxDB and for VictoriaMetrics, or org and "
              "bucket for version 2, got neither\n"},
             {{{"url", http}, {"database", "m"}, {"bucket", "b"}, {"org", "o"}},
              "database: must not be set together with org and bucket: database is for version 1 "
              "of InfluxDB, org and bucket are for version 2\n"},
             {{{"url", http}, {"bucket", "b"}},
              "org: must be set too: version 2 of InfluxDB wants both org and bucket\n"},
             {{{"url", http}, {"org", "o"}},
              "bucket: must be set too: version 2 of InfluxDB wants both org and bucket\n"},
             {{{"url", http}, {"org", "o"}, {"bucket", "b"}, {"retention_policy", "x"}},
              "retention_policy: must not be set with a bucket, which has its own\n"},
             {{{"url", http}, {"database", "m"}, {"token", "x"}},
              "token: must come with org and bucket; version 1 of InfluxDB has username and "
              "password\n"},
             {{{"url", http}, {"org", "o"}, {"bucket", "b"}, {"token", "x"}, {"username", "me"}},
              "token: must not be set together with username, got both\n"},
             {{{"url", http}, {"org", "o"}, {"bucket", "b"}, {"token", "x\n"}},
              "token: must not contain control characters, such as a line feed\n"},
             {{{"url", http}, {"database", "m"}, {"host_tag", "time"}},
              "host_tag: must not be \"time\", which the server keeps for itself\n"},
             {{{"url", http}, {"database", "m"}, {"host_tag", "x"}, {"type_tag", "x"}},
              "host_tag: must not be type_tag too, got \"x\" for both\n"},
             {{{"url", "udp://127.0.0.1:1"}, {"database", "m"}},
              "database: must not be set with a udp:// url: there the server's own configuration "
              "names the database\n"},
             {{{"url", "udp://127.0.0.1"}},
              R"(url: must be "udp://", a host, ':' and a port, such as "udp://127.0.0.1:8089", )"
              "got \"udp://127.0.0.1\"\n"},
         }) {
        CAPTURE(row.problem);
        SinkRig rig;
        SinkOptions options("history");
        for (const auto& [key, value] : row.set) options.set(key, value);
        influxdb::make(options, rig.context);
        CHECK(options.problems() == row.problem);
    }
    SinkRig rig;
    SinkOptions options("history");
    options.set("url", http).set("database", "m");
    options.set("tags", SinkOptions::TextTable{{"host", "x"}, {"k", ""}, {"a\\", "b"}});
    influxdb::make(options, rig.context);
    CHECK(options.problems() ==
          "tags: must not contain \"host\", which type_tag or host_tag adds already\n"
          "tags: must have names and values that are not empty\n"
          "tags: must not end with a backslash: the format cannot say it\n");
}

TEST_CASE("addresses for datagrams") {
    struct Row {
        const char* text;
        const char* host;
        std::uint16_t port;
    };
    for (const Row& row :
         std::vector<Row>{{"udp://127.0.0.1:8089", "127.0.0.1", 8089},
                          {"udp://[::1]:1", "::1", 1},
                          {"udp://influx.example:65535", "influx.example", 65535}}) {
        const auto address = influxdb::parse_udp_url(row.text);
        REQUIRE(address);
        CHECK(address->host == row.host);
        CHECK(address->port == row.port);
    }
    for (const char* const text : {"udp://", "udp://h", "udp://:1", "udp://[::1]", "udp://h:1/x",
                                   "udp://h:0", "udp://h:70000", "http://h:1"}) {
        CAPTURE(text);
        CHECK_FALSE(influxdb::parse_udp_url(text));
    }
    // What may be a password is not repeated.
    for (const char* const text : {"udp://u:swordfish@h:1", "udp://h:1/?p=swordfish",
                                   "udp://h:1?p=swordfish", "udp://h:1#swordfish"}) {
        const auto address = influxdb::parse_udp_url(text);
        REQUIRE_FALSE(address);
        CHECK(address.error().ends_with("got \"another text\""));
    }
}

TEST_CASE("datagrams of whole lines, up to their bound, and nothing missing") {
    Bench bench;
    const Receiver receiver;
    bench.options.set("url", receiver.url());
    bench.make();
    for (int i = 0; i < 2'000; ++i) bench.maker.count("c", "n:" + std::to_string(i), i);
    bench.maker.count("too.long", "t:" + std::string(1'400, 'x'), 1);
    bench.send();
    bench.deliver();
    std::set<std::string> keys;
    std::size_t datagrams = 0;
    while (const auto datagram = receiver.take()) {
        ++datagrams;
        CHECK(datagram->size() <= 1'400);
        for (const ReadPoint& point : read_points(*datagram)) keys.insert(point.key);
    }
    CHECK(keys.size() == 2'000);
    CHECK(datagrams < 150);
    CHECK(bench.ledger().delivered == 2'000);
    CHECK(bench.ledger().lost[LossReason::too_large] == 1);
}

TEST_CASE("where nobody listens the batch waits, and arrives later") {
    Bench bench;
    std::optional<Receiver> receiver;
    receiver.emplace();
    const std::uint16_t port = receiver->port();
    bench.options.set("url", receiver->url());
    bench.make();
    receiver.reset();
    bench.maker.count("c", "", 1);
    bench.send();
    bench.settle_attempt();
    CHECK(bench.ledger().delivered == 0);
    CHECK(bench.sink->status().state == SinkState::retrying);
    CHECK(bench.rig.has_said("nobody listens there"));

    receiver.emplace(port);
    bench.deliver();
    CHECK(bench.ledger().delivered == 1);
    const auto datagram = receiver->take();
    REQUIRE(datagram);
    CHECK(read_points(*datagram).at(0).numbers.at("total") == 1);
}

TEST_CASE("a name is looked up, also again after a minute") {
    Bench bench;
    const Receiver receiver;
    bench.options.set("url", "udp://localhost:" + std::to_string(receiver.port()));
    bench.make();
    for (int interval = 0; interval < 3; ++interval) {
        bench.maker.count("c", "", 1);
        bench.send();
        bench.deliver();
        bench.rig.advance(2min);
    }
    std::size_t datagrams = 0;
    while (receiver.take()) ++datagrams;
    CHECK(datagrams == 3);
    CHECK(bench.ledger().delivered == 3);
}

TEST_CASE("stopping, with datagrams to a name that does not exist") {
    Bench bench;
    bench.options.set("url", "udp://does-not-exist.invalid:8089");
    bench.make();
    bench.maker.count("c", "", 1);
    bench.send();
    bool drained = false;
    bench.sink->stop(bench.rig.time.steady_ns() + 2'000'000'000, [&] { drained = true; });
    bench.rig.run_until([&] {
        bench.rig.advance(20ms);
        return drained;
    });
    CHECK(bench.ledger().lost[LossReason::shutdown] == 1);
    CHECK(bench.ledger().closed());
    CHECK(bench.rig.time.next_ns() == -1);
}
