// The pure parts of the Elasticsearch sink: names of indices, ids, labels, the index template
// and who owns it, and how bulk answers are read.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/elasticsearch/bulk_answer.h"
#include "sinks/elasticsearch/document_batches.h"
#include "sinks/elasticsearch/document_id.h"
#include "sinks/elasticsearch/index_template.h"
#include "sinks/elasticsearch/labels.h"
#include "sinks/elasticsearch/stored_before.h"
#include "sinks/elasticsearch/target_index.h"
#include "sinks/elasticsearch/utc_time.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::sinks::elasticsearch;
using namespace pitot::tests;
using pitot::protocol::Kind;
using pitot::protocol::Tag;

namespace {

std::string name_at(const TargetIndex& target, std::int64_t unix_s) {
    std::string out;
    target.append_name(unix_s, out);
    return out;
}

TargetIndex daily(std::string_view pattern) {
    const auto target = TargetIndex::daily(pattern);
    REQUIRE_MESSAGE(target, target.error());
    return *target;
}

std::string iso(std::int64_t unix_ms) {
    std::string out;
    append_iso_time(unix_ms, out);
    return out;
}

std::string labels(const std::vector<Tag>& tags) {
    return label_text(tags).json;
}

BulkAnswer answer(std::string_view body) {
    const auto read = read_bulk_answer(body);
    REQUIRE_MESSAGE(read.has_value(), std::string(body));
    return *read;
}

// An answer with errors for items of these statuses and errors.
std::string answer_of(const std::vector<std::pair<int, std::string>>& items) {
    std::string out = R"({"took":1,"errors":true,"items":[)";
    for (const auto& [status, error] : items) {
        if (!out.ends_with('[')) out += ',';
        out += R"({"create":{"status":)" + std::to_string(status);
        if (!error.empty()) out += R"(,"error":)" + error;
        out += "}}";
    }
    return out + "]}";
}

}  // namespace

