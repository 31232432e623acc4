// `pitot once`: what it reads, what it prints of each interval, and its exit codes; from
// the command's arguments to the bytes on its outputs. What aggregation makes of samples is
// the corpus' business (aggregate_corpus_test.cpp), how sinks write theirs that of the
// sinks' tests.
#include "agent/cli/once.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

namespace json = boost::json;

struct Ran {
    int exit_code = -1;
    std::string out;
    std::string err;
    std::vector<json::object> intervals;  // of an output that is JSON
};

Ran ran(std::string_view input, const OnceArguments& arguments = {}) {
    std::istringstream in{std::string(input)};
    std::ostringstream out;
    std::ostringstream err;
    Ran result;
    result.exit_code = once(arguments, in, out, err);
    result.out = out.str();
    result.err = err.str();
    std::istringstream lines(result.out);
    for (std::string line; !arguments.sink && std::getline(lines, line);)
        result.intervals.push_back(json::parse(line).as_object());
    return result;
}

// Of an input that has nothing wrong with it.
std::vector<json::object> intervals_of(std::string_view input,
                                       const OnceArguments& arguments = {}) {
    const Ran result = ran(input, arguments);
    CHECK(result.exit_code == exit_success);
    CHECK(result.err.empty());
    return result.intervals;
}

json::object only_interval(std::string_view input, const OnceArguments& arguments = {}) {
    const std::vector<json::object> intervals = intervals_of(input, arguments);
    REQUIRE(intervals.size() == 1);
    return intervals.front();
}

double number(const json::value& value) {
    return value.to_number<double>();
}

// The series of a name and, for a name with several, a kind. Fails if there is not one.
json::object series(const json::object& interval, std::string_view name,
                    std::string_view kind = "") {
    std::vector<json::object> found;
    for (const json::value& entry : interval.at("series").as_array()) {
        const bool is_it = entry.at("name").as_string() == name &&
                           (kind.empty() || entry.at("kind").as_string() == kind);
        if (is_it) found.push_back(entry.as_object());
    }
    REQUIRE_MESSAGE(found.size() == 1, name, " in ", json::serialize(interval));
    return found.front();
}

std::string names(const json::object& interval) {
    std::string names;
    for (const json::value& entry : interval.at("series").as_array())
        names.append(names.empty() ? "" : " ").append(entry.at("name").as_string());
    return names;
}

// As JSON says it, whether numbers are written as whole or not.
void check_fields(const json::object& object, std::string_view wanted) {
    const json::object fields = json::parse({wanted.data(), wanted.size()}).as_object();
    CAPTURE(json::serialize(object));
    CHECK(object.size() == fields.size());
    for (const auto& [key, value] : fields) {
        CAPTURE(std::string(key));
        REQUIRE(object.contains(key));
        const json::value& got = object.at(key);
        if (value.is_object()) {
            check_fields(got.as_object(), json::serialize(value));
        } else if (value.is_number()) {
            CHECK(number(got) == doctest::Approx(number(value)).epsilon(1e-12));
        } else {
            CHECK(got == value);
        }
    }
}

OnceArguments with(std::vector<std::string> sets) {
    OnceArguments arguments;
    arguments.sets = std::move(sets);
    return arguments;
}

}  // namespace

TEST_CASE("an interval is one line, to the byte") {
    OnceArguments arguments = with({"percentiles=[50, 99.9]"});
    arguments.start_s = 1'700'000'000;
    const Ran result =
        ran("hits:3|c|#b,a:1\nload:1.5|g\n{\"datagram\":\"t:10:20|ms\\nno\"}\n", arguments);
    CHECK(result.out ==
          "{\"start\":1700000000,\"end\":1700000010,\"series\":["
          "{\"name\":\"hits\",\"kind\":\"counter\",\"tags\":[[\"a\",\"1\"],\"b\"],"
          "\"delta\":3,\"rate\":0.3,\"total\":3},"
          "{\"name\":\"load\",\"kind\":\"gauge\",\"tags\":[],\"value\":1.5},"
          "{\"name\":\"t\",\"kind\":\"timer\",\"tags\":[],\"count\":2,\"sum\":30,\"min\":10,"
          "\"max\":20,\"mean\":15,\"stddev\":5,\"quantiles\":{\"0.5\":10,\"0.999\":20}}],"
          "\"events\":[],\"service_checks\":[],\"rejected\":{\"no_value\":1}}\n");
    CHECK(result.err.empty());
    CHECK(result.exit_code == exit_success);
}

