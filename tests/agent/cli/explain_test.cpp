// `pitot explain`: the text for people, and the answers for programs, request by request.
// What the answers say of thousands of lines is checked in corpus_test.cpp.
#include "agent/cli/explain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace std::string_literals;
using pitot::agent::answer_explain_request;
using pitot::agent::explain;
using pitot::agent::ExplainArguments;
using pitot::protocol::Dialect;
using pitot::protocol::GaugeSign;
using pitot::protocol::Parser;
using pitot::protocol::Reading;

struct Outcome {
    int exit_code;
    std::string out;
    std::string err;
};

Outcome run(const ExplainArguments& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = explain(arguments, in, out, err);
    return {exit_code, out.str(), err.str()};
}

// How lines are read, without the part that shows what they become: "  in push …" up to
// the blank line behind it.
std::string without_sinks(const std::string& text) {
    std::string kept;
    std::istringstream lines(text);
    bool in_sinks = false;
    for (std::string line; std::getline(lines, line);) {
        in_sinks = !line.empty() && (in_sinks || line.starts_with("  in "));
        if (!in_sinks) kept += line + "\n";
    }
    return kept;
}

TEST_CASE("requests and answers") {
    struct Row {
        int source_line;
        const char* says;
        std::string request;
        std::string answer;
    };
    const Row rows[] = {
        {__LINE__, "a metric", R"({"id": 1, "input": "a:1:2.5|ms|@0.1|#env:prod,x"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"timer","name":"a","values":[1,2.5],)"
         R"("sample_rate":0.1,"tags":[["env","prod"],"x"]}]})"},
        {__LINE__, "rate and tags are always there", R"({"id": "x", "input": "a:joe|s"})",
         R"({"id":"x","lines":[{"accepted":true,"kind":"set","name":"a","values":["joe"],)"
         R"("sample_rate":1,"tags":[]}]})"},
        {__LINE__, "fields", R"({"id":1,"input":"a:1|c|T9|c:ci-x,in-7|e:y|card:low"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"counter","name":"a","values":[1],)"
         R"("sample_rate":1,"tags":[],"timestamp":9,"container_id":"x","inode":7,)"
         R"("external_data":"y","cardinality":"low"}]})"},
        {__LINE__, "an event, with its defaults", R"({"id":1,"input":"_e{1,0}:a|"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"event","title":"a","text":"",)"
         R"("priority":"normal","alert_type":"info","tags":[]}]})"},
        {__LINE__, "an event, whole",
         R"({"id":1,"input":"_e{1,4}:a|b\\nc|d:9|h:i|k:j|p:low|s:l|t:error|#m"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"event","title":"a","text":"b\nc",)"
         R"("aggregation_key":"j","priority":"low","source_type":"l","alert_type":"error",)"
         R"("hostname":"i","tags":["m"],"timestamp":9}]})"},
        {__LINE__, "a service check", R"({"id":1,"input":"_sc|a|2|h:b|m:c|d:9"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"service_check","name":"a","status":2,)"
         R"("hostname":"b","message":"c","tags":[],"timestamp":9}]})"},
        {__LINE__, "a line for each line", R"({"id":1,"input":"a:x|c\n\nb:1|c\r\n"})",
         R"({"id":1,"lines":[{"accepted":false,"reason":"bad_number"},)"
         R"({"accepted":true,"kind":"counter","name":"b","values":[1],)"
         R"("sample_rate":1,"tags":[]}]})"},
        {__LINE__, "nothing in it", R"({"id":1,"input":"\n"})", R"({"id":1,"lines":[]})"},
        {__LINE__, "bytes in hexadecimal", R"({"id":1,"hex":"613A317c63"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"counter","name":"a","values":[1],)"
         R"("sample_rate":1,"tags":[]}]})"},
        {__LINE__, "bytes that are not UTF-8", R"({"id":1,"hex":"ff3a317c63"})",
         R"({"id":1,"lines":[{"accepted":false,"reason":"bad_utf8"}]})"},
        {__LINE__, "escapes go both ways", R"({"id":1,"input":"a\"\\\u0001\u00e9:1|c"})",
         "{\"id\":1,\"lines\":[{\"accepted\":true,\"kind\":\"counter\","
         "\"name\":\"a\\\"\\\\\\u0001é\",\"values\":[1],\"sample_rate\":1,\"tags\":[]}]}"},
        {__LINE__, "large and small numbers", R"({"id":1,"input":"a:1e21:-1e-7:-0:12345678|g"})",
         R"({"id":1,"lines":[{"accepted":true,"kind":"gauge","name":"a",)"
         R"("values":[1e+21,-1e-07,-0,12345678],"sample_rate":1,"tags":[]}]})"},
        {__LINE__, "any id is given back", R"({"id":[1,{"a":null}],"input":""})",
         R"({"id":[1,{"a":null}],"lines":[]})"},
        {__LINE__, "no id", R"({"input":""})", R"({"id":null,"lines":[]})"},
        {__LINE__, "neither", R"({"id":1})",
         R"({"id":1,"error":"a request must have either \"input\" or \"hex\", got neither"})"},
        {__LINE__, "both", R"({"id":1,"input":"","hex":""})",
         R"({"id":1,"error":"a request must have either \"input\" or \"hex\", got both"})"},
        {__LINE__, "a number", R"({"id":1,"input":5})",
         R"({"id":1,"error":"\"input\" must be a string"})"},
        {__LINE__, "half a byte", R"({"id":1,"hex":"613"})",
         R"({"id":1,"error":"\"hex\" must be pairs of hexadecimal digits"})"},
        {__LINE__, "no digits", R"({"id":1,"hex":"zz"})",
         R"({"id":1,"error":"\"hex\" must be pairs of hexadecimal digits"})"},
        {__LINE__, "a list", R"([1])",
         R"({"id":null,"error":"a request must be one JSON object, got another kind of value"})"},
    };
    Parser parser(Reading{});
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        CHECK(answer_explain_request(row.request, parser) == row.answer);
    }
}