TEST_CASE("names of indices come from the document's time, in UTC") {
    CHECK(name_at(daily("metrics-%Y.%m.%d"), 1'785'542'399) == "metrics-2026.07.31");
    CHECK(name_at(daily("metrics-%Y.%m.%d"), 1'785'542'400) == "metrics-2026.08.01");
    CHECK(name_at(daily("%H%d%m%Y"), 951'782'400) ==
          "00290220"
          "00");
    CHECK(name_at(daily("m-%Y.%m.%d-%H"), 253'402'300'799) == "m-9999.12.31-23");
    CHECK(name_at(daily("m-%Y"), 0) == "m-1970");
    CHECK(name_at(daily("plain"), 5) == "plain");
    CHECK(daily("metrics-%Y.%m.%d").wildcard() == "metrics-*.*.*");
    CHECK(daily("m%Y%m%d.x").wildcard() == "m*.x");
    CHECK(daily("metrics-%Y.%m.%d").label() == "metrics-yyyy.mm.dd");
    CHECK(daily("m-%H").label() == "m-hh");
    CHECK_FALSE(daily("metrics-%Y.%m.%d").looks_like_builtin_data_stream());
    CHECK(daily("metrics-a-%Y.%m.%d").looks_like_builtin_data_stream());
    CHECK(daily("logs-%Y-%m").looks_like_builtin_data_stream());
}

TEST_CASE("names that the server would refuse are refused with the reason") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "must not be empty"},
        {"Metrics", "small letters"},
        {"a b", "must not contain ' '"},
        {"a/b", "must not contain '/'"},
        {"a,b", "must not contain ','"},
        {"a:b", "must not contain ':'"},
        {"a#b", "must not contain '#'"},
        {"a\"b", "must not contain '\"'"},
        {"a*", "must not contain '*'"},
        {"<m-{now/d}>", "must not contain '<'"},
        {"a\nb", "control characters"},
        {"-a", "must not begin"},
        {"_a", "must not begin"},
        {"+a", "must not begin"},
        {".", "must be a name"},
        {"..", "must be a name"},
        {"m-%y", "%Y, %m, %d and %H only, got \"%y\""},
        {"m-%", "%Y, %m, %d and %H only, got \"%\""},
        {"m-%%", "%Y, %m, %d and %H only"},
        {std::string(256, 'a'), "at most 255 bytes, got 256"},
        // 254 as written, 255 + 2 with the year in it
        {std::string(252, 'a') + "%Y", "at most 255 bytes, got 256"},
    };
    for (const auto& [text, reason] : cases) {
        CAPTURE(text);
        const auto target = TargetIndex::daily(text);
        REQUIRE_FALSE(target);
        CHECK_MESSAGE(target.error().find(reason) != std::string::npos, target.error());
    }
    CHECK(TargetIndex::daily(std::string(251, 'a') + "%Y"));
    CHECK(TargetIndex::daily("größe-%Y"));

    CHECK(TargetIndex::data_stream("metrics-pitot-default")->is_data_stream());
    CHECK(TargetIndex::data_stream("metrics-pitot-default")->wildcard() == "metrics-pitot-default");
    CHECK(TargetIndex::data_stream("metrics-%Y").error().find("without a date") !=
          std::string::npos);
    CHECK(TargetIndex::data_stream(".hidden").error().find("begin with '.'") != std::string::npos);
    CHECK_FALSE(TargetIndex::data_stream("A"));
}

TEST_CASE("times as the server reads them") {
    CHECK(iso(0) == "1970-01-01T00:00:00.000Z");
    CHECK(iso(1'785'542'410'000) == "2026-08-01T00:00:10.000Z");
    CHECK(iso(1'785'542'410'007) == "2026-08-01T00:00:10.007Z");
    CHECK(iso(951'868'799'999) == "2000-02-29T23:59:59.999Z");
    CHECK(iso(253'402'300'799'999) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("ids differ in whatever tells documents apart, and repeat otherwise") {
    pitot::tests::SeriesTexts texts;
    std::set<std::pair<std::uint64_t, std::uint64_t>> identities;
    std::size_t made = 0;
    for (const Kind kind : {Kind::counter, Kind::gauge}) {
        for (const std::string_view name : {"x", "xa", ""}) {
            for (const std::string_view tags : {"a:b", "a,b", "a:", "a"}) {
                pitot::protocol::Series series = texts.make(kind, name, tags, 1);
                const Hash128 identity = identity_of(series);
                identities.emplace(identity.low, identity.high);
                ++made;
                // Not who it is in this process, but who it is.
                series.birth = 99;
                CHECK(identity_of(series).low == identity.low);
            }
        }
    }
    CHECK(identities.size() == made);

    std::set<std::string> ids;
    const Hash128 identity = identity_of(series_of(Kind::counter, "x"));
    for (const std::uint64_t run : {0U, 1U}) {
        for (const std::string_view host : {"a", "b"}) {
            for (const std::string_view sink : {"s", "t"}) {
                const DocumentIds maker(run, host, sink);
                for (const std::uint64_t sequence : {1U, 2U}) {
                    std::string id;
                    maker.append_of_series(sequence, identity, id);
                    CHECK(id.size() == document_id_bytes);
                    CHECK(
                        id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789-_") == std::string::npos);
                    ids.insert(id);
                    for (const DocumentKind kind :
                         {DocumentKind::timed, DocumentKind::event, DocumentKind::service_check}) {
                        for (const std::uint64_t ordinal : {0U, 1U}) {
                            std::string told;
                            maker.append_of_ordinal(sequence, kind, ordinal, told);
                            ids.insert(told);
                        }
                    }
                }
            }
        }
    }
    CHECK(ids.size() == 2 * 2 * 2 * 2 * 7);
    // The last character of 128 bits holds two of them: the form the server stores in 16 bytes.
    for (const std::string& id : ids)
        CHECK(std::string_view("AQgw").find(id.back()) != std::string_view::npos);
}

TEST_CASE("labels") {
    CHECK(labels({}) == "");
    CHECK(labels({{"env", "prod", true}}) == R"(,"labels":{"env":"prod"})");
    CHECK(labels({{"shell", "", false}}) == R"(,"labels":{"shell":"true"})");
    CHECK(labels({{"env", "", true}}) == R"(,"labels":{"env":""})");
    CHECK(labels({{"env", "b", true}, {"env", "a", true}, {"a", "1", true}}) ==
          R"(,"labels":{"a":"1","env":["a","b"]})");
    CHECK(labels({{"env", "", false}, {"env", "true", true}}) == R"(,"labels":{"env":"true"})");
    CHECK(labels({{"a.b", "1", true}, {"a_b", "2", true}, {".", "3", true}}) ==
          R"(,"labels":{"_":"3","a_b":["1","2"]})");
    CHECK(label_text(std::vector<Tag>{{"a.b", "1", true}, {"a_b", "2", true}}).merged == 1);
    CHECK(label_text(std::vector<Tag>{{"a.b", "1", true}, {"a.b", "2", true}}).merged == 0);
    for (const char* key : {"", " ", "\t ", "\u3000\u2003"}) {
        CHECK(labels({{key, "v", true}}) == R"(,"labels":{"_":"v"})");
    }
    CHECK(labels({{" k", "v", true}}) == R"(,"labels":{" k":"v"})");
    CHECK(labels({{"_id", "v", true}}) == R"(,"labels":{"_id":"v"})");
    CHECK(labels({{"q\"\\\n", "\x01\x7f/ü", true}}) ==
          ","
          R"("labels":{"q\"\\\n":"\u0001\u007f/ü"})");
}

TEST_CASE("documents are cut into batches by bytes and by number") {
    struct Case {
        std::vector<std::size_t> sizes;
        std::vector<std::size_t> batches;  // documents in each
    };
    const std::vector<Case> cases{
        {{}, {}},
        {{5}, {1}},
        {{50, 50}, {2}},
        {{50, 51}, {1, 1}},
        {{500, 1, 500, 500}, {1, 1, 1, 1}},
        {{1, 1, 1, 1, 1}, {3, 2}},
        {{1, 1, 1, 1, 1, 1}, {3, 3}},
        {{99, 1, 1, 99}, {2, 2}},
    };
    for (const Case& one : cases) {
        DocumentBatches batches({.bytes = 100, .documents = 3});
        std::vector<Batch> out;
        batches.begin(7, one.sizes.size(), out);
        char letter = 'a';
        std::string all;
        for (const std::size_t size : one.sizes) {
            batches.body().append(size, letter);
            all.append(size, letter++);
            batches.end_document();
        }
        batches.end();
        std::string again;
        std::vector<std::size_t> counts;
        for (const Batch& batch : out) {
            counts.push_back(batch.items.size());
            again += batch.body;
            CHECK(batch.sequence == 7);
            CHECK(batch.points == batch.items.size());
            CHECK(batch.items.back().end == batch.body.size());
            for (std::size_t i = 0; i < batch.items.size(); ++i) {
                const std::string_view item = item_bytes(batch, i);
                CHECK(item.find_first_not_of(item.front()) == std::string_view::npos);
            }
        }
        CHECK(counts == one.batches);
        CHECK(again == all);
    }
}

TEST_CASE("a bulk answer without errors is read no further than that") {
    CHECK(answer(R"({"errors":false})").all_stored);
    CHECK(answer(R"({"took":3,"errors":false,"items":[{"create":{"stat)").all_stored);
    CHECK(answer("{ \"errors\" : false,\n \"items\" : [] }").all_stored);
    CHECK(answer(R"({"items":[{"create":{"status":201}}],"errors":false})").all_stored);
    CHECK(elasticsearch::outcome_of(answer(R"({"errors":false})"), 3).verdict ==
          Verdict::delivered);
}

TEST_CASE("what is no bulk answer, or half of one, is told from one") {
    for (const std::string_view body :
         {"", "ok", "<html>", "null", "[]", "{}", R"({"error":{"type":"x"},"status":400})",
          R"({"errors":true})", R"({"errors":true,"items":[)", R"({"errors":true,"items":[{"cr)",
          R"({"items":[]})", R"({"a":{"errors":false}})", R"({"errors":"false","items":[]})"}) {
        CAPTURE(body);
        CHECK_FALSE(read_bulk_answer(body).has_value());
    }
    const std::string whole = answer_of({{201, ""}, {400, R"({"type":"t","reason":"r"})"}});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CHECK_FALSE(read_bulk_answer(whole.substr(0, length)).has_value());
    }
}

TEST_CASE("the fate of each document") {
    struct Case {
        int status;
        std::string error;
        Fate fate;
    };
    const std::vector<Case> cases{
        {200, "", Fate::stored},
        {201, "", Fate::stored},
        {409, R"({"type":"version_conflict_engine_exception","reason":"exists"})",
         Fate::stored_before},
        {429, R"({"type":"es_rejected_execution_exception","reason":"full"})", Fate::again},
        {429, R"({"type":"circuit_breaking_exception","reason":"full"})", Fate::again},
        {429, R"({"type":"cluster_block_exception","reason":"disk"})", Fate::later},
        {403, R"({"type":"cluster_block_exception","reason":"FORBIDDEN/12"})", Fate::later},
        {403, R"({"type":"security_exception","reason":"no right"})", Fate::held},
        {404, R"({"type":"index_not_found_exception","reason":"no such index"})", Fate::held},
        {500, R"({"type":"x","reason":"y"})", Fate::again},
        {503, R"({"type":"unavailable_shards_exception","reason":"y"})", Fate::again},
        {400, R"({"type":"mapper_parsing_exception","reason":"y"})", Fate::refused},
        {400, R"({"type":"document_parsing_exception","reason":"y"})", Fate::refused},
        {400,
         R"({"type":"validation_exception","reason":"Validation Failed: 1: this action would )"
         R"(add [2] shards, but this cluster currently has [1000]/[1000] maximum shards open;"})",
         Fate::held},
        {400, R"({"type":"index_closed_exception","reason":"closed"})", Fate::held},
        {400, R"({"type":"invalid_index_name_exception","reason":"must be lowercase"})",
         Fate::held},
        {400,
         R"({"type":"illegal_argument_exception","reason":"no write index is defined for alias )"
         R"([al]. The write index may be explicitly disabled"})",
         Fate::held},
        {400,
         R"({"type":"illegal_argument_exception","reason":"Alias [al] has more than one index )"
         R"(associated with it [[a, b]], can't execute a single index op"})",
         Fate::held},
        {400, R"({"type":"illegal_argument_exception","reason":"mapper [x] is another"})",
         Fate::refused},
        {400, R"("just a text")", Fate::refused},
        {413, "", Fate::refused},
        {0, "", Fate::refused},
    };
    for (const Case& one : cases) {
        CAPTURE(one.status);
        CAPTURE(one.error);
        const BulkAnswer read = answer(answer_of({{one.status, one.error}, {201, ""}}));
        REQUIRE(read.fates.size() == 2);
        CHECK(read.fates[0] == one.fate);
        CHECK(read.fates[1] == Fate::stored);
    }
}