TEST_CASE("no input is one empty interval") {
    for (const std::string_view input : {"", "\n"}) {
        CAPTURE(input);
        check_fields(only_interval(input),
                     R"({"start": 0, "end": 10, "series": [], "events": [],
                         "service_checks": [], "rejected": {}})");
    }
}

TEST_CASE("every way to write a datagram") {
    const std::map<std::string, std::string> inputs{
        {"a line", "a:1|c\nb:2|c\n"},
        {"a line, the last one without an end", "a:1|c\nb:2|c"},
        {"lines of a Windows machine", "a:1|c\r\nb:2|c\r\n"},
        {"datagram of one line", "{\"datagram\": \"a:1|c\"}\n{\"datagram\": \"b:2|c\"}\n"},
        {"datagram of several", "{\"datagram\": \"a:1|c\\nb:2|c\\n\"}\n"},
        {"datagram, characters escaped", "{\"datagram\": \"\\u0061:1|c\\u000ab:2|c\"}\n"},
        {"datagram_hex", "{\"datagram_hex\": \"613a317c630a623a327c63\"}\n"},
        {"datagram_hex, capital digits", "{\"datagram_hex\": \"613A317C630A623A327C63\"}\n"},
        {"objects with blanks around them",
         "  {\"datagram\": \"a:1|c\"} \n\t{ \"datagram_hex\" : \"623a327c63\" }\r\n"},
        {"with empty lines between", "\na:1|c\n\n\r\nb:2|c\n\n"},
        {"one of each", "a:1|c\n{\"datagram_hex\": \"623a327c63\"}\n"},
    };
    for (const auto& [form, input] : inputs) {
        CAPTURE(form);
        const json::object interval = only_interval(input);
        CHECK(names(interval) == "a b");
        CHECK(number(series(interval, "a").at("delta")) == 1);
        CHECK(number(series(interval, "b").at("delta")) == 2);
        CHECK(interval.at("rejected").as_object().empty());
    }
}

TEST_CASE("bytes that no JSON text can hold come as hexadecimal digits") {
    check_fields(
        only_interval(R"({"datagram_hex": "ff3a317c630a613a317c63"})").at("rejected").as_object(),
        R"({"bad_utf8": 1})");
}

TEST_CASE("what is no JSON object is a datagram as it stands") {
    const json::object interval = only_interval(
        "{broken:1|c\n"
        "{\"datagram\": \"x:1|c\"} trailing:1|c\n"
        "[1]:1|c\n"
        "\"text\":1|c\n");
    CHECK(names(interval) == "\"text\" [1] {broken");
    CHECK(number(series(interval, "{broken").at("delta")) == 1);
    // The second line: no type is called `c"} trailing:1`.
    check_fields(interval.at("rejected").as_object(), R"({"unknown_type": 1})");
}