TEST_CASE("a gauge that is moved, and a line of several samples") {
    Parser parser({.dialect = Dialect::statsd, .gauge_sign = GaugeSign::delta});
    CHECK(answer_explain_request(R"({"id":1,"input":"a:-3|g:1|c"})", parser) ==
          R"({"id":1,"lines":[{"accepted":true,"kind":"gauge_delta","name":"a","values":[-3],)"
          R"("sample_rate":1,"tags":[]},{"accepted":true,"kind":"counter","name":"a",)"
          R"("values":[1],"sample_rate":1,"tags":[]}]})");
}

TEST_CASE("whatever the request, the answer is one line of JSON") {
    const std::string seeds[] = {
        R"({"id":1,"input":"a:1|c|#x:y|c:in-1"})", R"({"id":"é","hex":"613a317c6d73"})",
        R"({"id":1,"input":"_e{5,4}:title|text|p:low"})", R"({"id":1,"input":"_sc|a|0|m:x\\ny"})"};
    std::mt19937_64 random(7);
    Parser parser(Reading{});
    for (int i = 0; i < 20'000; ++i) {
        std::string request = seeds[random() % std::size(seeds)];
        for (std::uint64_t changes = random() % 4; changes > 0; --changes) {
            request[random() % request.size()] = static_cast<char>(random());
        }
        const std::string answer = answer_explain_request(request, parser);
        boost::system::error_code failure;
        const boost::json::value parsed = boost::json::parse(answer, failure);
        const bool is_answer =
            !failure && parsed.is_object() && parsed.get_object().contains("id") &&
            parsed.get_object().contains("lines") != parsed.get_object().contains("error");
        if (!is_answer || answer.find('\n') != std::string::npos) {
            FAIL_CHECK("request ", request, "\nanswer ", answer);
        }
    }
}

TEST_CASE("--format json --stdin answers every line, even an empty one") {
    const Outcome outcome =
        run({.lines = {}, .json = true, .use_stdin = true, .reading = {}},
            "{\"id\":1,\"input\":\"a:1|xx\"}\n\nnonsense\n{\"id\":2,\"hex\":\"\"}");
    CHECK(outcome.exit_code == 0);
    std::istringstream answers(outcome.out);
    std::string answer;
    REQUIRE(std::getline(answers, answer));
    CHECK(answer == R"({"id":1,"lines":[{"accepted":false,"reason":"unknown_type"}]})");
    REQUIRE(std::getline(answers, answer));
    CHECK(
        answer.starts_with(R"({"id":null,"error":"a request must be one JSON object on one line)"));
    REQUIRE(std::getline(answers, answer));
    CHECK(
        answer.starts_with(R"({"id":null,"error":"a request must be one JSON object on one line)"));
    REQUIRE(std::getline(answers, answer));
    CHECK(answer == R"({"id":2,"lines":[]})");
    CHECK_FALSE(std::getline(answers, answer));
}

TEST_CASE("--format json with lines as arguments") {
    const Outcome outcome =
        run({.lines = {"a:1|x"}, .json = true, .use_stdin = false, .reading = {}});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out == "{\"lines\":[{\"accepted\":false,\"reason\":\"unknown_type\"}]}\n");
}

TEST_CASE("an output that broke is a failure") {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    out.setstate(std::ios::badbit);
    CHECK(explain({.lines = {"a:1|c"}, .json = false, .use_stdin = false, .reading = {}}, in, out,
                  err) == 1);
    CHECK(explain({.lines = {"a:1|c"}, .json = true, .use_stdin = false, .reading = {}}, in, out,
                  err) == 1);
}

TEST_CASE("nothing to explain") {
    const Outcome outcome = run({});
    CHECK(outcome.exit_code == 64);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find("--stdin") != std::string::npos);
}