TEST_CASE("what is said about a refused document is its first error, fit for a log") {
    const std::string long_reason(5000, 'x');
    const BulkAnswer read =
        answer(answer_of({{201, ""},
                          {400, R"({"type":"t1","reason":"first\u0007\u001b[31m",)"
                                R"("caused_by":{"type":"deep","reason":"deeper"}})"},
                          {400, R"({"type":"t2","reason":")" + long_reason + "\"}"},
                          {429, R"({"reason":"busy","type":"t3"})"}}));
    CHECK(read.refused == "400 t1: first  [31m");
    CHECK(read.again == "429 t3: busy");
    CHECK(answer(answer_of({{400, R"({"type":"t","reason":")" + long_reason + "\"}"}}))
              .refused.size() < 400);
    CHECK(error_text(R"({"error":{"type":"a","reason":"b"},"status":400})") == "a: b");
    CHECK(error_text(R"({"error":"b"})") == R"({"error":"b"})");
    CHECK(error_text("<html>\n<p>") == "<html>");
}

TEST_CASE("outcomes") {
    const std::string busy = R"({"type":"es_rejected_execution_exception","reason":"full"})";
    const std::string block = R"({"type":"cluster_block_exception","reason":"disk"})";
    const std::string bad = R"({"type":"mapper_parsing_exception","reason":"no"})";
    const std::string none = R"({"type":"index_not_found_exception","reason":"none"})";
    using Items = std::vector<std::pair<int, std::string>>;
    const auto outcome = [](const Items& items) {
        return elasticsearch::outcome_of(answer(answer_of(items)), items.size());
    };
    CHECK(outcome({{201, ""}, {409, bad}}).verdict == Verdict::delivered);
    CHECK(outcome({{429, busy}, {503, busy}}).verdict == Verdict::throttle);
    CHECK(outcome({{503, busy}, {503, busy}}).verdict == Verdict::retry);
    CHECK(outcome({{404, none}, {429, busy}}).verdict == Verdict::hold);
    CHECK(outcome({{429, block}}).retry_after == std::chrono::seconds(30));

    const Outcome mixed = outcome({{201, ""}, {429, busy}, {400, bad}, {409, bad}, {404, none}});
    CHECK(mixed.verdict == Verdict::partial);
    CHECK(mixed.items == std::vector{ItemVerdict::delivered, ItemVerdict::retry,
                                     ItemVerdict::rejected, ItemVerdict::delivered,
                                     ItemVerdict::retry});
    CHECK(mixed.reason ==
          "1 of 5 documents are refused (400 mapper_parsing_exception: no); "
          "1 of 5 documents are not taken yet (429 es_rejected_execution_exception: full); "
          "1 of 5 documents are not taken (404 index_not_found_exception: none)");
    CHECK(outcome({{400, bad}, {400, bad}}).verdict == Verdict::partial);

    const Outcome short_one = elasticsearch::outcome_of(answer(answer_of({{400, bad}})), 2);
    CHECK(short_one.verdict == Verdict::retry);
    CHECK(short_one.reason == "the destination answers for 1 documents of 2");
}