TEST_CASE("an object that says nothing known is named with its line, and the rest is done") {
    const Ran result =
        ran("a:1|c\n"
            "{}\n"
            "{\"datagramm\": \"a:1|c\"}\n"
            "{\"datagram\": 5}\n"
            "{\"datagram_hex\": \"f\"}\n"
            "{\"datagram_hex\": \"0g\"}\n"
            "{\"datagram_hex\": 12}\n"
            "{\"flush\": false}\n"
            "{\"flush\": 1}\n"
            "{\"datagram\": \"a:1|c\", \"flush\": true}\n"
            "a:2|c\n");
    CHECK(result.exit_code == exit_failure);
    constexpr std::string_view unknown =
        ": must have one of the keys datagram, datagram_hex and flush; line left out\n";
    constexpr std::string_view digits =
        ": datagram_hex: must be a string of pairs of hexadecimal digits; line left out\n";
    std::string wanted;
    wanted.append("standard input:2").append(unknown);
    wanted.append("standard input:3").append(unknown);
    wanted.append("standard input:4: datagram: must be a string; line left out\n");
    for (const std::string_view line : {"5", "6", "7"})
        wanted.append("standard input:").append(line).append(digits);
    for (const std::string_view line : {"8", "9"})
        wanted.append("standard input:")
            .append(line)
            .append(
                ": flush: must be true; line left "
                "out\n");
    wanted.append(
        "standard input:10: must have only one of the keys datagram, datagram_hex and flush; "
        "line left out\n");
    CHECK(result.err == wanted);
    REQUIRE(result.intervals.size() == 1);
    CHECK(names(result.intervals[0]) == "a");
    CHECK(number(series(result.intervals[0], "a").at("delta")) == 3);
}

TEST_CASE("a flush moves time on by one interval; totals go on, gauges keep their values") {
    OnceArguments arguments = with({"interval=\"500ms\""});
    arguments.start_s = 100;
    arguments.reading.gauge_sign = protocol::GaugeSign::delta;
    const std::vector<json::object> intervals = intervals_of(
        "c:4|c\ng:10|g\ns:a|s\ns:b|s\n"
        "{\"flush\": true}\n"
        "{\"flush\": true}\n"
        "c:6|c\ng:+5|g\ns:b|s\n"
        "{\"flush\": true}\n"
        "c:-1|c\n",
        arguments);
    REQUIRE(intervals.size() == 4);
    const std::vector<double> starts{100, 100.5, 101, 101.5};
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        CHECK(number(intervals[i].at("start")) == starts[i]);
        CHECK(number(intervals[i].at("end")) == starts[i] + 0.5);
    }
    check_fields(series(intervals[0], "c"), R"({"name": "c", "kind": "counter", "tags": [],
                                                "delta": 4, "rate": 8, "total": 4})");
    CHECK(names(intervals[1]).empty());
    check_fields(series(intervals[2], "c"), R"({"name": "c", "kind": "counter", "tags": [],
                                                "delta": 6, "rate": 12, "total": 10})");
    check_fields(series(intervals[2], "g"),
                 R"({"name": "g", "kind": "gauge", "tags": [], "value": 15})");
    check_fields(series(intervals[2], "s"),
                 R"({"name": "s", "kind": "set", "tags": [], "unique": 1})");
    CHECK(names(intervals[3]) == "c");
    CHECK(number(series(intervals[3], "c").at("delta")) == -1);
    CHECK(number(series(intervals[3], "c").at("total")) == 9);
}

TEST_CASE("a flush at the very end, or with nothing before it, is an interval as any") {
    CHECK(intervals_of("a:1|c\n{\"flush\": true}\n").size() == 1);
    CHECK(intervals_of("{\"flush\": true}\n").size() == 1);
    CHECK(intervals_of("{\"flush\": true}\n{\"flush\": true}\n").size() == 2);
    CHECK(intervals_of("{\"flush\": true}\na:1|c\n").size() == 2);
    CHECK(intervals_of("a:1|c\n{\"flush\": true}\n\n\r\n").size() == 1);
    // Lines that are refused are news, too.
    const auto intervals = intervals_of("{\"flush\": true}\nno\n");
    REQUIRE(intervals.size() == 2);
    check_fields(intervals[1].at("rejected").as_object(), R"({"no_value": 1})");
}