struct PeopleRow {
    int source_line;
    const char* says;
    std::string line;
    int exit_code;
    std::string text;
};

std::vector<PeopleRow> rows_for_people() {
    return {
        {__LINE__, "a metric", "page.load:320|ms|@0.1|#region:eu,cached", 0,
         "page.load:320|ms|@0.1|#region:eu,cached\n"
         "  name          page.load\n"
         "  kind          timer\n"
         "  value         320  ms\n"
         "  sample rate   0.1: each value stands for 10\n"
         "  tags          region=eu  cached\n\n"},
        {__LINE__, "fields", "a:1:2|c|x|T1700000000|c:in-12|e:y|card:low", 0,
         "a:1:2|c|x|T1700000000|c:in-12|e:y|card:low\n"
         "  name          a\n"
         "  kind          counter\n"
         "  values        1  2\n"
         "  timestamp     1700000000 (2023-11-14 22:13:20 UTC)\n"
         "  cgroup inode  12\n"
         "  external data y\n"
         "  cardinality   low\n"
         "  passed over   1 field that cannot be read\n\n"},
        {__LINE__, "a sign that moves nothing", "a:-3|g", 0,
         "a:-3|g\n"
         "  name          a\n"
         "  kind          gauge\n"
         "  value         -3\n"
         "  note          gauge_sign = \"absolute\": the sign is part of the value and moves "
         "nothing\n\n"},
        {__LINE__, "a bad value", "é:1:x|c", 1,
         "é:1:x|c\n"
         "    ^\n"
         "  refused       bad_number: the value must be a finite decimal number, got \"x\"\n\n"},
        {__LINE__, "something missing", "a:1|", 1,
         "a:1|\n"
         "    ^\n"
         "  refused       no_type: a type must follow the value, as in \"|c\", got nothing\n\n"},
        {__LINE__, "bytes no terminal should see", "a\x1b[1m\xff:1|c", 1,
         "a\\x1b[1m\\xff:1|c\n"
         "        ^^^^\n"
         "  refused       bad_utf8: the line must be UTF-8, got \"\\xff\"\n\n"},
        {__LINE__, "the other dialect", "foo:1|c:200|ms", 1,
         "foo:1|c:200|ms\n"
         "      ^^^^^\n"
         "  refused       unknown_type: the type must be one of c, g, ms, h, d and s, got "
         "\"c:200\"\n"
         "  note          the statsd dialect reads this line: it packs samples\n\n"},
        {__LINE__, "an event", "_e{5,6}:title|te\\nxt|p:low|k:key|#x", 0,
         "_e{5,6}:title|te\\nxt|p:low|k:key|#x\n"
         "  kind          event\n"
         "  title         title\n"
         "  text          te\\nxt\n"
         "  priority      low\n"
         "  alert type    info\n"
         "  aggregation   key\n"
         "  tags          x\n\n"},
        {__LINE__, "a service check", "_sc|db|2|m:gone", 0,
         "_sc|db|2|m:gone\n"
         "  kind          service check\n"
         "  name          db\n"
         "  status        2, critical\n"
         "  message       gone\n\n"},
    };
}

