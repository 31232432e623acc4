// The documents that the Elasticsearch sink makes of Snapshots: golden text for every kind, the
// index of each document, hostile texts and numbers, series that come and go, batches, ids.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/elasticsearch/encoder.h"
#include "sinks/elasticsearch/utc_time.h"
#include "tests/support/golden.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::sinks::elasticsearch;
using namespace pitot::tests;
using pitot::protocol::Kind;
using pitot::protocol::Snapshot;

namespace json = boost::json;

namespace {

EncoderSettings settings_for(std::string_view pattern) {
    EncoderSettings settings;
    settings.sink = "search";
    settings.target = *TargetIndex::daily(pattern);
    settings.host = "web-1";
    settings.quantiles = {0.5, 0.9, 0.99};
    return settings;
}

// One document as the server would see it.
struct Document {
    std::string index;
    std::string id;
    json::object source;
};

struct Rig {
    SnapshotMaker maker;
    std::vector<std::string> reports;
    std::unique_ptr<Encoder> encoder;

    explicit Rig(EncoderSettings settings = settings_for("metrics-%Y.%m.%d"))
        : encoder(make_encoder(std::move(settings),
                               [this](const std::string& what) { reports.push_back(what); })) {}

    Encoded encode(const Snapshot& snapshot) {
        Encoded encoded;
        encoder->encode(snapshot, encoded);
        std::uint64_t points = encoded.skipped.sum() + encoded.lost.sum();
        for (const Batch& batch : encoded.batches) points += batch.points;
        CHECK(points == snapshot.points());
        return encoded;
    }
    std::string text() {
        std::string all;
        for (const Batch& batch : encode(maker.end_interval()).batches) all += batch.body;
        return all;
    }
    std::vector<Document> documents() { return read(encode(maker.end_interval())); }