TEST_CASE("rates are by the second, whatever the interval") {
    const std::map<std::string, double> rates{
        {"100ms", 300}, {"1s", 30}, {"10s", 3}, {"1m", 0.5}, {"1h", 30.0 / 3600}};
    for (const auto& [interval, rate] : rates) {
        CAPTURE(interval);
        const json::object got =
            only_interval("c:15|c|@0.5", with({"interval=\"" + interval + "\""}));
        CHECK(number(series(got, "c").at("delta")) == 30);
        CHECK(number(series(got, "c").at("rate")) == doctest::Approx(rate).epsilon(1e-12));
    }
}

TEST_CASE("every kind, with its fields and no others") {
    const json::object interval = only_interval(
        "c:1|c|@0.25\ng:-3|g\nt:100:300|ms\nh:1|h|@0.5\nh:4|h\nd:7|d\ns:x|s\ns:x|s\ns:y|s\n");
    CHECK(names(interval) == "c d g h s t");
    check_fields(series(interval, "c"), R"({"name": "c", "kind": "counter", "tags": [],
        "delta": 4, "rate": 0.4, "total": 4})");
    check_fields(series(interval, "g"),
                 R"({"name": "g", "kind": "gauge", "tags": [], "value": -3})");
    check_fields(series(interval, "t"), R"({"name": "t", "kind": "timer", "tags": [],
        "count": 2, "sum": 400, "min": 100, "max": 300, "mean": 200, "stddev": 100,
        "quantiles": {"0.5": 100, "0.9": 300, "0.95": 300, "0.99": 300}})");
    // Weights 2 and 1: the spread is sqrt((2 * 1 + 1 * 4) / 3).
    check_fields(series(interval, "h"), R"({"name": "h", "kind": "histogram", "tags": [],
        "count": 3, "sum": 6, "min": 1, "max": 4, "mean": 2, "stddev": 1.4142135623730951,
        "quantiles": {"0.5": 1, "0.9": 4, "0.95": 4, "0.99": 4}})");
    check_fields(series(interval, "d"), R"({"name": "d", "kind": "distribution", "tags": [],
        "count": 1, "sum": 7, "min": 7, "max": 7, "mean": 7, "stddev": 0,
        "quantiles": {"0.5": 7, "0.9": 7, "0.95": 7, "0.99": 7}})");
    check_fields(series(interval, "s"), R"({"name": "s", "kind": "set", "tags": [], "unique": 2})");
}

TEST_CASE("one name with two kinds is two series; a time of its own follows with it") {
    const json::object interval = only_interval("x:1|c\nx:2|g\nx:3|c|T1656581400|#a\n");
    const json::array& all = interval.at("series").as_array();
    REQUIRE(all.size() == 3);
    CHECK(all[0].at("kind") == "counter");
    CHECK(number(all[0].at("delta")) == 1);
    CHECK(all[1].at("kind") == "gauge");
    check_fields(all[2].as_object(), R"({"name": "x", "kind": "counter", "tags": ["a"],
                                         "timestamp": 1656581400, "delta": 3})");
}

