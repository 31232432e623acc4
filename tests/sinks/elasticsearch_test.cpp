// The Elasticsearch sink from Snapshot to server, against the strict double: the index template,
// per-item results, retries that repeat nothing, answers of every shape, settings and
// credentials. What a healthy server does is tests/end_to_end/search_test.py.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sinks/elasticsearch/elasticsearch.h"
#include "sinks/http/gunzip.h"
#include "tests/support/http_double.h"
#include "tests/support/search_double.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

namespace {

constexpr const char* day = "metrics-2026.08.01";
constexpr const char* template_name = "pitot-metrics-yyyy.mm.dd";

struct Bench {
    SinkRig rig;
    SearchDouble search;
    HttpDouble server;
    SnapshotMaker maker;
    SinkOptions options{"search"};
    std::unique_ptr<Sink> sink;

    Bench() {
        server.answer_with([this](const auto& request) { return search.answer(request); });
        options.set("url", server.url()).set("index", "metrics-%Y.%m.%d");
    }
    ~Bench() {
        CHECK(server.complaints() == "");
        CHECK(search.complaints() == "");
        if (sink) CHECK(ledger().closed());
    }
    void make() {
        sink = elasticsearch::make(options, rig.context);
        REQUIRE(options.problems() == "");
    }
    void send() { sink->send(maker.end_interval()); }
    // Until nothing is on its way; time moves as far as that takes.
    void deliver() {
        rig.run_until([&] {
            if (ledger().in_flight == 0) rig.advance(1s);
            return ledger().queued + ledger().in_flight == 0 && sink->status().queued_batches == 0;
        });
    }
    void send_counters(int count) {
        for (int i = 0; i < count; ++i) maker.count("c." + std::to_string(i), "", 1);
        send();
    }
    std::vector<HttpDouble::Received> bulks() const {
        std::vector<HttpDouble::Received> out;
        for (const HttpDouble::Received& request : server.requests()) {
            if (request.target.starts_with("/_bulk")) out.push_back(request);
        }
        return out;
    }
    // Documents in each bulk request, retries included.
    std::vector<std::size_t> bulk_sizes() const {
        std::vector<std::size_t> out;
        for (const HttpDouble::Received& request : bulks()) {
            const std::string body = http::gunzip(request.body, 1U << 30U).value_or(request.body);
            out.push_back(static_cast<std::size_t>(std::ranges::count(body, '\n')) / 2);
        }
        return out;
    }
    Ledger ledger() const { return sink->status().ledger; }
};

std::string problems_of(const std::function<void(SinkOptions&)>& change) {
    SinkRig rig;
    SinkOptions options("search");
    options.set("url", "http://127.0.0.1:1").set("index", "m");
    change(options);
    elasticsearch::make(options, rig.context);
    return options.problems() + options.warnings();
}

}  // namespace

TEST_CASE("documents arrive, after the template") {
    Bench bench;
    bench.make();
    bench.send_counters(3);
    bench.deliver();
    CHECK(bench.search.documents(day).size() == 3);
    CHECK(bench.ledger().delivered == 3);
    const auto requests = bench.server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].method + requests[0].target ==
          std::string("GET/_index_template/") + template_name);
    CHECK(requests[1].method == "PUT");
    CHECK(requests[2].target ==
          "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason");
    CHECK(requests[2].headers.at("content-encoding") == "gzip");
    CHECK(requests[2].headers.at("accept-encoding") == "identity");
    CHECK(bench.rig.has_said(std::string("put the index template ") + template_name));

    // Once, for the life of the connection.
    bench.send_counters(2);
    bench.deliver();
    CHECK(bench.server.requests().size() == 4);
    CHECK(bench.search.document_count() == 5);
    CHECK(bench.sink->status().state == SinkState::working);
}

TEST_CASE("an interval without news sends nothing") {
    Bench bench;
    bench.make();
    bench.send();
    bench.deliver();
    CHECK(bench.server.requests().empty());
}

