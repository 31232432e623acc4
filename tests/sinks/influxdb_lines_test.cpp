// The InfluxDB sink's encoder: every rule of escaping in a row each, golden text of all kinds,
// clashing keys, samples with their own time, events, batches, and random hostile series that a
// strict reader must give back exactly.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/influxdb/line_key.h"
#include "sinks/influxdb/line_protocol.h"
#include "sinks/influxdb/stamps.h"
#include "sinks/quantiles.h"
#include "tests/support/golden.h"
#include "tests/support/line_protocol_reader.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::sinks::influxdb;
using namespace pitot::tests;
using pitot::protocol::Event;
using pitot::protocol::Kind;
using pitot::protocol::ServiceCheck;
using pitot::protocol::Snapshot;
using pitot::protocol::Tag;
using pitot::protocol::TimedPoint;

namespace {

LineSettings plain() {
    LineSettings settings;
    settings.keys.type_tag = "";
    settings.keys.host_tag = "";
    settings.quantiles = {0.5, 0.999};
    return settings;
}

struct Bench {
    SnapshotMaker maker;
    std::vector<std::string> reports;
    std::unique_ptr<Encoder> encoder;
    Encoded last;

    explicit Bench(LineSettings settings = plain())
        : encoder(make_encoder(std::move(settings),
                               [this](const std::string& what) { reports.push_back(what); })) {}

    // The text of one interval; `last` has the rest.
    std::string lines(const Snapshot& snapshot) {
        last = {};
        encoder->encode(snapshot, last);
        std::string all;
        std::uint64_t points = last.lost.sum() + last.skipped.sum();
        for (const Batch& batch : last.batches) {
            CHECK_FALSE(batch.items.empty());
            CHECK(batch.sequence == snapshot.sequence);
            std::uint64_t of_items = 0;
            for (std::size_t i = 0; i < batch.items.size(); ++i) {
                of_items += batch.items[i].points;
                CHECK(item_bytes(batch, i).ends_with('\n'));
            }
            CHECK(of_items == batch.points);
            points += batch.points;
            all += batch.body;
        }
        CHECK(points == snapshot.points());
        return all;
    }
    std::string lines() { return lines(maker.end_interval()); }
    std::vector<ReadPoint> points() { return read_points(lines()); }
};

std::vector<Tag> tags_of(const std::vector<std::pair<const char*, const char*>>& pairs) {
    std::vector<Tag> tags;
    for (const auto& [key, value] : pairs) {
        tags.push_back(
            {.key = key, .value = value != nullptr ? value : "", .has_value = value != nullptr});
    }
    return tags;
}

KeySettings no_additions() {
    KeySettings settings;
    settings.type_tag = "";
    settings.host_tag = "";
    return settings;
}

// What the golden file shows: tests/agent/cli/once_influxdb_test.cpp sends the same as lines.
void fill(SnapshotMaker& maker) {
    maker.count("page.views", "env:prod,shell", 3);
    maker.count("page views,all", "path:/a b=c,d", 0.1);
    maker.gauge("load", "", -1.5);
    maker.values(Kind::timer, "db.time", "env:prod", {12, 18, 12.5, 120}, 1);
    maker.values(Kind::histogram, "size", "", {1, 2, 3}, 4);
    maker.values(Kind::distribution, "age", "", {0.25});
    maker.set("users", "", 2);
}

}  // namespace