std::vector<PeopleRow> rows_of_origins() {
    return {
        {__LINE__, "tags of the origin", "a:1|c|#host:x,k:v,dd.internal.card:low,host:y", 0,
         "a:1|c|#host:x,k:v,dd.internal.card:low,host:y\n"
         "  name          a\n"
         "  kind          counter\n"
         "  value         1\n"
         "  tags          k=v  host=y\n"
         "  taken out     host=x  dd.internal.card=low\n\n"},
        {__LINE__, "a host in a tag of an event", "_e{1,1}:t|x|#host:x,k:v", 0,
         "_e{1,1}:t|x|#host:x,k:v\n"
         "  kind          event\n"
         "  title         t\n"
         "  text          x\n"
         "  priority      normal\n"
         "  alert type    info\n"
         "  host          x\n"
         "  tags          k=v\n"
         "  taken out     host=x\n\n"},
        {__LINE__, "a host of its own, and one in a tag", "_sc|c|0|h:own|#host:x", 0,
         "_sc|c|0|h:own|#host:x\n"
         "  kind          service check\n"
         "  name          c\n"
         "  status        0, ok\n"
         "  host          own\n"
         "  taken out     host=x\n\n"},
    };
}

TEST_CASE("for people") {
    std::vector<PeopleRow> rows = rows_for_people();
    std::ranges::copy(rows_of_origins(), std::back_inserter(rows));
    for (const PeopleRow& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        const Outcome outcome = run({.lines = {row.line}});
        CHECK(without_sinks(outcome.out) == row.text);
        CHECK(outcome.exit_code == row.exit_code);
        // The same from standard input.
        CHECK(run({.use_stdin = true}, row.line + "\n").out == outcome.out);
    }
}

TEST_CASE("people also see what a line becomes in the sinks of their configuration") {
    const std::string usual = run({.lines = {"page.hits:3|c|#region:eu"}}).out;
    CHECK(usual.find("  in push (pushgateway)\n") != std::string::npos);
    CHECK(usual.find("    page_hits_total{region=\"eu\"} 3\n") != std::string::npos);

    const std::string two =
        run({.lines = {"load:320|ms", "_e{1,1}:a|b", "load:320|ms"},
             .sets = {"sinks.here.type=\"pushgateway\"", "sinks.here.url=\"http://localhost:9091\"",
                      "sinks.here.prefix=\"app_\"", "sinks.there.type=\"console\"",
                      "sinks.there.format=\"json\""}})
            .out;
    CHECK(two.find("    app_load_seconds_sum 0.32\n") != std::string::npos);
    CHECK(two.find("  in there (console)\n    {\"start\":") != std::string::npos);
    CHECK(two.find("  in here (pushgateway)\n    nothing\n") != std::string::npos);
}

TEST_CASE("a configuration that is wrong is told, and nothing is explained") {
    const Outcome outcome = run({.lines = {"a:1|c"}, .sets = {"sinks.x.type=\"pushgatewy\""}});
    CHECK(outcome.exit_code == 78);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find("sinks.x.type: must be") != std::string::npos);
}

TEST_CASE("a very long line is shown by its beginning") {
    const Outcome outcome = run(
        {.lines = {std::string(70'000, 'x')}, .json = false, .use_stdin = false, .reading = {}});
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.size() < 1'000);
    CHECK(outcome.out.find("too_long") != std::string::npos);
    CHECK(outcome.out.find("(70000 bytes)") != std::string::npos);
}

TEST_CASE("notes are of lines that they are true of") {
    const Outcome moved = run({.lines = {"g:-5|g"},
                               .reading = {.dialect = pitot::protocol::Dialect::statsd,
                                           .gauge_sign = pitot::protocol::GaugeSign::delta}});
    CHECK(moved.out.contains("gauge, moved by its value"));
    CHECK_FALSE(moved.out.contains("moves nothing"));
    const pitot::protocol::Reading counted{.timer_rate = pitot::protocol::TimerRate::count};
    CHECK(run({.lines = {"t:1|ms|@0.1"}, .reading = counted})
              .out.contains("each value stands for 10 in the count, and for one in all else\n"));
    CHECK(run({.lines = {"t:1|c|@0.1"}, .reading = counted})
              .out.contains("each value stands for 10\n"));
    std::string tags = "a:1|c|#t";
    for (int i = 0; i < 256; ++i) tags += ",t";
    const Outcome many = run({.lines = {tags}});
    CHECK(many.out.contains("too_many_tags"));
    CHECK_FALSE(many.out.contains("packs samples"));
}

TEST_CASE("a line whose name is one of the agent's own becomes nothing, and it is told why") {
    const Outcome own = run({.lines = {"pitot.lines:1|c"}});
    CHECK(own.out.contains("refused, reserved_name: the name must not be one of the agent's own"));
    CHECK(own.exit_code == 1);
    const Outcome free =
        run({.lines = {"pitot.lines:1|c"}, .sets = {"self_metrics.enabled=false"}});
    CHECK_FALSE(free.out.contains("reserved_name"));
}

}  // namespace