TEST_CASE("tags are pairs and bare words, sorted, each once") {
    const json::object interval = only_interval(
        "m:1|c|#shell,env:prod,url:http://x:80,empty:,env:prod\n"
        "m:2|c|#env:prod,empty:,shell,url:http://x:80\n");
    CHECK(number(series(interval, "m").at("delta")) == 3);
    CHECK(series(interval, "m").at("tags") ==
          json::parse(R"([["empty", ""], ["env", "prod"], "shell", ["url", "http://x:80"]])"));
}

TEST_CASE("events and service checks") {
    const json::object interval = only_interval(R"({"datagram": "_e{2,4}:ti|a\\nb"})"
                                                "\n"
                                                "_e{2,1}:ti|x|t:error|p:low|k:key|s:src|h:me|"
                                                "d:1656581400|#a:b,c\n"
                                                "_sc|db.up|2|d:1656581401|h:me|#z:1|m:down\n"
                                                "_sc|db.up|0\n");
    CHECK(interval.at("series").as_array().empty());
    const json::array& events = interval.at("events").as_array();
    REQUIRE(events.size() == 2);
    check_fields(events[0].as_object(), R"({"kind": "event", "title": "ti", "text": "a\nb",
        "priority": "normal", "alert_type": "info", "tags": []})");
    check_fields(events[1].as_object(), R"({"kind": "event", "title": "ti", "text": "x",
        "priority": "low", "alert_type": "error", "aggregation_key": "key",
        "source_type": "src", "hostname": "me", "timestamp": 1656581400,
        "tags": [["a", "b"], "c"]})");
    const json::array& checks = interval.at("service_checks").as_array();
    REQUIRE(checks.size() == 2);
    check_fields(checks[0].as_object(), R"({"kind": "service_check", "name": "db.up",
        "status": 2, "message": "down", "hostname": "me", "timestamp": 1656581401,
        "tags": [["z", "1"]]})");
    check_fields(checks[1].as_object(), R"({"kind": "service_check", "name": "db.up",
        "status": 0, "tags": []})");
}

TEST_CASE("refused lines are counted by reason, in the interval they came in") {
    const std::vector<json::object> intervals = intervals_of(
        "nothing\n:1|c\na:1\na:1|z\na:x|c\na:y|c\na:1|c|@2\na:1|h|T1656581400\n_e{1}\n"
        "_sc|a\na:1|c\n"
        "{\"flush\": true}\n"
        "nothing\n");
    REQUIRE(intervals.size() == 2);
    check_fields(intervals[0].at("rejected").as_object(), R"({"no_value": 1, "empty_name": 1,
        "no_type": 1, "unknown_type": 1, "bad_number": 2, "bad_sample_rate": 1,
        "bad_timestamp": 1, "bad_event": 1, "bad_service_check": 1})");
    CHECK(number(series(intervals[0], "a").at("delta")) == 1);
    check_fields(intervals[1].at("rejected").as_object(), R"({"no_value": 1})");
}

TEST_CASE("percentiles are those of the configuration, keyed by their share") {
    const auto quantiles = [](std::vector<std::string> sets) {
        std::string input = R"({"datagram": "t)";
        for (int value = 1; value <= 20; ++value) input += ":" + std::to_string(value);
        return series(only_interval(input + R"(|ms"})", with(std::move(sets))), "t")
            .at("quantiles")
            .as_object();
    };
    check_fields(quantiles({}), R"({"0.5": 10, "0.9": 18, "0.95": 19, "0.99": 20})");
    check_fields(quantiles({"percentiles=[99.9, 25, 100]"}),
                 R"({"0.25": 5, "0.999": 20, "1": 20})");

    const ConfigDirectory directory;
    OnceArguments arguments;
    arguments.config_file = directory.write("pitot.toml", "percentiles = [75]\n");
    check_fields(series(only_interval("t:1:2:3:4|ms", arguments), "t").at("quantiles").as_object(),
                 R"({"0.75": 3})");
}

