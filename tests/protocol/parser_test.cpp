// The metric lines protocol::Parser accepts and refuses, one per row, and what it reads.
//
// Rows are grouped as the grammar in protocol/README.md is. What a row expects is written
// as tests/support/said.h says it. Events and service checks: event_test.cpp.
#include "protocol/parser.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/support/said.h"

namespace {

using namespace std::string_literals;
using namespace pitot::protocol;
using pitot::tests::said;

struct Row {
    int source_line;
    const char* says;
    std::string input;
    std::string expected;
};

template <std::size_t N>
void check_rows(Reading reading, const Row (&rows)[N]) {
    Parser parser(reading);
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        CAPTURE(row.input);
        CHECK(said(parser, row.input) == row.expected);
    }
}

constexpr Reading dogstatsd{};
constexpr Reading statsd{.dialect = Dialect::statsd, .gauge_sign = GaugeSign::delta};

TEST_CASE("name, value, type") {
    const Row rows[] = {
        {__LINE__, "shortest legal line", "a:1|c", "a counter 1"},
        {__LINE__, "gauge", "a:1|g", "a gauge 1"},
        {__LINE__, "timer", "a:1|ms", "a timer 1"},
        {__LINE__, "histogram", "a:1|h", "a histogram 1"},
        {__LINE__, "distribution", "a:1|d", "a distribution 1"},
        {__LINE__, "set", "a:joe|s", "a set joe"},
        {__LINE__, "names are kept as they are", " m n/é@#,[]:1|c", " m n/é@#,[] counter 1"},
        {__LINE__, "a NUL is a byte like others", "a\0b:1|c"s, "a\0b counter 1"s},
        {__LINE__, "an underscore makes no event", "_score:1|c", "_score counter 1"},
        {__LINE__, "nor a service check", "_sc:1|c", "_sc counter 1"},
        {__LINE__, "nor a header without brace", "_e:1|c", "_e counter 1"},
        {__LINE__, "nothing", "", "!no_value"},
        {__LINE__, "a word", "foo", "!no_value foo"},
        {__LINE__, "no value", "a|c", "!no_value a"},
        {__LINE__, "a colon behind the first bar is no colon", "a|b:1|c", "!no_value a"},
        {__LINE__, "the rest of a line that was cut", "|h|#a:b", "!no_value"},
        {__LINE__, "an empty value", "a:|c", "!no_value"},
        {__LINE__, "empty name", ":1|c", "!empty_name"},
        {__LINE__, "no type", "a:1", "!no_type"},
        {__LINE__, "empty type", "a:1|", "!no_type"},
        {__LINE__, "empty type before a section", "a:1||#x", "!no_type"},
        {__LINE__, "types are case-sensitive", "a:1|C", "!unknown_type C"},
        {__LINE__, "and exact", "a:1|cx", "!unknown_type cx"},
        {__LINE__, "statsite's kv", "a:1|kv", "!unknown_type kv"},
        {__LINE__, "a CR inside is part of the type", "a:1|c\r", "!unknown_type c\r"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("values") {
    const Row rows[] = {
        {__LINE__, "negative counter", "a:-1|c", "a counter -1"},
        {__LINE__, "negative timer", "a:-1|ms", "a timer -1"},
        {__LINE__, "signs, points, exponents", "a:+1:.5:5.:1e3:-2.5E-1|h",
         "a histogram 1 0.5 5 1000 -0.25"},
        {__LINE__, "packed counters", "a:1:2:3|c", "a counter 1 2 3"},
        {__LINE__, "packed timers", "a:1:2:3|ms|@0.5", "a timer 1 2 3 @0.5"},
        {__LINE__, "packed distributions", "a:1:2:3|d", "a distribution 1 2 3"},
        {__LINE__, "packed gauges", "a:1:2.5|g", "a gauge 1 2.5"},
        {__LINE__, "empty entries are skipped", "a::1::2:|c", "a counter 1 2"},
        {__LINE__, "no entry is left", "a:::|c", "!no_value ::"},
        {__LINE__, "one bad entry refuses the line", "a:1:x:3|c", "!bad_number x"},
        {__LINE__, "a blank is no number", "a: |g", "!bad_number  "},
        {__LINE__, "blanks around", "a: 5 |c", "!bad_number  5 "},
        {__LINE__, "hexadecimal", "a:0x10|c", "!bad_number 0x10"},
        {__LINE__, "NaN", "a:NaN|g", "!bad_number NaN"},
        {__LINE__, "infinity", "a:-Inf|g", "!bad_number -Inf"},
        {__LINE__, "too large", "a:1e309|g", "!bad_number 1e309"},
        {__LINE__, "too small is zero", "a:1e-400|g", "a gauge 0"},
        {__LINE__, "a set is text", "a:+10|s", "a set +10"},
        {__LINE__, "sets are never packed", "a:x:y|s", "a set x:y"},
        {__LINE__, "nor are colons cut off", "a::|s", "a set :"},
        {__LINE__, "an empty set value", "a:|s", "!no_value"},
    };
    check_rows(dogstatsd, rows);
}

TEST_CASE("gauges with a sign") {
    const Row absolute[] = {
        {__LINE__, "minus", "a:-3|g", "a gauge -3"},
        {__LINE__, "plus", "a:+3|g", "a gauge 3"},
    };
    check_rows({.gauge_sign = GaugeSign::absolute}, absolute);
    check_rows({.dialect = Dialect::statsd, .gauge_sign = GaugeSign::absolute}, absolute);

    const Row delta[] = {
        {__LINE__, "minus", "a:-3|g", "a gauge delta -3"},
        {__LINE__, "plus", "a:+3|g", "a gauge delta 3"},
        {__LINE__, "none", "a:3|g", "a gauge 3"},
        {__LINE__, "each value has its own", "a:0:-3:-1:+2:5:6|g",
         "a gauge 0 + gauge delta -3 -1 2 + gauge 5 6"},
        {__LINE__, "other kinds have none", "a:-3|c", "a counter -3"},
        {__LINE__, "in the past", "a:-3|g|T1656581400", "!bad_timestamp T1656581400"},
        {__LINE__, "one of them in the past", "a:3:-3|g|T1|#x", "!bad_timestamp T1"},
        {__LINE__, "a level in the past", "a:3|g|T1", "a gauge 3 T=1"},
    };
    check_rows({.gauge_sign = GaugeSign::delta}, delta);
    check_rows(statsd, delta);
}

TEST_CASE("sample rate") {
    const Row rows[] = {
        {__LINE__, "a rate", "a:1|c|@0.1", "a counter 1 @0.1"},
        {__LINE__, "an exponent", "a:1|c|@2e-1", "a counter 1 @0.2"},
        {__LINE__, "leading zeros", "a:1|c|@000.0100", "a counter 1 @0.01"},
        {__LINE__, "one", "a:1|c|@1.000000", "a counter 1"},
        {__LINE__, "zero reads as one", "a:1|c|@0.000000", "a counter 1"},
        {__LINE__, "so does minus zero", "a:1|c|@-0", "a counter 1"},
        {__LINE__, "very small", "a:1|c|@1e-9", "a counter 1 @1e-09"},
        {__LINE__, "smaller than any client's", "a:1|c|@9e-10", "!bad_sample_rate @9e-10"},
        {__LINE__, "its inverse is infinite", "a:1|ms|@1e-310", "!bad_sample_rate @1e-310"},
        {__LINE__, "a weighted value is infinite", "a:1:1e308|c|@0.1", "!bad_number 1:1e308"},
        {__LINE__, "of a timer, too", "a:-1e308|h|@0.1", "!bad_number -1e308"},
        {__LINE__, "a gauge is not weighted", "a:1e308|g|@0.1", "a gauge 1e+308 @0.1"},
        {__LINE__, "on a gauge", "a:1|g|@0.5", "a gauge 1 @0.5"},
        {__LINE__, "on a set", "a:x|s|@0.5", "a set x @0.5"},
        {__LINE__, "behind the tags", "a:1|c|#x|@0.5", "a counter 1 @0.5 #x"},
        {__LINE__, "the last one counts", "a:1|c|@0.5|@0.25", "a counter 1 @0.25"},
        {__LINE__, "the first one must be one, too", "a:1|c|@x|@0.25", "!bad_sample_rate @x"},
        {__LINE__, "nothing", "a:1|c|@", "!bad_sample_rate @"},
        {__LINE__, "a word", "a:1|c|@abc", "!bad_sample_rate @abc"},
        {__LINE__, "below zero", "a:1|c|@-0.5", "!bad_sample_rate @-0.5"},
        {__LINE__, "above one", "a:1|c|@1.1", "!bad_sample_rate @1.1"},
        {__LINE__, "NaN", "a:1|c|@nan", "!bad_sample_rate @nan"},
        {__LINE__, "a number without @ is an unknown field", "a:1|c|0.5", "a counter 1 unknown=1"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("tags") {
    const Row rows[] = {
        {__LINE__, "key and value", "a:1|c|#env:prod", "a counter 1 #env=prod"},
        {__LINE__, "only the first colon splits", "a:1|c|#url:/:id:x", "a counter 1 #url=/:id:x"},
        {__LINE__, "a bare tag", "a:1|c|#shell", "a counter 1 #shell"},
        {__LINE__, "an empty value is a value", "a:1|c|#e:", "a counter 1 #e="},
        {__LINE__, "an empty key is a key", "a:1|c|#:v", "a counter 1 #=v"},
        {__LINE__, "order and repetition are kept", "a:1|c|#b,a:1,a:2,b",
         "a counter 1 #b #a=1 #a=2 #b"},
        {__LINE__, "empty tags are dropped", "a:1|c|#,a,,b,", "a counter 1 #a #b"},
        {__LINE__, "none at all", "a:1|c|#", "a counter 1"},
        {__LINE__, "commas only", "a:1|c|#,,", "a counter 1"},
        {__LINE__, "a second # is part of the key", "a:1|c|#a:b,#c:d", "a counter 1 #a=b ##c=d"},
        {__LINE__, "of two sections the last counts", "a:1|c|#a|#b", "a counter 1 #b"},
        {__LINE__, "even an empty one", "a:1|c|#a|#", "a counter 1"},
        {__LINE__, "other letters", "♬:1|c|#intitulé:T0µ", "♬ counter 1 #intitulé=T0µ"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("timestamp") {
    const Row rows[] = {
        {__LINE__, "on a counter", "a:1|c|T1656581400", "a counter 1 T=1656581400"},
        {__LINE__, "on a gauge, before the tags", "a:1|g|T1|#x", "a gauge 1 #x T=1"},
        {__LINE__, "the last one counts", "a:1|c|T1|T2", "a counter 1 T=2"},
        {__LINE__, "end of the calendar", "a:1|c|T253402300799", "a counter 1 T=253402300799"},
        {__LINE__, "behind it", "a:1|c|T253402300800", "!bad_timestamp T253402300800"},
        {__LINE__, "milliseconds", "a:1|c|T1656581400000", "!bad_timestamp T1656581400000"},
        {__LINE__, "nothing", "a:1|c|T", "!bad_timestamp T"},
        {__LINE__, "zero", "a:1|c|T0", "!bad_timestamp T0"},
        {__LINE__, "negative", "a:1|c|T-1", "!bad_timestamp T-1"},
        {__LINE__, "a fraction", "a:1|c|T1.5", "!bad_timestamp T1.5"},
        {__LINE__, "a word", "a:1|c|Tomorrow", "!bad_timestamp Tomorrow"},
        {__LINE__, "on a timer", "a:1|ms|T1656581400", "!bad_timestamp T1656581400"},
        {__LINE__, "on a histogram", "a:1|h|T1656581400", "!bad_timestamp T1656581400"},
        {__LINE__, "on a distribution", "a:1|d|T1656581400", "!bad_timestamp T1656581400"},
        {__LINE__, "on a set", "a:1|s|T1656581400", "!bad_timestamp T1656581400"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("origin") {
    const Row rows[] = {
        {__LINE__, "a container as in 1.2", "a:1|c|c:abc", "a counter 1 container=abc"},
        {__LINE__, "as in 1.4", "a:1|c|c:ci-abc", "a counter 1 container=abc"},
        {__LINE__, "an older prefix", "a:1|c|c:cid-abc", "a counter 1 container=abc"},
        {__LINE__, "an inode", "a:1|c|c:in-4026531835", "a counter 1 inode=4026531835"},
        {__LINE__, "a list", "a:1|c|c:ci-abc,in-12", "a counter 1 container=abc inode=12"},
        {__LINE__, "the other way round", "a:1|c|c:in-12,ci-abc",
         "a counter 1 container=abc inode=12"},
        {__LINE__, "a list with an unknown item", "a:1|c|c:xx-1,ci-abc,zz-2",
         "a counter 1 container=abc"},
        {__LINE__, "an inode that is none", "a:1|c|c:in-abc", "a counter 1"},
        {__LINE__, "nothing", "a:1|c|c:", "a counter 1"},
        {__LINE__, "the last one counts", "a:1|c|c:in-1|c:ci-x", "a counter 1 container=x"},
        {__LINE__, "external data", "a:1|c|e:it-false,cn-x,pu-y",
         "a counter 1 external=it-false,cn-x,pu-y"},
        {__LINE__, "cardinality", "a:1|c|card:low", "a counter 1 card=low"},
        {__LINE__, "all of them, in one order", "a:1|c|@0.5|#x|c:ci-1|e:2|T3|card:high",
         "a counter 1 @0.5 #x T=3 container=1 external=2 card=high"},
        {__LINE__, "and in another", "a:1|c|card:high|T3|e:2|c:ci-1|#x|@0.5",
         "a counter 1 @0.5 #x T=3 container=1 external=2 card=high"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("unknown and empty fields are passed over") {
    const Row rows[] = {
        {__LINE__, "an empty one", "a:1|c||#x", "a counter 1 #x"},
        {__LINE__, "at the end", "a:1|c|", "a counter 1"},
        {__LINE__, "unknown ones are counted", "a:1|c|x:|foo|#t|~y", "a counter 1 #t unknown=3"},
        {__LINE__, "a field of the future", "a:1|c|z:12,13|#t", "a counter 1 #t unknown=1"},
        {__LINE__, "card needs its colon", "a:1|c|card", "a counter 1 unknown=1"},
        {__LINE__, "so does c", "a:1|c|c", "a counter 1 unknown=1"},
    };
    check_rows(dogstatsd, rows);
    check_rows(statsd, rows);
}

TEST_CASE("StatsD packing") {
    const Row rows[] = {
        {__LINE__, "two samples", "foo:1|c:200|ms", "foo counter 1 + timer 200"},
        {__LINE__, "equal ones are one part", "a:0|ms:1|ms", "a timer 0 1"},
        {__LINE__, "a rate makes two of them", "a:0|ms|@0.1:0|ms", "a timer 0 @0.1 + timer 0"},
        {__LINE__, "an empty rate, as Telegraf takes it", "a:0|ms|@0.1:0|ms|:1|ms",
         "a timer 0 @0.1 + timer 0 1"},
        {__LINE__, "every kind", "a:1|c:1|ms:2|s:1|g", "a counter 1 + timer 1 + set 2 + gauge 1"},
        {__LINE__, "sets stay apart", "a:x|s:y|s", "a set x + set y"},
        {__LINE__, "a rate at the end is the last one's", "a:1|c:101|c:1|c|@0.1",
         "a counter 1 101 + counter 1 @0.1"},
        {__LINE__, "rate and type, then a type that looks like a field", "a:5|ms|@0.1:5|c:200|ms",
         "a timer 5 @0.1 + counter 5 + timer 200"},
        {__LINE__, "packed values in it", "a:1:2|c:3:4|ms", "a counter 1 2 + timer 3 4"},
        {__LINE__, "a set takes its colons", "a:1|c:x:y|s", "a counter 1 + set x:y"},
        {__LINE__, "deltas", "a:1|c:-2|g", "a counter 1 + gauge delta -2"},
        {__LINE__, "an unknown field", "a:1|c|x|:2|ms", "a counter 1 + timer 2 unknown=1"},
        {__LINE__, "one bad value refuses the line", "a:1|c:x|ms", "!bad_number x"},
        {__LINE__, "one that is infinite when weighted", "a:1|c:1e308|c|@0.1:2|c",
         "!bad_number 1e308"},
        {__LINE__, "one bad type, too", "a:1|c:2|xx", "!unknown_type xx"},
        {__LINE__, "one bad rate, too", "a:1|c:2|ms|@2", "!bad_sample_rate @2"},
        {__LINE__, "nothing between", "a:1|c:|ms", "!no_value"},
        {__LINE__, "an empty type", "a:1|:2|ms", "!no_type"},
        {__LINE__, "never with tags", "a:1|c:2|ms|#x", "!unknown_type c:2"},
        {__LINE__, "never with a timestamp", "a:1|c:2|g|T9", "!unknown_type c:2"},
        {__LINE__, "never with an origin", "a:1|c:2|ms|c:abc", "!unknown_type c:2"},
        {__LINE__, "never with external data", "a:1|c:2|ms|e:abc", "!unknown_type c:2"},
        {__LINE__, "never with a cardinality", "a:1|c:2|ms|card:low", "!unknown_type c:2"},
        {__LINE__, "a value without type is no sample", "a:1|c:2", "!unknown_type c:2"},
        {__LINE__, "nor is it behind a rate", "a:1|c|@0.1:2", "!bad_sample_rate @0.1:2"},
        {__LINE__, "a container where a field stands", "a:1|ms|c:200", "a timer 1 container=200"},
        {__LINE__, "values alone are no packing", "a:1:2|c", "a counter 1 2"},
        {__LINE__, "an unknown field with colon starts no sample", "a:1|c|x:2|ms",
         "a counter 1 unknown=2"},
    };
    check_rows(statsd, rows);

    const Row never_in_dogstatsd[] = {
        {__LINE__, "two samples", "foo:1|c:200|ms", "!unknown_type c:200"},
        {__LINE__, "behind a rate", "a:0|ms|@0.1:0|ms", "!bad_sample_rate @0.1:0"},
        {__LINE__, "behind nothing", "a:0|ms|:0|ms", "a timer 0 unknown=2"},
    };
    check_rows(dogstatsd, never_in_dogstatsd);
}

TEST_CASE("tags in names") {
    const Row plain[] = {
        {__LINE__, "Influx", "a,k=v:1|c", "a,k=v counter 1"},
        {__LINE__, "Librato", "a#k=v:1|c", "a#k=v counter 1"},
        {__LINE__, "SignalFX", "a[k=v]:1|c", "a[k=v] counter 1"},
    };
    check_rows({.tags = TagDialect::none}, plain);

    const Row influx[] = {
        {__LINE__, "two", "a,k=v,l=w:1|c", "a counter 1 #k=v #l=w"},
        {__LINE__, "none", "a:1|c", "a counter 1"},
        {__LINE__, "a bare one", "a,shell:1|c", "a counter 1 #shell"},
        {__LINE__, "only the first = splits", "a,k=v=w:1|c", "a counter 1 #k=v=w"},
        {__LINE__, "empty ones", "a,,k=v,:1|c", "a counter 1 #k=v"},
        {__LINE__, "joined with the section's", "a,k=v:1|c|#x:y", "a counter 1 #k=v #x=y"},
        {__LINE__, "a # is none of Influx's", "a#k=v:1|c", "a#k=v counter 1"},
        {__LINE__, "nothing but tags", ",k=v:1|c", "!empty_name"},
    };
    check_rows({.tags = TagDialect::influx}, influx);

    const Row librato[] = {
        {__LINE__, "two", "a#k=v,l=w:1|c", "a counter 1 #k=v #l=w"},
        {__LINE__, "a comma before it is the name's", "a,b#k=v:1|c", "a,b counter 1 #k=v"},
        {__LINE__, "keys are kept as they are", "a#09d=0,t.d=1:1|c", "a counter 1 #09d=0 #t.d=1"},
        {__LINE__, "nothing but tags", "#k=v:1|c", "!empty_name"},
    };
    check_rows({.tags = TagDialect::librato}, librato);

    const Row signalfx[] = {
        {__LINE__, "in the middle", "a.[k=v,l=w]b:1|c", "a.b counter 1 #k=v #l=w"},
        {__LINE__, "in front", "[k=v]a:1|c", "a counter 1 #k=v"},
        {__LINE__, "at the end", "a[k=v]:1|c", "a counter 1 #k=v"},
        {__LINE__, "none", "a.[]b:1|c", "a.b counter 1"},
        {__LINE__, "no closing bracket", "a.[k=v:1|c", "a.[k=v counter 1"},
        {__LINE__, "no opening bracket", "a.k=v]b:1|c", "a.k=v]b counter 1"},
        {__LINE__, "only the first pair", "a[k=v]b[l=w]:1|c", "ab[l=w] counter 1 #k=v"},
        {__LINE__, "nothing but tags", "[k=v]:1|c", "!empty_name"},
        {__LINE__, "joined with the section's", "[k=v]a:1|c|#x", "a counter 1 #k=v #x"},
    };
    check_rows({.tags = TagDialect::signalfx}, signalfx);
}

TEST_CASE("text that is not UTF-8") {
    const Row rows[] = {
        {__LINE__, "in the name", "a\xC3(:1|c", "!bad_utf8 \xC3"},
        {__LINE__, "in a tag", "a:1|c|#x:\xFF", "!bad_utf8 \xFF"},
        {__LINE__, "in an unknown field", "a:1|c|x\x80y", "!bad_utf8 \x80"},
        {__LINE__, "in a set", "a:\xED\xA0\x80|s", "!bad_utf8 \xED"},
    };
    check_rows(dogstatsd, rows);
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

TEST_CASE("bounds") {
    Parser parser(statsd);
    MetricLine line;
    Identity identity;

    std::string values = "a:" + repeated("1:", values_per_line_max - 4) + "1|c";
    REQUIRE(values.size() <= line_bytes_max);
    REQUIRE(parser.parse_metric(values, line) == Reject::none);
    REQUIRE(line.parts.size() == 1);
    CHECK(line.parts[0].values.size() == values_per_line_max - 3);

    std::string longest = "a:1|c|";
    longest.append(line_bytes_max - longest.size(), 'x');
    CHECK(parser.parse_metric(longest, line) == Reject::none);
    longest += 'x';
    CHECK(parser.parse_metric(longest, line) == Reject::too_long);

    CHECK(parser.parse_metric(std::string(identity_bytes_max, 'n') + ":1|c", line) == Reject::none);
    CHECK(parser.parse_metric(std::string(identity_bytes_max + 1, 'n') + ":1|c", line) ==
          Reject::too_long);
    CHECK(parser.parse_metric("n:1|c|#" + std::string(identity_bytes_max - 1, 't'), line) ==
          Reject::none);
    CHECK(parser.parse_metric("n:1|c|#" + std::string(identity_bytes_max, 't'), line) ==
          Reject::too_long);

    const std::string most_tags = "n:1|c|#" + repeated("t,", tags_per_line_max);
    REQUIRE(parser.parse_metric(most_tags, line) == Reject::none);
    CHECK(parser.identity(line, identity) == Reject::none);
    CHECK(identity.tags.size() == tags_per_line_max);
    const std::string one_more = "n:1|c|#" + repeated("t,", tags_per_line_max + 1);
    REQUIRE(parser.parse_metric(one_more, line) == Reject::none);
    CHECK(parser.identity(line, identity) == Reject::too_many_tags);

    const std::string parts = "n:1|c" + repeated(":1|ms:1|c", (parts_per_line_max - 2) / 2);
    CHECK(parser.parse_metric(parts + ":1|ms", line) == Reject::none);
    CHECK(line.parts.size() == parts_per_line_max);
    CHECK(parser.parse_metric(parts + ":1|ms:1|c", line) == Reject::too_many_values);
}

TEST_CASE("every reason has a name and a description of its own") {
    for (std::size_t i = 0; i < reject_count; ++i) {
        const auto reason = static_cast<Reject>(i);
        CHECK_FALSE(to_string(reason).empty());
        CHECK_FALSE(describe(reason).empty());
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(to_string(reason) != to_string(static_cast<Reject>(j)));
            CHECK(describe(reason) != describe(static_cast<Reject>(j)));
        }
    }
}

TEST_CASE("a parser can be moved, with its reading") {
    Parser first(statsd);
    Parser second(std::move(first));
    CHECK(second.reading() == statsd);
    CHECK(said(second, "foo:1|c:200|ms") == "foo counter 1 + timer 200");
}

}  // namespace