TEST_CASE("measurements") {
    struct Row {
        const char* name;
        const char* text;
    };
    for (const Row& row : std::vector<Row>{
             {"page.views", "page.views"},
             {"a b", R"(a\ b)"},
             {"a,b", R"(a\,b)"},
             {"a=b", "a=b"},
             {" a", R"(\ a)"},
             {"a\"b", "a\"b"},
             {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
             {R"(a\b)", R"(a\b)"},
             {R"(a\\b)", R"(a\\b)"},
             {R"(\a)", R"(\a)"},
             {R"(a\)", "a"},
             {R"(a\\)", "a"},
             {R"(a\,b)", R"(a\,b)"},
             {R"(a\\\ b)", R"(a\ b)"},
             {R"(a\=b)", "a=b"},
             {R"(a\"b)", "a\"b"},
             {R"(\,b)", R"(\,b)"},
             {R"(\)", "_"},
             {"#a", "_a"},
             {"a#", "a#"},
             {"a\rb\tc\x01\x7f", "a_b_c__"},
         }) {
        CAPTURE(row.name);
        CHECK(line_key(row.name, {}, {}, no_additions()) == row.text);
    }
}

TEST_CASE("tags") {
    struct Row {
        std::vector<std::pair<const char*, const char*>> tags;
        const char* text;
    };
    for (const Row& row : std::vector<Row>{
             {{{"env", "prod"}}, "m,env=prod"},
             {{{"shell", nullptr}}, "m,shell=true"},
             {{{"env", ""}}, "m"},
             {{{"env", ""}, {"env", "a"}}, "m,env=a"},
             {{{"env", nullptr}, {"env", "a"}}, R"(m,env=true\,a)"},
             {{{"b", "1"}, {"a", "2"}}, "m,a=2,b=1"},
             {{{"B", "1"}, {"a", "2"}, {"A\xc3\xa9", "3"}}, "m,A\xc3\xa9=3,B=1,a=2"},
             {{{"a", "2"}, {"a", "1"}, {"a", "1"}}, R"(m,a=2\,1\,1)"},
             {{{"a b", "c d"}}, R"(m,a\ b=c\ d)"},
             {{{"a,b", "c,d"}}, R"(m,a\,b=c\,d)"},
             {{{"a=b", "c=d"}}, R"(m,a\=b=c\=d)"},
             {{{"a\"b", "\"c\""}}, R"(m,a"b="c")"},
             {{{"a", R"(C:\dir\file)"}}, R"(m,a=C:\dir\file)"},
             {{{"a", R"(x\\y)"}}, R"(m,a=x\\y)"},
             {{{"a", R"(x\,y)"}}, R"(m,a=x\\,y)"},
             {{{"a", R"(x\=y\ z)"}}, R"(m,a=x\\=y\\ z)"},
             {{{"a", R"(x\)"}}, "m,a=x"},
             {{{"a", R"(x\)"}, {"a", R"(y\)"}}, R"(m,a=x\\,y)"},
             {{{"a", R"(\\)"}}, "m"},
             {{{R"(a\)", "1"}}, "m,a=1"},
             {{{R"(a\)", "1"}, {"a", "2"}}, R"(m,a=1\,2)"},
             {{{R"(\)", "1"}}, "m,_=1"},
             {{{"", "1"}}, "m,_=1"},
             {{{"a\tb", "c\rd"}}, "m,a_b=c_d"},
             {{{"time", "1"}}, "m,time_=1"},
             {{{"time", "1"}, {"time_", "2"}}, R"(m,time_=1\,2)"},
             {{{"Time", "1"}}, "m,Time=1"},
             {{{"_field", "1"}, {"_measurement", "2"}, {"_time", "3"}},
              "m,_field_=1,_measurement_=2,_time_=3"},
             {{{"value", "1"}}, "m,value=1"},
             {{{"a", "#b"}}, "m,a=#b"},
         }) {
        CAPTURE(row.text);
        CHECK(line_key("m", tags_of(row.tags), {}, no_additions()) == row.text);
    }
}

TEST_CASE("tags that are added") {
    KeySettings settings;
    settings.host_name = "web 1";
    settings.tags = {{"zone", "a"}, {"env", "test"}};
    CHECK(series_key("m", {}, Kind::timer, settings) ==
          R"(m,env=test,host=web\ 1,metric_type=timer,zone=a)");
    // A sender's own tag wins, but for the type.
    CHECK(series_key("m", tags_of({{"env", "prod"}, {"host", "h"}, {"metric_type", "x"}}),
                     Kind::counter,
                     settings) == "m,env=prod,host=h,metric_type=counter,metric_type_=x,zone=a");
    settings.host_tag = "";
    settings.type_tag = "kind";
    settings.tags.clear();
    CHECK(series_key("m", tags_of({{"metric_type", "x"}}), Kind::set, settings) ==
          "m,kind=set,metric_type=x");
    settings.slash_for_backslash = true;
    CHECK(series_key(R"(a\b\)", tags_of({{R"(\k)", R"(C:\)"}}), Kind::set, settings) ==
          "a/b/,/k=C:/,kind=set");
}

TEST_CASE("string fields") {
    struct Row {
        const char* text;
        const char* field;
    };
    for (const Row& row : std::vector<Row>{
             {"", R"("")"},
             {"a b,c=d", R"("a b,c=d")"},
             {R"(say "hi")", R"("say \"hi\"")"},
             {R"(C:\dir\)", R"("C:\\dir\\")"},
             {"two\nlines", R"("two\\nlines")"},
             {"a\r\tb\x01", R"("a  b ")"},
         }) {
        std::string out;
        append_string_field(row.text, out);
        CHECK(out == row.field);
    }
}

TEST_CASE("what others wrote, in a log line") {
    CHECK(excerpt("a\x1b[31m\r") == "a_[31m_");
    CHECK(excerpt(std::string(200, 'x')) == std::string(200, 'x'));
    CHECK(excerpt(std::string(199, 'x') + "\xc3\xa9yy") == std::string(199, 'x') + " …");
}

TEST_CASE("names of quantiles") {
    CHECK(quantile_field(0.5) == "p50");
    CHECK(quantile_field(0.99) == "p99");
    CHECK(quantile_field(0.999) == "p99_9");
    CHECK(quantile_field(0.9999) == "p99_99");
    CHECK(quantile_field(0.29) == "p29");
    CHECK(quantile_field(1) == "p100");
    CHECK(quantile_field(0.001) == "p0_1");
}

TEST_CASE("all kinds") {
    LineSettings settings;
    settings.keys.host_name = "web-1";
    settings.keys.tags = {{"zone", "a"}};
    settings.quantiles = {0.5, 0.9, 0.999};
    Bench bench(settings);
    fill(bench.maker);
    check_golden("influxdb/interval.influx", bench.lines());
    // What has no news is not sent again.
    CHECK(bench.lines().empty());
    CHECK(bench.last.batches.empty());
    CHECK(bench.last.skipped[SkipReason::idle] == 7);
}

TEST_CASE("a counter that is idle keeps its total, and goes down too") {
    Bench bench;
    bench.maker.count("c", "", 4);
    CHECK(bench.lines() == "c delta=4,rate=0.4,total=4 1785542410000000000\n");
    bench.lines();
    bench.maker.count("c", "", -1.5);
    CHECK(bench.lines() == "c delta=-1.5,rate=-0.15,total=2.5 1785542430000000000\n");
    bench.maker.stand_still("c", "");
    CHECK(bench.lines() == "c delta=0,rate=0,total=2.5 1785542440000000000\n");
    CHECK(bench.last.skipped[SkipReason::idle] == 0);
}

TEST_CASE("numbers are the shortest that read back, and never integers") {
    Bench bench;
    const std::vector<double> values{
        0,     -0.0,    1e15, 1e16, 0.1, 1.0 / 3,    5e-324,
        1e308, -2.5e-7, 4096, 1e-5, -1,  123456.789, 1.7976931348623157e308};
    for (std::size_t i = 0; i < values.size(); ++i) {
        bench.maker.gauge("g" + std::to_string(i), "", values[i]);
    }
    const std::vector<ReadPoint> points = bench.points();
    REQUIRE(points.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        CHECK(points[i].numbers.at("value") == values[i]);
    }
}

TEST_CASE("what is not a number is not written; a point of nothing else is lost") {
    Bench bench;
    bench.maker.gauge("g", "", std::nan(""));
    bench.maker.gauge("h", "", -HUGE_VAL);
    bench.maker.count("c", "", HUGE_VAL);
    bench.maker.count("d", "", 2);
    Snapshot snapshot = bench.maker.end_interval();
    snapshot.elapsed_s = 0;  // no rate
    CHECK(bench.lines(snapshot) == "d delta=2,total=2 1785542410000000000\n");
    CHECK(bench.last.lost[LossReason::rejected] == 3);
}

TEST_CASE("intervals shorter than the precision are spread, and reported once") {
    LineSettings settings = plain();
    settings.precision = Precision::seconds;
    Bench bench(settings);
    std::set<std::int64_t> stamps;
    for (std::int64_t i = 0; i < 50; ++i) {
        bench.maker.gauge("g", "", static_cast<double>(i));
        Snapshot snapshot = bench.maker.end_interval();
        snapshot.end_unix_ns = 1'785'542'400'000'000'000 + i * 100'000'000;
        stamps.insert(read_points(bench.lines(snapshot)).at(0).stamp);
    }
    CHECK(stamps.size() == 50);
    REQUIRE(bench.reports.size() == 1);
    CHECK(bench.reports[0].starts_with("intervals are shorter than the precision"));
}

TEST_CASE("samples with a time of their own") {
    Bench bench;
    bench.maker.timed(Kind::counter, "c", 1'700'000'000, 1);
    bench.maker.timed(Kind::gauge, "g", 1'700'000'000, 5);
    bench.maker.timed(Kind::counter, "c", 1'700'000'000, 2);
    bench.maker.timed(Kind::counter, "c", 1'700'000'001, 4);
    bench.maker.timed(Kind::gauge, "g", 1'700'000'000, 6);
    const std::vector<ReadPoint> first = bench.points();
    REQUIRE(first.size() == 3);
    CHECK(first[0].numbers == std::map<std::string, double>{{"delta", 3}});
    CHECK(first[1].numbers == std::map<std::string, double>{{"value", 6}});
    CHECK(first[2].numbers == std::map<std::string, double>{{"delta", 4}});
    CHECK(first[0].stamp / 1'000'000'000 == 1'700'000'000);
    CHECK(first[2].stamp - first[0].stamp == 1'000'000'000);
    CHECK(bench.last.batches[0].points == 5);

    // The same second in the next interval is another point.
    bench.maker.timed(Kind::counter, "c", 1'700'000'000, 8);
    const std::vector<ReadPoint> second = bench.points();
    REQUIRE(second.size() == 1);
    CHECK(second[0].stamp / 1'000'000'000 == 1'700'000'000);
    CHECK(second[0].stamp != first[0].stamp);
}

TEST_CASE("own times that have no place") {
    LineSettings settings = plain();
    settings.precision = Precision::seconds;
    Bench coarse(settings);
    coarse.maker.timed(Kind::counter, "c", 1'700'000'000, 1);
    coarse.maker.timed(Kind::gauge, "g", 1'700'000'000, 5);
    CHECK(coarse.lines() == "g value=5 1700000000\n");
    CHECK(coarse.last.skipped[SkipReason::own_time] == 1);

    Bench fine;
    fine.maker.timed(Kind::gauge, "g", own_time_s_max, 1);
    fine.maker.timed(Kind::gauge, "g", own_time_s_max + 1, 1);
    fine.maker.timed(Kind::gauge, "g", 253'402'300'799, 1);
    CHECK(fine.points().size() == 1);
    CHECK(fine.last.skipped[SkipReason::own_time] == 2);
}

TEST_CASE("of two series with one key the first keeps it, until it expires") {
    Bench bench;
    bench.maker.count("a", "t:x", 1);
    bench.maker.count("b", "", 1);
    bench.maker.count("a", R"(t:x\)", 2);
    CHECK(bench.points().size() == 2);
    CHECK(bench.last.lost[LossReason::name_clash] == 1);
    REQUIRE(bench.reports.size() == 1);
    CHECK(bench.reports[0] ==
          R"(counter "a" and counter "a" would both be written as a,t=x; counter "a" came later )"
          "and is not sent. Rename one of them");

    // Idle, it is idle. With news it is lost, and said once only.
    bench.lines();
    CHECK(bench.last.skipped[SkipReason::idle] == 3);
    bench.maker.count("a", R"(t:x\)", 2);
    CHECK(bench.lines().empty());
    CHECK(bench.last.lost[LossReason::name_clash] == 1);

    // A sample with its own time cannot slip into the other's points either.
    std::vector<Tag> tags = tags_of({{"t", R"(x\)"}});
    const std::array timed{TimedPoint{.name = "a",
                                      .tags = tags,
                                      .kind = Kind::counter,
                                      .timestamp_s = 1'700'000'000,
                                      .value = 1}};
    Snapshot snapshot = bench.maker.end_interval();
    snapshot.timed = timed;
    CHECK(bench.lines(snapshot).empty());
    CHECK(bench.last.lost[LossReason::name_clash] == 1);
    tags[0].value = "x";
    snapshot = bench.maker.end_interval();
    snapshot.timed = timed;
    CHECK(read_points(bench.lines(snapshot)).size() == 1);

    bench.maker.forget(Kind::counter, "a", "t:x");
    bench.maker.count("a", R"(t:x\)", 2);
    const std::vector<ReadPoint> points = bench.points();
    REQUIRE(points.size() == 1);
    CHECK(points[0].numbers.at("total") == 6);
    CHECK(bench.last.lost.sum() == 0);
    CHECK(bench.reports.size() == 1);
}

TEST_CASE("without a type tag two kinds of one name clash, with it they do not") {
    for (const bool has_type : {false, true}) {
        LineSettings settings = plain();
        if (has_type) settings.keys.type_tag = "metric_type";
        Bench bench(settings);
        bench.maker.count("x", "", 1);
        bench.maker.values(Kind::timer, "x", "", {1});
        CHECK(bench.points().size() == (has_type ? 2 : 1));
        CHECK(bench.last.lost[LossReason::name_clash] == (has_type ? 0 : 1));
    }
}

TEST_CASE("an id that is used again is another series") {
    Bench bench;
    bench.maker.count("a", "", 1);
    CHECK(bench.lines().starts_with("a "));
    bench.maker.forget(Kind::counter, "a", "");
    bench.maker.count("b", "", 1);
    CHECK(bench.lines().starts_with("b "));
    bench.maker.count("a", "", 1);
    bench.maker.count("b", "", 1);
    CHECK(bench.points().size() == 2);
    CHECK(bench.last.lost.sum() == 0);
}

TEST_CASE("a key or a line that no server takes is lost") {
    LineSettings settings = plain();
    settings.line_bytes_max = 100;
    Bench bench(settings);
    bench.maker.count("a", "t:" + std::string(35'000, ' '), 1);  // escaped
    bench.maker.count("b", "t:" + std::string(90, 'x'), 1);
    bench.maker.count("c", "", 1);
    CHECK(bench.points().size() == 1);
    CHECK(bench.last.lost[LossReason::too_large] == 2);
    REQUIRE(bench.reports.size() == 1);
    CHECK(bench.reports[0] ==
          "counter \"a\" is not sent: its name and tags are 70004 bytes, and the destination "
          "takes 65535; shorten them");
}

TEST_CASE("events and service checks") {
    LineSettings settings = plain();
    settings.keys.host_tag = "host";
    settings.keys.host_name = "web-1";
    Bench bench(settings);
    const std::vector<Tag> tags = tags_of({{"alert_type", "mine"}, {"env", "prod"}});
    Event event;
    event.title = "a \"b\"";
    event.text = "c\nd\\";
    event.tags = tags;
    event.hostname = "db-1";
    event.aggregation_key = "k";
    event.source_type = "s";
    event.priority = pitot::protocol::Priority::low;
    event.alert_type = pitot::protocol::AlertType::error;
    bench.maker.event(event);
    Event small;
    small.title = "t";
    bench.maker.event(small);
    bench.maker.event(small);
    small.timestamp_s = 1'700'000'000;
    bench.maker.event(small);
    bench.maker.event(small);
    ServiceCheck check;
    check.name = "db up";
    check.status = pitot::protocol::CheckStatus::critical;
    check.message = "no";
    bench.maker.check(check);
    const std::string text = bench.lines();
    CHECK(text.starts_with(
        R"(events,alert_type=error,alert_type_=mine,env=prod,host=db-1,priority=low )"
        R"(title="a \"b\"",text="c\\nd\\",aggregation_key="k",source_type="s" )"
        "1785542410000000000\n"
        R"(events,alert_type=info,host=web-1,priority=normal title="t",text="" )"
        "1785542410000000001\n"
        R"(events,alert_type=info,host=web-1,priority=normal title="t",text="" )"
        "1785542410000000002\n"));
    CHECK(text.ends_with(R"(service_checks,check=db\ up,host=web-1 status=2,message="no" )"
                         "1785542410000000003\n"));
    std::set<std::pair<std::string, std::int64_t>> identities;
    for (const ReadPoint& point : read_points(text)) identities.emplace(point.key, point.stamp);
    CHECK(identities.size() == 6);

    settings.has_events = false;
    Bench without(settings);
    without.maker.event(small);
    without.maker.check(check);
    CHECK(without.lines().empty());
    CHECK(without.last.skipped[SkipReason::event] == 1);
    CHECK(without.last.skipped[SkipReason::service_check] == 1);
}

TEST_CASE("batches end at their bounds, and no line is cut") {
    LineSettings settings = plain();
    settings.batch_lines_max = 100;
    Bench bench(settings);
    for (int i = 0; i < 250; ++i) bench.maker.count("c" + std::to_string(i), "", 1);
    CHECK(bench.points().size() == 250);
    REQUIRE(bench.last.batches.size() == 3);
    CHECK(bench.last.batches[0].items.size() == 100);
    CHECK(bench.last.batches[2].items.size() == 50);

    Bench by_bytes;
    for (int i = 0; i < 100; ++i) {
        bench.maker.count(std::string(60'000, 'x') + std::to_string(i), "", 1);
    }
    by_bytes.maker = std::move(bench.maker);
    CHECK(by_bytes.lines().size() > batch_bytes_max);
    REQUIRE(by_bytes.last.batches.size() == 2);
    CHECK(by_bytes.last.batches[0].body.size() < batch_bytes_max + 70'000);
}

TEST_CASE("hostile series come back exactly as the rules say, each as itself") {
    // Letters, what must be escaped, what changes, and more than one byte a character.
    constexpr std::array<std::string_view, 14> pieces{"a", "b",  ",",  " ", "=",  "\"",   "\\",
                                                      "#", "\t", "\r", "é", "🦊", "time", ":"};
    std::mt19937 dice(7);
    const auto word = [&](std::size_t pieces_max) {
        std::string text;
        const std::size_t count = 1 + dice() % pieces_max;
        for (std::size_t i = 0; i < count; ++i) text += pieces[dice() % pieces.size()];
        return text;
    };
    // By a rule of its own: what the reader must give back.
    const auto visible = [](std::string text) {
        for (char& character : text) {
            if (character == '\t' || character == '\r') character = '_';
        }
        while (text.ends_with('\\')) text.pop_back();
        return text;
    };
    std::size_t unclashed = 0;
    for (int round = 0; round < 300; ++round) {
        LineSettings settings = plain();
        settings.keys.type_tag = "metric_type";
        Bench bench(settings);
        std::deque<std::string> names;
        for (int i = 0; i < 20; ++i) {
            const std::string tag = word(4);
            bench.maker.gauge(names.emplace_back(word(6)),
                              tag.substr(0, tag.find(',')) + ":" + word(3),
                              static_cast<double>(dice()) / 7);
        }
        const Snapshot snapshot = bench.maker.end_interval();
        const std::vector<ReadPoint> points = read_points(bench.lines(snapshot));
        CHECK(points.size() + bench.last.lost[LossReason::name_clash] == snapshot.gauges.size());
        std::set<std::string> keys;
        std::map<double, const ReadPoint*> by_value;
        for (const ReadPoint& point : points) {
            CHECK(keys.insert(point.key).second);
            by_value[point.numbers.at("value")] = &point;
        }
        for (const auto& gauge : snapshot.gauges) {
            const auto found = by_value.find(gauge.value);
            if (found == by_value.end()) continue;  // clashed
            ++unclashed;
            const ReadPoint& point = *found->second;
            const auto& series = snapshot.series[gauge.id];
            if (series.name().find('\\') == std::string_view::npos && series.name()[0] != '#') {
                CHECK(point.measurement == visible(std::string(series.name())));
            }
            for (const Tag tag : series.tags()) {
                const std::string key = visible(std::string(tag.key));
                const std::string value = visible(std::string(tag.value));
                if (series.tags().split().size() > 1 || key.empty() || value.empty() ||
                    key.ends_with("time")) {
                    continue;
                }
                REQUIRE_MESSAGE(point.tags.contains(key), point.key);
                CHECK(point.tags.at(key) == value);
            }
        }
    }
    CHECK(unclashed > 4'000);
}