    static std::vector<Document> read(const Encoded& encoded) {
        std::vector<Document> out;
        for (const Batch& batch : encoded.batches) {
            for (std::size_t i = 0; i < batch.items.size(); ++i) {
                const std::string_view item = item_bytes(batch, i);
                const std::size_t end = item.find('\n');
                REQUIRE(item.find('\n', end + 1) == item.size() - 1);
                const json::object create =
                    json::parse(item.substr(0, end)).at("create").as_object();
                CHECK(create.size() == 2);
                out.push_back({std::string(create.at("_index").as_string()),
                               std::string(create.at("_id").as_string()),
                               json::parse(item.substr(end + 1)).as_object()});
            }
        }
        return out;
    }
};

Document only(const std::vector<Document>& documents) {
    REQUIRE(documents.size() == 1);
    return documents.front();
}

// Kept as golden files, and printed the same by `pitot once` (tests/agent/cli).
void fill_every_kind(SnapshotMaker& maker) {
    maker.count("page.views", "env:prod,shell", 3);
    maker.count("page.views", "env:dev", 0.5);
    maker.gauge("queue", "", -2.5);
    maker.values(Kind::timer, "load.time", "a.b:1,env:dev,env:prod", {1, 2, 2, 4, 5, 10});
    maker.set("users", "", 17);
    maker.timed(Kind::counter, "late", 1'785'500'000, 4);
    maker.timed(Kind::gauge, "older", 1'700'000'000, 1e21);
}

void fill_told(SnapshotMaker& maker) {
    static const std::vector<pitot::protocol::Tag> tags{{"env", "prod", true},
                                                        {"shell", "", false}};
    pitot::protocol::Event event;
    event.title = "de\"ploy";
    event.text = "line one\nline two";
    event.timestamp_s = 1'785'542'405;
    event.hostname = "db-7";
    event.aggregation_key = "k";
    event.source_type = "src";
    event.alert_type = pitot::protocol::AlertType::warning;
    event.tags = tags;
    maker.event(event);
    pitot::protocol::ServiceCheck check;
    check.name = "up";
    check.status = pitot::protocol::CheckStatus::critical;
    check.message = "gone";
    check.container_id = "c0ffee";
    maker.check(check);
}

}  // namespace

TEST_CASE("every kind, as kept in the golden file") {
    Rig rig;
    fill_every_kind(rig.maker);
    fill_told(rig.maker);
    check_golden("elasticsearch/every_kind.ndjson", rig.text());
    CHECK(rig.reports.empty());
}

TEST_CASE("a data stream is named in place of the index") {
    EncoderSettings settings = settings_for("x");
    settings.target = *TargetIndex::data_stream("metrics-pitot-default");
    Rig rig(settings);
    fill_every_kind(rig.maker);
    for (const Document& document : rig.documents()) {
        CHECK(document.index == "metrics-pitot-default");
    }
}

TEST_CASE("idle series are skipped, and what was known of them is right when they come back") {
    Rig rig;
    rig.maker.count("a", "x:1", 3);
    rig.maker.gauge("b", "", 4);
    static_cast<void>(rig.text());
    Encoded idle = rig.encode(rig.maker.end_interval());
    CHECK(idle.batches.empty());
    CHECK(idle.skipped[SkipReason::idle] == 2);
    rig.maker.count("a", "x:1", 5);
    const Document again = only(rig.documents());
    CHECK(again.source.at("metric").at("name") == "a");
    CHECK(again.source.at("labels").at("x") == "1");
    CHECK(again.source.at("delta") == 5);
    CHECK(again.source.at("total") == 8);
    CHECK(again.source.at("@timestamp") == "2026-08-01T00:00:30.000Z");
    rig.maker.stand_still("a", "x:1");
    const Document still = only(rig.documents());
    CHECK(still.source.at("delta") == 0);
    CHECK(still.source.at("total") == 8);
    CHECK(rig.encode(rig.maker.end_interval()).batches.empty());
}

TEST_CASE("an id that is used again belongs to the newer series") {
    Rig rig;
    rig.maker.count("old", "x:1", 3);
    rig.maker.gauge("stays", "", 3);
    static_cast<void>(rig.text());
    rig.maker.forget(Kind::counter, "old", "x:1");
    static_cast<void>(rig.text());
    rig.maker.gauge("new", "", 4);
    const Document document = only(rig.documents());
    CHECK(document.source.at("metric").at("name") == "new");
    CHECK_FALSE(document.source.contains("labels"));
    CHECK_FALSE(document.source.contains("delta"));
}

TEST_CASE("documents with a time of their own go to the index of that day, where it is near") {
    constexpr std::int64_t end_s = 1'785'542'410;  // 2026-08-01T00:00:10Z
    const std::vector<std::pair<std::int64_t, std::string>> cases{
        {end_s, "metrics-2026.08.01"},
        {end_s - 11, "metrics-2026.07.31"},
        {end_s - 7 * 86'400, "metrics-2026.07.25"},
        {end_s - 7 * 86'400 - 1, "metrics-2026.08.01"},
        {1, "metrics-2026.08.01"},
        {end_s + 86'400, "metrics-2026.08.02"},
        {end_s + 86'401, "metrics-2026.08.01"},
        {253'402'300'799, "metrics-2026.08.01"},
    };
    for (const auto& [time_s, index] : cases) {
        Rig rig;
        rig.maker.timed(Kind::gauge, "g", time_s, 1);
        const Document document = only(rig.documents());
        CAPTURE(time_s);
        CHECK(document.index == index);
        std::string time;
        append_iso_time(time_s * 1000, time);
        CHECK(document.source.at("@timestamp").as_string() == json::string(time));
    }
}

TEST_CASE("numbers are JSON, whatever they are") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const std::vector<std::pair<double, std::string>> cases{
        {0, "0"},
        {-0.0, "0"},
        {3, "3"},
        {0.1, "0.1"},
        {1e15, "1e+15"},
        {123456789012345, "123456789012345"},
        {1e-300, "1e-300"},
        {1e308, "1e+308"},
        {infinity, "1.7976931348623157e+308"},
        {-infinity, "-1.7976931348623157e+308"},
    };
    for (const auto& [value, text] : cases) {
        Rig rig;
        rig.maker.gauge("g", "", value);
        const std::string all = rig.text();
        CHECK_MESSAGE(all.find("\"value\":" + text + "}\n") != std::string::npos, all);
    }
    Rig rig;
    rig.maker.gauge("g", "", std::numeric_limits<double>::quiet_NaN());
    CHECK_FALSE(only(rig.documents()).source.contains("value"));
}

TEST_CASE("an interval without length has no rate") {
    Rig rig;
    rig.maker.count("c", "", 1);
    Snapshot snapshot = rig.maker.end_interval();
    snapshot.elapsed_s = 0;
    const Document document = only(Rig::read(rig.encode(snapshot)));
    CHECK_FALSE(document.source.contains("rate"));
    CHECK(document.source.at("delta") == 1);
}

TEST_CASE("percentiles are fields without dots") {
    EncoderSettings settings = settings_for("m");
    settings.quantiles = {0.07, 0.5, 0.99, 0.999, 0.99999, 1};
    Rig rig(settings);
    rig.maker.values(Kind::distribution, "d", "", {1, 2, 3});
    const json::object source = only(rig.documents()).source;
    for (const char* field : {"p7", "p50", "p99", "p99_9", "p99_999", "p100"}) {
        CHECK_MESSAGE(source.contains(field), json::serialize(source));
    }
    CHECK(source.at("p50") == 2);
    CHECK(source.at("p100") == 3);
}

TEST_CASE("hostile names and tags come back as they were") {
    Rig rig;
    std::mt19937 dice(5);
    std::map<std::string, std::string> sent;
    for (int i = 0; i < 500; ++i) {
        std::string name;
        for (int n = 0; n < 6; ++n) name += static_cast<char>(dice() % 128);
        name += "ü€😀" + std::to_string(i);
        std::string value;
        for (int n = 0; n < 12; ++n) {
            const char byte = static_cast<char>(dice() % 128);
            value += byte == ',' ? ';' : byte;
        }
        sent[name] = value;
        rig.maker.gauge(name, "k:" + value, i);
    }
    const std::vector<Document> documents = rig.documents();
    CHECK(documents.size() == sent.size());
    for (const Document& document : documents) {
        const std::string name(document.source.at("metric").at("name").as_string());
        REQUIRE(sent.contains(name));
        CHECK(document.source.at("labels").at("k").as_string() == json::string(sent[name]));
    }
}

TEST_CASE("tags that share a label are reported once a snapshot") {
    Rig rig;
    rig.maker.count("first", "a.b:1,a_b:2", 1);
    rig.maker.count("second", "c.d:1,c_d:2", 1);
    static_cast<void>(rig.text());
    REQUIRE(rig.reports.size() == 1);
    CHECK(rig.reports[0].starts_with("2 tags of new series share a label"));
    CHECK(rig.reports[0].find("\"first\"") != std::string::npos);
    rig.maker.count("first", "a.b:1,a_b:2", 1);
    static_cast<void>(rig.text());
    CHECK(rig.reports.size() == 1);
}

TEST_CASE("batches keep to their limits, and are the same documents") {
    EncoderSettings settings = settings_for("m");
    Rig whole(settings);
    settings.limits = {.bytes = 3000, .documents = 7};
    Rig cut(settings);
    for (Rig* rig : {&whole, &cut}) {
        for (int i = 0; i < 100; ++i) {
            rig->maker.count("c." + std::to_string(i),
                             "n:" + std::string(static_cast<std::size_t>(i % 9 * 40), 'x'), i);
        }
        rig->maker.gauge(std::string(4000, 'g'), "", 1);
    }
    const std::string text = whole.text();
    std::string joined;
    for (const Batch& batch : cut.encode(cut.maker.end_interval()).batches) {
        CHECK(batch.items.size() <= 7);
        CHECK((batch.body.size() <= 3000 || batch.items.size() == 1));
        joined += batch.body;
    }
    CHECK(joined == text);
}

TEST_CASE("ids are unique over series, intervals, runs, hosts and sinks, and repeat otherwise") {
    std::set<std::string> ids;
    std::size_t documents = 0;
    std::string once_more;
    for (const std::string_view who : {"", "run", "host", "sink", ""}) {
        EncoderSettings settings = settings_for("m");
        if (who == "run") settings.run = 1;
        if (who == "host") settings.host = "web-2";
        if (who == "sink") settings.sink = "other";
        Rig rig(settings);
        std::string all;
        for (int interval = 0; interval < 3; ++interval) {
            fill_every_kind(rig.maker);
            fill_every_kind(rig.maker);  // timed samples twice
            fill_told(rig.maker);
            const Encoded encoded = rig.encode(rig.maker.end_interval());
            for (const Batch& batch : encoded.batches) all += batch.body;
            const bool is_repeat = who.empty() && !once_more.empty();
            for (const Document& document : Rig::read(encoded)) {
                CHECK(ids.insert(document.id).second == !is_repeat);
                documents += is_repeat ? 0 : 1;
            }
        }
        if (who.empty() && !once_more.empty()) CHECK(all == once_more);
        if (who.empty()) once_more = all;
    }
    CHECK(ids.size() == documents);
}

TEST_CASE("the subject of an item, for messages") {
    Rig rig;
    rig.maker.count("a\"b\\", "", 1);
    fill_told(rig.maker);
    const Encoded encoded = rig.encode(rig.maker.end_interval());
    const Batch& batch = encoded.batches.at(0);
    CHECK(subject_of(item_bytes(batch, 0)) == R"(a\"b\\)");
    CHECK(subject_of(item_bytes(batch, 1)) == R"(de\"ploy)");
    CHECK(subject_of(item_bytes(batch, 2)) == "up");
    CHECK(subject_of("") == "?");
}