TEST_CASE("lines are read in the dialects asked for") {
    OnceArguments arguments;
    // DogStatsD is the default: a sign is part of the value, no samples are packed.
    CHECK(number(series(only_interval("g:5|g\ng:-3|g\n"), "g").at("value")) == -3);
    CHECK(only_interval("a:1|c:2|ms").at("rejected").as_object().size() == 1);

    arguments.reading = {.dialect = protocol::Dialect::statsd,
                         .gauge_sign = protocol::GaugeSign::delta};
    CHECK(number(series(only_interval("g:5|g\ng:-3|g\n", arguments), "g").at("value")) == 2);
    const json::object packed = only_interval("a:1|c:2|ms", arguments);
    CHECK(number(series(packed, "a", "counter").at("delta")) == 1);
    CHECK(number(series(packed, "a", "timer").at("sum")) == 2);

    const std::vector<std::pair<protocol::TagDialect, std::string>> dialects{
        {protocol::TagDialect::influx, "m,k=v:1|c"},
        {protocol::TagDialect::librato, "m#k=v:1|c"},
        {protocol::TagDialect::signalfx, "m[k=v]:1|c"}};
    for (const auto& [dialect, line] : dialects) {
        CAPTURE(line);
        arguments.reading = {.tags = dialect};
        CHECK(series(only_interval(line, arguments), "m").at("tags") ==
              json::parse(R"([["k", "v"]])"));
        CHECK(names(only_interval(line)) == line.substr(0, line.find(':')));
    }
}

TEST_CASE("the sample rate of a timer is for what the reading says") {
    OnceArguments arguments;
    const std::string_view lines = "load:2|ms|@0.1\nload:4|ms|@0.1\n";
    const json::object weighted = series(only_interval(lines), "load");
    CHECK(number(weighted.at("count")) == 20);
    CHECK(number(weighted.at("sum")) == 60);
    arguments.reading = {.dialect = protocol::Dialect::statsd,
                         .timer_rate = protocol::TimerRate::count};
    const json::object counted = series(only_interval(lines, arguments), "load");
    CHECK(number(counted.at("count")) == 20);
    CHECK(number(counted.at("sum")) == 6);
    CHECK(number(counted.at("mean")) == 3);
    CHECK(number(counted.at("stddev")) == 1);
}

TEST_CASE("what Prometheus is told of a timer whose count alone is scaled is one distribution") {
    OnceArguments push =
        with({R"(sinks.push.type="pushgateway")", R"(sinks.push.url="http://127.0.0.1:9")",
              R"(sinks.push.rules.all={match="h*", form="histogram", buckets=[1, 10]})",
              "percentiles=[50]"});
    push.sink = "push";
    push.reading.timer_rate = protocol::TimerRate::count;
    const Ran pushed = ran("h:1:5|h|@0.1\n{\"flush\": true}\nh:20|h|@0.5\nt:1:2:6|d|@0.1\n", push);
    CHECK(
        pushed.out.ends_with("h_bucket{le=\"1.0\"} 10\n"
                             "h_bucket{le=\"10.0\"} 20\n"
                             "h_bucket{le=\"+Inf\"} 22\n"
                             "h_sum 100\n"
                             "h_count 22\n"
                             "# HELP t StatsD distribution t\n"
                             "# TYPE t summary\n"
                             "t{quantile=\"0.5\"} 2\n"
                             "t_sum 90\n"
                             "t_count 30\n"));
}

TEST_CASE("tags that tell of the origin are taken for that") {
    const json::object seen =
        only_interval("a:1|c|#host:x,k:v,host:y,dd.internal.card:low\n_e{1,1}:t|x|#host:z,k:v\n");
    CHECK(series(seen, "a").at("tags") == json::parse(R"([["host", "y"], ["k", "v"]])"));
    const json::object& event = seen.at("events").as_array().at(0).as_object();
    CHECK(event.at("hostname") == "z");
    CHECK(event.at("tags") == json::parse(R"([["k", "v"]])"));
}

