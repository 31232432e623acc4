// The scrape sink: golden pages in both formats, what OpenMetrics makes of names that the text
// format takes as they are, births where asked, strict reading over hostile names, promtool's
// opinion, the page over HTTP, the ledger, and addresses that are taken.
#include "sinks/prometheus_scrape/prometheus_scrape.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/golden.h"
#include "tests/support/gunzip.h"
#include "tests/support/hostile_snapshot.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"
#include "tests/support/strict_exposition.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;
using pitot::protocol::Snapshot;
using Format = StrictExposition::Format;

namespace {

constexpr std::string_view ask_open_metrics = "Accept: application/openmetrics-text\r\n";

std::uint16_t port_of(const std::string& url) {
    const std::size_t colon = url.rfind(':');
    return static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
}

struct Bench {
    SinkRig rig;
    SnapshotMaker maker;
    SinkOptions options{"metrics"};
    std::unique_ptr<Sink> sink;

    Bench() {
        options.set("address", "127.0.0.1:0");
        rig.context.quantiles = {0.5, 0.9};
    }
    void open() {
        sink = prometheus_scrape::make(options, rig.context);
        REQUIRE(options.problems() == "");
        const auto error = sink->open();
        REQUIRE_MESSAGE(!error, *error);
    }
    void flush() {
        sink->send(maker.end_interval());
        CHECK(sink->status().ledger.closed());
    }
    RawHttpClient::Answer ask(std::string_view headers = "", std::string_view path = "/metrics") {
        RawHttpClient client(port_of(sink->where()));
        CHECK(client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n" +
                          std::string(headers) + "\r\n"));
        RawHttpClient::Answer answer = client.read_answer();
        CHECK(answer.complaint == "");
        return answer;
    }
    std::string text() { return ask().body; }
    std::string open_metrics() { return ask(ask_open_metrics).body; }
    Ledger ledger() const { return sink->status().ledger; }
};

// Without HELP, TYPE and UNIT lines and the end.
std::string samples_of(const std::string& page) {
    std::istringstream in(page);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with('#')) out += line + "\n";
    }
    return out;
}

void check_strictly(const std::string& page, Format format) {
    const StrictExposition read(page, format);
    CHECK(read.complaints() == "");
}

