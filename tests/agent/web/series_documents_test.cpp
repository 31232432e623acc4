// The pages about series: their shape, which is that of Prometheus, what they refuse, and what
// bounds them.
#include "agent/web/series_documents.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/sink_snapshot.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using protocol::Kind;

namespace {

SeriesWalk walk_of(protocol::Snapshot snapshot) {
    return [snapshot](const std::function<void(const protocol::Series&)>& visit) {
        for (const protocol::Series& series : snapshot.series) {
            if (series.birth != 0) visit(series);
        }
    };
}

struct Sample {
    SnapshotMaker in;
    SeriesWalk each;

    Sample() {
        in.count("hits", "env:prod,bare", 1);
        in.count("hits", "env:test", 1);
        in.values(Kind::timer, "checkout.time", "env:prod,zone:a,zone:b", {1});
        each = walk_of(in.end_interval());
    }
    AlertsAnswer series(std::string_view query) const {
        return series_document(each, parse_query(query));
    }
};

}  // namespace

TEST_CASE("all series, in the shape of Prometheus") {
    const AlertsAnswer answer = Sample().series("");
    CHECK(answer.status == 200);
    CHECK(answer.text ==
          R"({"status":"success","data":[)"
          R"({"__name__":"hits","__type__":"counter","bare":"","env":"prod"},)"
          R"({"__name__":"hits","__type__":"counter","env":"test"},)"
          R"({"__name__":"checkout.time","__type__":"timer","env":"prod","zone":"a"}],)"
          R"("pitot":{"listed":3,"matched":3}})"
          "\n");
}

TEST_CASE("those that a selector means, or one of several") {
    const Sample sample;
    CHECK(sample.series("match[]=hits").text.contains(R"("matched":2)"));
    CHECK(sample.series(R"(match[]=hits{env="test"})").text.contains(R"("matched":1)"));
    CHECK(sample.series(R"(match[]="h*"{env=~"prod|test"})").text.contains(R"("matched":2)"));
    CHECK(sample.series("match[]=checkout.time&match[]=hits").text.contains(R"("matched":3)"));
    // Of any kind, and each of several values of a tag.
    CHECK(sample.series(R"(match[]=checkout.time{zone="b"})").text.contains(R"("matched":1)"));
    CHECK(sample.series("match[]=zzz").text ==
          "{\"status\":\"success\",\"data\":[],\"pitot\":{\"listed\":0,\"matched\":0}}\n");
}

TEST_CASE("what is cut short is said") {
    const Sample sample;
    const std::string text = sample.series("limit=1").text;
    CHECK(text.contains(R"("pitot":{"listed":1,"matched":3})"));
    CHECK(text.contains(R"("warnings":["1 of 3 are listed"])"));
    CHECK(sample.series("limit=0").text.contains(R"("listed":3)"));
}

TEST_CASE("an answer has a bound, in series and in bytes") {
    SnapshotMaker in;
    for (std::size_t i = 0; i < listed_series_max + 10; ++i) {
        in.count("n" + std::to_string(i), "", 1);
    }
    const SeriesWalk many = walk_of(in.end_interval());
    CHECK(series_document(many, {}).text.contains(R"({"listed":20000,"matched":20010})"));
    CHECK(series_names_document(many, {}).text.contains(R"("listed":20000)"));

    SnapshotMaker long_ones;
    const std::string long_tag = "t:" + std::string(8'000, 'x');
    for (int i = 0; i < 500; ++i) long_ones.count("n" + std::to_string(i), long_tag, 1);
    const std::string text = series_document(walk_of(long_ones.end_interval()), {}).text;
    CHECK(text.size() < listed_bytes_max + 20'000);
    CHECK(text.contains(R"("matched":500)"));
    CHECK(text.contains("\"warnings\""));
}

TEST_CASE("names, sorted, each once") {
    const Sample sample;
    CHECK(series_names_document(sample.each, {}).text ==
          "{\"status\":\"success\",\"data\":[\"checkout.time\",\"hits\"],"
          "\"pitot\":{\"listed\":2,\"matched\":2}}\n");
    CHECK(series_names_document(sample.each, parse_query(R"(match[]=hits{env="test"})"))
              .text.contains(R"("data":["hits"])"));
}

TEST_CASE("what is no question is refused, as Prometheus refuses it") {
    const Sample sample;
    for (const char* const query :
         {"match[]=", "match[]=p95(x[1m])", "match[]=x[5m]", "match[]=1", "match[]=x{", "limit=-1",
          "limit=", "limit=x", "limit=99999999999999999999999"}) {
        CAPTURE(query);
        const AlertsAnswer answer = sample.series(query);
        CHECK(answer.status == 400);
        CHECK(answer.text.starts_with(R"({"status":"error","errorType":"bad_data","error":")"));
        CHECK(series_names_document(sample.each, parse_query(query)).status == 400);
    }
    std::string many = "match[]=a";
    for (std::size_t i = 0; i < series_matches_max; ++i) many += "&match[]=a";
    CHECK(sample.series(many).text.contains("20 times at most"));
}