TEST_CASE("templates: ours is replaced when it is older, a stranger's never") {
    struct Case {
        std::string there;
        bool is_put;
        std::string said;
    };
    const std::vector<Case> cases{
        {R"({"index_patterns":["a"],"version":0,"_meta":{"managed_by":"pitot"}})", true, "put the"},
        {R"({"index_patterns":["a"],"version":9,"_meta":{"managed_by":"pitot"}})", false, ""},
        {R"({"index_patterns":["a"],"version":0})", false, "is not pitot's; it is left alone"},
        {R"({"index_patterns":["a"],"_meta":{"managed_by":"ops"}})", false, "is left alone"},
    };
    for (const Case& one : cases) {
        CAPTURE(one.there);
        Bench bench;
        bench.search.put_template(template_name, one.there);
        bench.make();
        bench.send_counters(1);
        bench.deliver();
        CHECK(bench.search.documents(day).size() == 1);
        CHECK(bench.search.templates_put() == (one.is_put ? 1 : 0));
        CHECK((bench.search.index_template(template_name) == one.there) == !one.is_put);
        if (one.said.empty()) {
            CHECK(bench.rig.said.str() == "");
        } else {
            CHECK(bench.rig.has_said(one.said));
        }
    }
}

TEST_CASE("two starts put one template") {
    Bench bench;
    for (int start = 0; start < 2; ++start) {
        bench.make();
        bench.send_counters(1);
        bench.deliver();
    }
    CHECK(bench.search.templates_put() == 1);
}

TEST_CASE("manage_template = false asks for nothing") {
    Bench bench;
    bench.options.set("manage_template", false);
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    CHECK(bench.server.requests().size() == 1);
}

TEST_CASE("a template that is refused costs nothing but a warning, once") {
    for (const unsigned status : {400U, 403U}) {
        Bench bench;
        bench.search.refuse_templates(status);
        bench.make();
        for (int interval = 0; interval < 3; ++interval) {
            bench.send_counters(1);
            bench.deliver();
        }
        CHECK(bench.search.document_count() == 3);
        const std::string said = bench.rig.said.str();
        CHECK(said.find("manage_index_templates") != std::string::npos);
        CHECK(said.find("manage_index_templates") == said.rfind("manage_index_templates"));
    }
}

TEST_CASE("a data stream whose template is refused is not filled as an index") {
    Bench bench;
    bench.options = SinkOptions("search");
    bench.options.set("url", bench.server.url()).set("data_stream", "metrics-pitot-default");
    bench.search.refuse_templates(403);
    bench.make();
    bench.send_counters(2);
    bench.rig.run_until([&] { return bench.sink->status().state == SinkState::held; });
    CHECK(bench.search.document_count() == 0);
    CHECK(bench.sink->status().last_error.find(
              "data stream metrics-pitot-default does not exist") != std::string::npos);
    bench.search.refuse_templates(0);
    bench.deliver();
    CHECK(bench.search.documents("metrics-pitot-default").size() == 2);
    CHECK(bench.ledger().lost.sum() == 0);
}

TEST_CASE("a server that comes back empty gets the template before documents") {
    Bench bench;
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    bench.search.forget_everything();
    bench.server.next(HttpDouble::Step{.cut_request_at = 1});
    bench.server.next(HttpDouble::Step{.cut_request_at = 1});
    bench.send_counters(1);
    bench.deliver();
    CHECK(bench.search.templates_put() == 2);
    CHECK(bench.search.documents(day).size() == 1);
}

TEST_CASE("a server that is away or busy when the template is due is asked again") {
    for (const std::string& trouble :
         {reply(503, "starting"), reply(429, ""), reply(500, ""), std::string("no HTTP")}) {
        Bench bench;
        bench.server.next(HttpDouble::Step{.reply = trouble, .close = true});
        bench.make();
        bench.send_counters(1);
        bench.deliver();
        CHECK(bench.search.templates_put() == 1);
        CHECK(bench.search.document_count() == 1);
        CHECK(bench.ledger().delivered == 1);
    }
}

TEST_CASE("items that are not taken yet are sent again, alone") {
    for (const unsigned status : {429U, 500U, 503U}) {
        Bench bench;
        bench.search.fault({.times = 2, .holding = "c.1\"", .status = status, .type = "busy"});
        bench.search.fault({.times = 1, .holding = "c.3\"", .status = status, .type = "busy"});
        bench.make();
        bench.send_counters(5);
        bench.deliver();
        CHECK(bench.bulk_sizes() == std::vector<std::size_t>{5, 2, 1});
        CHECK(bench.search.documents(day).size() == 5);
        CHECK(bench.search.conflicts() == 0);
        CHECK(bench.ledger().delivered == 5);
        CHECK(bench.rig.has_said("documents are not taken yet"));
    }
}