void every_kind(SnapshotMaker& maker) {
    maker.count("page.views", "env:prod,shell", 3);
    maker.count("page.views", "env:dev", 0.5);
    maker.gauge("queue.length", "", -2.25);
    maker.set("users", "site:a b", 17);
    maker.values(Kind::timer, "load", "env:prod", {250, 100, 1000, 750});
    maker.values(Kind::histogram, "size", "", {1, 2, 3});
    maker.values(Kind::distribution, "the \"amount\"", "", {1e21, 5e-7});
    maker.values(Kind::timer, "slow.query", R"(db:"x"\y)", {200, 900, 3000});
    maker.timed(Kind::gauge, "late", 1'700'000'000, 1);
}

void slow_rule(SinkOptions& options) {
    options.table("rules", "slow")
        .set("match", "slow.*")
        .set("buckets", SinkOptions::Value(std::vector<double>{0.25, 1, 2.5}));
}

// What promtool says of a page; "" when it is content. It reads 0.0.4 only.
std::string promtool_says(const std::string& page) {
    std::array<int, 2> in{-1, -1};
    std::array<int, 2> out{-1, -1};
    REQUIRE(::pipe(in.data()) == 0);
    REQUIRE(::pipe(out.data()) == 0);
    const pid_t reader = ::fork();
    if (reader == 0) {
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        for (const int end : {in[0], in[1], out[0], out[1]}) ::close(end);
        ::execlp("promtool", "promtool", "check", "metrics", nullptr);
        ::_exit(127);
    }
    const pid_t writer = ::fork();
    if (writer == 0) {
        std::string_view rest = page;
        while (!rest.empty()) {
            const ssize_t count = ::write(in[1], rest.data(), rest.size());
            if (count <= 0) ::_exit(1);
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
        ::_exit(0);
    }
    for (const int end : {in[0], in[1], out[1]}) ::close(end);
    std::string said;
    std::array<char, 4096> bytes{};
    for (ssize_t count = 0; (count = ::read(out[0], bytes.data(), bytes.size())) > 0;) {
        said.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(out[0]);
    int status = 0;
    ::waitpid(writer, nullptr, 0);
    ::waitpid(reader, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    REQUIRE_MESSAGE(code != 127, "promtool is in Debian's package prometheus");
    if (code != 0 && said.empty()) said = "promtool ended with " + std::to_string(code);
    return said;
}

}  // namespace

TEST_CASE("before the first flush: an empty page, valid in both formats") {
    Bench bench;
    bench.open();
    const auto text = bench.ask();
    CHECK(text.status == 200);
    CHECK(text.headers.at("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(text.headers.at("vary") == "Accept");
    CHECK(text.body == "");
    const auto open_metrics = bench.ask(ask_open_metrics);
    CHECK(open_metrics.headers.at("content-type") ==
          "application/openmetrics-text; version=1.0.0; charset=utf-8");
    CHECK(open_metrics.body == "# EOF\n");
    CHECK(bench.sink->status().state == SinkState::idle);
}

TEST_CASE("every kind, in both formats, in the first interval and in an idle one") {
    Bench bench;
    slow_rule(bench.options);
    bench.open();
    every_kind(bench.maker);
    bench.flush();
    const std::string text = bench.text();
    const std::string open_metrics = bench.open_metrics();
    check_golden("prometheus_scrape/all_kinds.txt", text);
    check_golden("prometheus_scrape/all_kinds.openmetrics.txt", open_metrics);
    check_strictly(text, Format::text);
    check_strictly(open_metrics, Format::open_metrics);
    CHECK(samples_of(text) == samples_of(open_metrics));
    CHECK(promtool_says(text) == "");
    CHECK(bench.ledger().delivered == 8);
    CHECK(bench.ledger().skipped[SkipReason::own_time] == 1);

    bench.flush();
    check_golden("prometheus_scrape/all_kinds_idle.txt", bench.text());
    check_golden("prometheus_scrape/all_kinds_idle.openmetrics.txt", bench.open_metrics());
    check_strictly(bench.open_metrics(), Format::open_metrics);
    CHECK(bench.ledger().delivered == 16);
}

TEST_CASE("births where asked, in OpenMetrics only") {
    Bench bench;
    slow_rule(bench.options);
    bench.options.set("created", true);
    bench.open();
    every_kind(bench.maker);
    bench.flush();
    CHECK_FALSE(bench.text().contains("_created"));
    const std::string open_metrics = bench.open_metrics();
    check_golden("prometheus_scrape/created.openmetrics.txt", open_metrics);
    check_strictly(open_metrics, Format::open_metrics);
    CHECK(open_metrics.contains("page_views_created{env=\"dev\"} 1785542400\n"));
}

TEST_CASE("what is sent to whoever prints the sink is the page") {
    Bench bench;
    bench.open();
    every_kind(bench.maker);
    const Snapshot snapshot = bench.maker.end_interval();
    const auto printed = prometheus_scrape::make(bench.options, bench.rig.context);
    Encoded encoded;
    printed->encoder().encode(snapshot, encoded);
    bench.sink->send(snapshot);
    CHECK(encoded.batches.at(0).body == bench.text());
}

TEST_CASE("a name that OpenMetrics reads otherwise costs its type there, and no sample") {
    Bench bench;
    bench.open();
    const auto check_both = [&] {
        bench.flush();
        const std::string text = bench.text();
        const std::string open_metrics = bench.open_metrics();
        check_strictly(text, Format::text);
        check_strictly(open_metrics, Format::open_metrics);
        CHECK(samples_of(text) == samples_of(open_metrics));
        return open_metrics;
    };
    bench.maker.count("a", "", 1);
    bench.maker.count("b", "", 1);
    CHECK(check_both().contains("# TYPE a counter\n"));
    // A gauge takes the name of the family, and of its birth: both stay, one without its type.
    bench.maker.gauge("a", "", 5);
    bench.maker.gauge("b.created", "", 6);
    const std::string met = check_both();
    CHECK(met.contains("# TYPE a gauge\n"));
    CHECK(met.contains("# TYPE a_total unknown\n"));
    CHECK(met.contains("# TYPE b_total unknown\n"));
    CHECK(bench.ledger().lost.sum() == 0);
    // And it is a counter again when they are gone.
    bench.maker.forget(Kind::gauge, "a", "");
    bench.maker.forget(Kind::gauge, "b.created", "");
    const std::string gone = check_both();
    CHECK(gone.contains("# TYPE a counter\n"));
    CHECK(gone.contains("# TYPE b counter\n"));
    bench.maker.count("b.created", "", 1);
    CHECK(check_both().contains("# TYPE b_total unknown\n"));
    bench.maker.forget(Kind::counter, "b.created", "");
    CHECK(check_both().contains("# TYPE b counter\n"));
    // Whoever comes first.
    bench.maker.values(Kind::histogram, "c", "", {1});
    bench.maker.count("c", "", 2);
    CHECK(check_both().contains("# TYPE c_total unknown\n"));
    CHECK(bench.ledger().lost.sum() == 0);
    // The birth of a summary is part of it, and the later one is kept back.
    bench.maker.gauge("c.created", "", 3);
    CHECK_FALSE(check_both().contains("c_created"));
    CHECK(bench.ledger().lost[LossReason::name_clash] == 1);
    CHECK(
        bench.rig.has_said("gauge \"c.created\" would use the name c_created, which histogram "
                           "\"c\" uses already"));
    bench.maker.forget(Kind::histogram, "c", "");
    CHECK(check_both().contains("# TYPE c_total unknown\n"));  // c_created has its place now
    bench.maker.forget(Kind::gauge, "c.created", "");
    CHECK(check_both().contains("# TYPE c counter\n"));
}

TEST_CASE("counters without their suffix are of unknown type in OpenMetrics") {
    Bench bench;
    bench.options.set("counter_suffix", "");
    bench.open();
    bench.maker.count("plain", "", 1);
    bench.maker.count("_total", "", 2);
    bench.maker.count("full_total", "", 3);
    bench.flush();
    CHECK(bench.text().contains("# TYPE plain counter\nplain 1\n"));
    const std::string open_metrics = bench.open_metrics();
    check_strictly(open_metrics, Format::open_metrics);
    CHECK(open_metrics.contains("# TYPE plain unknown\n"));
    CHECK(open_metrics.contains("# TYPE _total unknown\n"));
    CHECK(open_metrics.contains("# TYPE full counter\n"));
}

TEST_CASE("hostile names and tags: both formats are strictly correct and hold the same") {
    for (const bool created : {false, true}) {
        Bench bench;
        slow_rule(bench.options);
        bench.options.set("created", created);
        bench.open();
        HostileSnapshots hostile(created ? 5 : 3);
        for (int interval = 0; interval < 12; ++interval) {
            hostile.add_to(bench.maker, 150);
            bench.flush();
            const std::string text = bench.text();
            const std::string open_metrics = bench.open_metrics();
            check_strictly(text, Format::text);
            check_strictly(open_metrics, Format::open_metrics);
            if (!created) CHECK(samples_of(text) == samples_of(open_metrics));
        }
        // Names as bad as these are not to its taste; that it reads all of them is what counts.
        CHECK_FALSE(promtool_says(bench.text()).contains("error while linting"));
        CHECK(bench.ledger().lost[LossReason::name_clash] > 0);
    }
}

TEST_CASE("the page comes compressed where that is accepted") {
    Bench bench;
    bench.open();
    for (int i = 0; i < 5000; ++i) bench.maker.count("c", "n:" + std::to_string(i), i);
    bench.flush();
    const std::string text = bench.text();
    const auto packed = bench.ask("Accept-Encoding: gzip\r\n");
    CHECK(packed.headers.at("content-encoding") == "gzip");
    CHECK(packed.headers.at("vary") == "Accept, Accept-Encoding");
    CHECK(packed.body.size() * 4 < text.size());
    CHECK((gunzip(packed.body) == text));
    const auto both = bench.ask("Accept-Encoding: gzip\r\n" + std::string(ask_open_metrics));
    CHECK((gunzip(both.body) == bench.open_metrics()));
}

TEST_CASE("a scrape that takes its time reads the flush it began with") {
    Bench bench;
    bench.open();
    const auto flush = [&](int value) {
        for (int i = 0; i < 50'000; ++i) {
            bench.maker.gauge("g", "n:" + std::to_string(i), value);
        }
        bench.flush();
    };
    flush(1);
    RawHttpClient slow(port_of(bench.sink->where()), 4096);
    CHECK(slow.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n"));
    while (bench.ask("", "/other").status != 404) {
    }
    flush(2);
    flush(3);
    const std::string first = slow.read_answer().body;
    CHECK_FALSE(first.contains("} 2\n"));
    CHECK_FALSE(first.contains("} 3\n"));
    CHECK(StrictExposition(first, Format::text).samples() == 50'000);
    CHECK(bench.text().contains("} 3\n"));
}

TEST_CASE("a path and a token of one's own") {
    Bench bench;
    bench.options.set("path", "/prometheus/metrics").set("bearer_token", "swordfish");
    bench.open();
    CHECK(bench.sink->where().ends_with("/prometheus/metrics"));
    CHECK(bench.ask("", "/prometheus/metrics").status == 401);
    CHECK(bench.ask("Authorization: Bearer swordfish\r\n", "/prometheus/metrics").status == 200);
    CHECK(bench.ask("Authorization: Bearer swordfish\r\n", "/metrics").status == 404);
}

TEST_CASE("without an address the page is for the agent's server to show") {
    const SinkRig rig;
    SinkOptions options("metrics");
    options.set("path", "/prometheus");
    const auto sink = prometheus_scrape::make(options, rig.context);
    CHECK(options.problems() == "");
    CHECK_FALSE(sink->open());
    CHECK(sink->where() == "/prometheus");
    const auto routes = sink->routes();
    REQUIRE(routes.size() == 1);
    CHECK(routes[0].path == "/prometheus");
    CHECK_FALSE(routes[0].is_public);
    SnapshotMaker maker;
    maker.count("hits", "", 3);
    sink->send(maker.end_interval());
    const http::ServerAnswer answer =
        routes[0].answer({.path = "/prometheus", .query = "", .accept = ""});
    CHECK(answer.status == 200);
    std::string page;
    for (const std::string_view piece : *answer.body) page += piece;
    CHECK(page.contains("hits_total 3\n"));
}

TEST_CASE("a server of its own offers the agent's nothing") {
    Bench bench;
    bench.open();
    CHECK(bench.sink->routes().empty());
}

TEST_CASE("settings that are wrong") {
    const auto problems_of = [](const std::string& key, const char* value) {
        const SinkRig rig;
        SinkOptions options("metrics");
        options.set(key, value);
        static_cast<void>(prometheus_scrape::make(options, rig.context));
        return options.problems() + options.warnings();
    };
    CHECK(problems_of("address", "127.0.0.1:9125") == "");
    CHECK(problems_of("address", "localhost:9125").starts_with("address: must be ADDRESS:PORT"));
    CHECK(problems_of("address", "*:9125").starts_with("address: must be of this machine only"));
    CHECK(problems_of("address", "").starts_with("address: must be ADDRESS:PORT, or not set"));
    CHECK(problems_of("path", "metrics").starts_with("path: must begin with '/'"));
    CHECK(problems_of("path", "/a b").starts_with("path: must begin with '/'"));
    CHECK(problems_of("path", "/a?b").starts_with("path: must begin with '/'"));
    CHECK(problems_of("bearer_token", "a\nb").starts_with("bearer_token: must have no blanks"));
    CHECK(problems_of("bearer_token", "a").starts_with("bearer_token: must go with an address"));
}

TEST_CASE("an address that is taken is said at open, and a stop lets it go") {
    Bench first;
    first.open();
    Bench second;
    const std::string address = "127.0.0.1:" + std::to_string(port_of(first.sink->where()));
    second.options.set("address", address.c_str());
    second.sink = prometheus_scrape::make(second.options, second.rig.context);
    CHECK(second.sink->open().value_or("") ==
          "cannot listen on " + address + ": Address already in use");
    CHECK(second.sink->where() == "");

    bool drained = false;
    first.sink->stop(first.rig.time.steady_ns() + 1'000'000'000, [&] { drained = true; });
    first.rig.run_until([&] { return drained; });
    CHECK(first.sink->status().state == SinkState::stopped);
    Bench third;
    third.options.set("address", address.c_str());
    third.open();
}