TEST_CASE("a sink prints the bytes it would send") {
    OnceArguments push = with({"percentiles=[50]", R"(sinks.push.type="pushgateway")",
                               R"(sinks.push.url="http://127.0.0.1:9")"});
    push.sink = "push";
    const Ran pushed =
        ran("hits:1|c|#env:prod\n{\"flush\": true}\nhits:2|c|#env:prod\nload:320|ms\n", push);
    CHECK(pushed.exit_code == exit_success);
    CHECK(pushed.err.empty());
    CHECK(pushed.out ==
          "# HELP hits_total StatsD counter hits\n"
          "# TYPE hits_total counter\n"
          "hits_total{env=\"prod\"} 1\n"
          "# HELP hits_total StatsD counter hits\n"
          "# TYPE hits_total counter\n"
          "hits_total{env=\"prod\"} 3\n"
          "# HELP load_seconds StatsD timer load\n"
          "# TYPE load_seconds summary\n"
          "load_seconds{quantile=\"0.5\"} 0.32\n"
          "load_seconds_sum 0.32\n"
          "load_seconds_count 1\n");

    const ConfigDirectory directory;
    OnceArguments console;
    console.config_file = directory.write("pitot.toml",
                                          "[sinks.lines]\ntype = \"console\"\n"
                                          "[sinks.text]\ntype = \"console\"\nformat = \"text\"\n");
    console.start_s = 1'700'000'000;
    console.sink = "lines";
    const Ran lines = ran("hits:1|c\n", console);
    console.sink.reset();
    CHECK(lines.out == ran("hits:1|c\n", console).out);
    CHECK(lines.out.starts_with("{\"start\":1700000000,"));
    console.sink = "text";
    CHECK(ran("hits:1|c\n", console).out ==
          "2023-11-14T22:13:30Z  series: 1  events: 0  service checks: 0  refused lines: 0\n"
          "  hits counter: +1, 0.1/s, 1 in all\n");
}

TEST_CASE("a histogram of a sink's rules counts all values since the start") {
    OnceArguments push =
        with({R"(sinks.push.type="pushgateway")", R"(sinks.push.url="http://127.0.0.1:9")",
              R"(sinks.push.rules.all={match="*", form="histogram", buckets=[1, 10]})"});
    push.sink = "push";
    const Ran pushed = ran("h:1:5|h\n{\"flush\": true}\nh:20|h|@0.5\n", push);
    CHECK(
        pushed.out.ends_with("# HELP h StatsD histogram h\n"
                             "# TYPE h histogram\n"
                             "h_bucket{le=\"1.0\"} 1\n"
                             "h_bucket{le=\"10.0\"} 2\n"
                             "h_bucket{le=\"+Inf\"} 4\n"
                             "h_sum 46\n"
                             "h_count 4\n"));
}

TEST_CASE("a sink that is not there: 78, and the names that are") {
    OnceArguments arguments = with({R"(sinks.out.type="console")", R"(sinks.err.type="console")"});
    arguments.sink = "push";
    Ran refused = ran("a:1|c\n", arguments);
    CHECK(refused.exit_code == exit_configuration);
    CHECK(refused.out.empty());
    CHECK(refused.err ==
          "--sink: must be the name of a sink of the configuration (out, err), got "
          "push\n");
}

TEST_CASE("a configuration with problems: 78, all of them, and nothing printed") {
    const Ran keys =
        ran("a:1|c\n", with({"intervall=\"1s\"", "sinks.push={type=\"pushgateway\"}"}));
    CHECK(keys.exit_code == exit_configuration);
    CHECK(keys.out.empty());
    CHECK(keys.err ==
          "--set 1: intervall: unknown option; did you mean `interval`?\n"
          "--set 2: sinks.push.url: must be given, as a text, got nothing\n"
          "2 problems found.\n");

    OnceArguments arguments;
    arguments.config_file = "/nowhere/pitot.toml";
    const Ran unreadable = ran("a:1|c\n", arguments);
    CHECK(unreadable.exit_code == exit_configuration);
    CHECK(unreadable.out.empty());
    CHECK(unreadable.err ==
          "/nowhere/pitot.toml: must be readable, got \"No such file or directory\"\n"
          "1 problem found.\n");
}

TEST_CASE("an output that breaks is a failure") {
    std::istringstream in("a:1|c\n");
    std::ostringstream out;
    std::ostringstream err;
    out.setstate(std::ios::badbit);
    CHECK(once({}, in, out, err) == exit_failure);
}