TEST_CASE("a refused document is lost by name, the others are not") {
    Bench bench;
    bench.search.fault({.times = 2, .holding = "c.1", .reason = "no \x1b[31m way"});
    bench.search.fault({.times = 1, .holding = "c.0\"", .status = 429, .type = "busy"});
    bench.make();
    bench.send_counters(13);  // c.1, c.10
    bench.deliver();
    CHECK(bench.ledger().delivered == 11);
    CHECK(bench.ledger().lost[LossReason::rejected] == 2);
    CHECK(bench.search.documents(day).size() == 11);
    CHECK(
        bench.rig.has_said("a document of \"c.1\" is refused and lost: 400 "
                           "mapper_parsing_exception: no  [31m way"));

    // The next ones within a minute are counted, not told.
    const std::size_t told = bench.rig.said.str().size();
    bench.search.fault({.times = 1, .holding = "c.2"});
    bench.maker.count("c.2", "", 1);
    bench.send();
    bench.rig.run_until([&] { return bench.ledger().lost[LossReason::rejected] == 3; });
    CHECK(bench.rig.said.str().size() == told);
    bench.rig.advance(61s);
    bench.search.fault({.times = 1, .holding = "c.2"});
    bench.maker.count("c.2", "", 1);
    bench.send();
    bench.rig.run_until([&] { return bench.ledger().lost[LossReason::rejected] == 4; });
    CHECK(
        bench.rig.has_said("a document of \"c.2\" is refused and lost: 400 "
                           "mapper_parsing_exception: failed to parse. So were 2 others before"));
}

TEST_CASE("a field whose type changes costs the document that changes it") {
    Bench bench;
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    bench.search.fault({.times = 1, .holding = "metric", .status = 400});
    bench.send_counters(1);
    bench.deliver();
    CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    CHECK(bench.sink->status().last_error.find("mapper_parsing_exception") != std::string::npos);
    CHECK(bench.sink->status().state == SinkState::working);
}

TEST_CASE("a server that stores and then hangs up never has a document twice") {
    for (const std::size_t cut : {0U, 1U, 20U, 60U, 100U, 120U}) {
        for (const bool reset : {false, true}) {
            CAPTURE(cut);
            Bench bench;
            bench.make();
            bench.send_counters(1);
            bench.deliver();
            bench.server.next(HttpDouble::Step{.cut_reply_at = cut, .reset = reset});
            bench.send_counters(20);
            bench.deliver();
            CHECK(bench.search.documents(day).size() == 21);
            CHECK(bench.ledger().delivered == 21);
            CHECK(bench.ledger().lost.sum() == 0);
            // An answer cut after "errors":false had said all there was to say.
            if (bench.search.conflicts() > 0) {
                CHECK(bench.search.conflicts() == 20);
                const auto bulks = bench.bulks();
                REQUIRE(bulks.size() == 3);
                CHECK(bulks[1].body == bulks[2].body);
            }
        }
    }
}

TEST_CASE("an answer that comes too late is asked for again") {
    Bench bench;
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    bench.server.next(HttpDouble::Step{.silent = true});
    bench.send_counters(20);
    bench.rig.run_until([&] { return bench.bulks().size() == 2; });
    bench.rig.advance(31s);
    bench.deliver();
    CHECK(bench.search.documents(day).size() == 21);
    CHECK(bench.search.conflicts() == 20);
    CHECK(bench.ledger().delivered == 21);
}

TEST_CASE("answers are read however they are written") {
    for (const auto style :
         {SearchDouble::Style::plain, SearchDouble::Style::pretty, SearchDouble::Style::gzip}) {
        Bench bench;
        bench.search.write(style);
        bench.search.fault({.times = 1, .holding = "c.1\""});
        bench.make();
        bench.send_counters(3);
        bench.deliver();
        CHECK(bench.ledger().delivered == 2);
        CHECK(bench.ledger().lost[LossReason::rejected] == 1);
    }
}

TEST_CASE("too large a request is cut until it fits; one document alone is too large") {
    Bench bench;
    bench.search.take_at_most(700);
    bench.make();
    bench.maker.gauge(std::string(800, 'x'), "", 1);
    bench.send_counters(16);
    bench.deliver();
    CHECK(bench.ledger().delivered == 16);
    CHECK(bench.ledger().lost[LossReason::too_large] == 1);
    CHECK(bench.search.documents(day).size() == 16);
    CHECK(bench.search.conflicts() == 0);
}