TEST_CASE("the index template, and whose it is") {
    TemplateSettings settings;
    settings.name = "mine";
    const std::string text = template_text(daily("metrics-%Y.%m.%d"), settings);
    const boost::json::object parsed = boost::json::parse(text).as_object();
    CHECK(parsed.at("index_patterns").as_array().at(0) == "metrics-*.*.*");
    CHECK(parsed.at("priority") == 500);
    CHECK_FALSE(parsed.contains("data_stream"));
    CHECK(boost::json::parse(template_text(*TargetIndex::data_stream("a-b-c"), settings))
              .as_object()
              .contains("data_stream"));

    const auto found = [&](const std::string& there) {
        return find_template(
                   R"({"index_templates":[{"name":"other","index_template":{}},{"name":"mine",)"
                   R"("index_template":)" +
                       there + "}]}",
                   "mine", text)
            .found;
    };
    CHECK(found(text) == FoundTemplate::current);
    CHECK(found(R"({"version":0,"_meta":{"managed_by":"pitot"}})") == FoundTemplate::older);
    CHECK(found(R"({"_meta":{"managed_by":"pitot"}})") == FoundTemplate::older);
    CHECK(found(R"({"version":99,"_meta":{"managed_by":"pitot"}})") == FoundTemplate::current);
    CHECK(found(R"({"version":1,"_meta":{"managed_by":"pitot","fingerprint":"0"}})") ==
          FoundTemplate::other);
    CHECK(found(R"({"version":0})") == FoundTemplate::foreign);
    CHECK(found(R"({"version":0,"_meta":{"managed_by":"me"}})") == FoundTemplate::foreign);
    settings.shards = 3;
    CHECK(found(template_text(daily("metrics-%Y.%m.%d"), settings)) == FoundTemplate::other);

    for (const std::string_view body :
         {"", "[]", "{}", R"({"index_templates":3})", R"({"index_templates":[]})", "<html>"}) {
        CHECK(find_template(body, "mine", text).found == FoundTemplate::unreadable);
    }
    CHECK(find_template(
              R"({"index_templates":[{"name":"mine","index_template":{"data_stream":{}}}]})",
              "mine", text)
              .makes_data_streams);
}