TEST_CASE("a request that is refused whole is searched for the guilty document") {
    Bench bench;
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    bench.server.next(reply(400, "what?"));
    bench.send_counters(4);
    bench.deliver();
    CHECK(bench.ledger().delivered == 5);
    CHECK(bench.bulk_sizes() == std::vector<std::size_t>{1, 4, 2, 2});
}

TEST_CASE("200 from somebody else is no delivery") {
    Bench bench;
    bench.options.set("manage_template", false);
    bench.make();
    bench.server.next(reply(200, "<html>welcome</html>"));
    bench.send_counters(4);
    bench.rig.run_until([&] { return bench.sink->status().state == SinkState::held; });
    CHECK(bench.sink->status().last_error.find("check the url of this sink") != std::string::npos);
    bench.deliver();
    CHECK(bench.ledger().delivered == 4);
}

TEST_CASE("what only the operator can mend is held, and says what it is") {
    struct Case {
        HttpDouble::Step step;
        std::string said;
    };
    const std::vector<Case> cases{
        {{.reply = reply(401, R"({"error":{"type":"security_exception"}})")}, "credentials"},
        {{.reply = reply(403, "")}, "credentials"},
        {{.reply = reply(404, "")}, "url"},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.make();
        bench.send_counters(1);
        bench.deliver();
        bench.server.next(one.step);
        bench.send_counters(2);
        bench.rig.run_until([&] { return bench.sink->status().state == SinkState::held; });
        CHECK(bench.sink->status().last_error.find(one.said) != std::string::npos);
        bench.deliver();
        CHECK(bench.ledger().delivered == 3);
    }
    Bench bench;
    bench.search.fault({.times = 4,
                        .status = 404,
                        .type = "index_not_found_exception",
                        .reason = "no such index [metrics-2026.08.01]"});
    bench.make();
    bench.send_counters(2);
    bench.rig.run_until([&] { return bench.sink->status().state == SinkState::held; });
    CHECK(bench.sink->status().last_error.find("no such index") != std::string::npos);
    bench.deliver();
    CHECK(bench.ledger().delivered == 2);
}

TEST_CASE("credentials: each kind, in one header, and never two kinds") {
    struct Case {
        std::vector<std::pair<std::string, std::string>> settings;
        std::string header;
    };
    const std::vector<Case> cases{
        {{{"username", "me"}, {"password", "hunter2"}}, "Basic bWU6aHVudGVyMg=="},
        {{{"bearer_token", "hunter2"}}, "Bearer hunter2"},
        {{{"api_key", "aHVudGVyMg=="}}, "ApiKey aHVudGVyMg=="},
    };
    for (const Case& one : cases) {
        Bench bench;
        for (const auto& [key, value] : one.settings) bench.options.set(key, value);
        bench.make();
        bench.send_counters(1);
        bench.deliver();
        for (const HttpDouble::Received& request : bench.server.requests()) {
            CHECK(request.headers.at("authorization") == one.header);
        }
    }
    CHECK(problems_of([](SinkOptions& options) {
              options.set("api_key", "a").set("username", "b").set("password", "c");
          }).find("api_key: must not be set together") != std::string::npos);
    CHECK(problems_of([](SinkOptions& options) {
              options.set("api_key", "a").set("bearer_token", "b");
          }).find("api_key: must not be set together") != std::string::npos);
    for (const char* key : {"hunter2:x", "a b", "a\nb"}) {
        const std::string problems =
            problems_of([&](SinkOptions& options) { options.set("api_key", key); });
        CHECK(problems.find("api_key: must be the key's \"encoded\" form") != std::string::npos);
        CHECK(problems.find(key) == std::string::npos);
    }
}

TEST_CASE("settings: what is wrong is said, what is unwise is warned about") {
    using Change = std::function<void(SinkOptions&)>;
    const std::vector<std::pair<Change, std::string>> cases{
        {[](SinkOptions& o) { o.set("index", ""); }, ": must have one of index and data_stream"},
        {[](SinkOptions& o) { o.set("data_stream", "a-b-c"); },
         "data_stream: must not be set together with index, got both"},
        {[](SinkOptions& o) { o.set("index", "Metrics"); }, "index: must be in small letters"},
        {[](SinkOptions& o) { o.set("index", "").set("data_stream", "A-b-c"); },
         "data_stream: must be in small letters"},
        {[](SinkOptions& o) { o.set("index", "metrics-a-%Y"); },
         "index: \"metrics-a-%Y\" is a name that Elasticsearch takes for a data stream"},
        {[](SinkOptions& o) { o.set("template_name", "a/b"); }, "template_name: must be small"},
        {[](SinkOptions& o) { o.set("host", ""); }, "host: must not be empty"},
        {[](SinkOptions& o) { o.set("batch_bytes", std::int64_t{1024}); }, "batch_bytes: "},
        {[](SinkOptions& o) { o.set("queue_bytes", std::int64_t{1} << 20U); },
         "queue_bytes: must be at least batch_bytes, which is 5242880, got 1048576"},
        {[](SinkOptions& o) { o.set("shards", std::int64_t{-1}); }, "shards: "},
    };
    for (const auto& [change, problem] : cases) {
        const std::string problems = problems_of(change);
        CHECK_MESSAGE(problems.starts_with(problem), problems);
    }
    CHECK(problems_of([](SinkOptions&) {}) == "");
    CHECK(problems_of([](SinkOptions& options) {
              options.set("index", "").set("data_stream", "metrics-pitot-default");
          }) == "");
}

TEST_CASE("the path of the url is kept, for servers behind a proxy") {
    Bench bench;
    bench.server.answer_with([&](HttpDouble::Received request) {
        CHECK(request.target.starts_with("/es/_"));
        request.target.erase(0, 3);
        return bench.search.answer(request);
    });
    bench.options.set("url", bench.server.url() + "/es/");
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    CHECK(bench.search.document_count() == 1);
}

TEST_CASE("without gzip, plain") {
    Bench bench;
    bench.options.set("gzip", false);
    bench.make();
    bench.send_counters(1);
    bench.deliver();
    CHECK_FALSE(bench.bulks().at(0).headers.contains("content-encoding"));
    CHECK(bench.bulks().at(0).body.starts_with(R"({"create":{"_index":")"));
}

TEST_CASE("a data stream that rolls over between an attempt and its retry has nothing twice") {
    constexpr const char* stream = "metrics-pitot-default";
    struct Case {
        int rollovers;
        bool may_read;
    };
    for (const Case& one : std::vector<Case>{{0, true}, {1, true}, {3, true}, {1, false}}) {
        CAPTURE(one.rollovers);
        CAPTURE(one.may_read);
        Bench bench;
        bench.options.set("index", "").set("data_stream", stream);
        bench.make();
        bench.send_counters(1);
        bench.deliver();
        // Stored, and the answer is lost.
        bench.server.next(HttpDouble::Step{.cut_reply_at = 0});
        bench.send_counters(2);
        bench.rig.run_until([&] { return bench.sink->status().state == SinkState::retrying; });
        for (int i = 0; i < one.rollovers; ++i) bench.search.roll_over(stream);
        if (!one.may_read) bench.search.refuse_readers();
        bench.deliver();
        CHECK(bench.ledger().delivered == 3);
        CHECK(bench.search.document_count() == (one.may_read ? 3 : 5));
        CHECK(bench.rig.has_said("Grant read and view_index_metadata") == !one.may_read);

        // Whoever was told to look does so once: from then on documents are sent at once.
        const std::size_t requests = bench.server.requests().size();
        bench.send_counters(1);
        bench.deliver();
        CHECK(bench.server.requests().size() == requests + 1);
    }
}

TEST_CASE("of a batch only the documents that an earlier index lacks are sent again") {
    constexpr const char* stream = "metrics-pitot-default";
    Bench bench;
    bench.options.set("index", "").set("data_stream", stream);
    bench.make();
    bench.search.fault({.times = 1, .holding = "c.1", .status = 503, .type = "busy"});
    bench.server.next(HttpDouble::Step{});
    bench.server.next(HttpDouble::Step{});
    bench.server.next(HttpDouble::Step{.cut_reply_at = 0});
    bench.send_counters(3);
    bench.rig.run_until([&] { return bench.sink->status().state == SinkState::retrying; });
    bench.search.roll_over(stream);
    bench.deliver();
    CHECK(bench.ledger().delivered == 3);
    CHECK(bench.search.document_count() == 3);
    CHECK(bench.search.documents(stream).size() == 1);
    CHECK(bench.bulk_sizes() == std::vector<std::size_t>{3, 1});
}