TEST_CASE("what a data stream says of its indices and documents") {
    CHECK(earlier_indices(R"({"data_streams":[{"indices":[{"index_name":"a"}]}]})") ==
          std::vector<std::string>{});
    CHECK(earlier_indices(R"({"data_streams":[{"indices":[{"index_name":"a"},{"index_name":"b"},)"
                          R"({"index_name":"c"},{"index_name":"d"},{"index_name":"e"}]}]})") ==
          std::vector<std::string>{"b", "c", "d"});
    for (const char* other : {"", "[]", "{}", R"({"data_streams":[]})", R"({"data_streams":[{}]})",
                              R"({"data_streams":[{"indices":[{}]}]})"}) {
        CAPTURE(other);
        CHECK_FALSE(earlier_indices(other));
    }
    CHECK(ids_found(R"({"docs":[{"_id":"a","found":true},{"_id":"b","found":false}]})") ==
          std::vector<std::string>{"a"});
    for (const char* other :
         {"", "{}", R"({"docs":[{"_id":"a"}]})", R"({"docs":[{"found":true}]})"}) {
        CAPTURE(other);
        CHECK_FALSE(ids_found(other));
    }
    CHECK(document_id_of("{\"create\":{\"_index\":\"i\",\"_id\":\"abc\"}}\n{\"_id\":\"x\"}\n") ==
          "abc");
    CHECK(document_id_of("{}\n{\"_id\":\"x\"}\n") == "");
}
