// Every row of the conformance corpus (tests/data/corpus), through the JSON of `pitot
// explain`.
//
// A row with a stage ("enrich") says what is left when tags that tell of the origin have been
// taken for that. It is compared with an interval in which its line came in alone; there the
// host of a metric is its tag `host`.
//
// A row names no dialect unless its reading depends on one; it is then read in both, and
// must come out the same. The comparison is exact, number by number and field by field,
// but for this:
//
//   1. Tags are compared as a multiset: some sources sort them.
//   2. A field that a source does not mention (timestamp, container, external data,
//      cardinality, inode) may be there: it does not know that field. One it mentions
//      must be there, and equal.
//   3. In a row without `choose`, timer, histogram and distribution are one: several
//      servers have one type for the three.
//   4. Where a row says why a line is refused, the words are not compared.
//   5. A pod's id (`pod_uid`) is not compared: nothing here looks pods up.
//
// Rows that are read otherwise on purpose are listed with the reason, and must go on being
// read otherwise: a row that starts to agree has to leave the list.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/explain.h"
#include "protocol/framing.h"
#include "protocol/parser.h"
#include "tests/support/lines.h"

namespace {

namespace json = boost::json;
using pitot::protocol::Dialect;
using pitot::protocol::GaugeSign;
using pitot::protocol::Parser;
using pitot::protocol::Reading;
using pitot::protocol::TagDialect;

struct Disputed {
    std::string_view id;
    std::string_view reason;
};

constexpr auto first_host =
    "that server takes the first of several host tags; here the last one counts";
constexpr auto sanitising =
    "that server rewrites names when it reads; here each destination rewrites for itself";

constexpr Disputed disputed[] = {
    {"gs-datagram-004", first_host},
    {"gs-metric-009", sanitising},
    {"etsy-ran-014", sanitising},
    {"etsy-ran-015", sanitising},
    {"ex-line-009", sanitising},
    {"ex-line-002", "drops the rate of a gauge; a rate is reported as sent, as other rows have it"},
    {"emit-go-069", R"(keeps the "m\:" that its client escaped; a message is unescaped here)"},
};

std::vector<json::object> rows_of(const std::string& file) {
    std::ifstream in(PITOT_SOURCE_DIR "/tests/data/corpus/" + file);
    REQUIRE_MESSAGE(in, "cannot read ", file);
    std::vector<json::object> rows;
    for (std::string line; std::getline(in, line);) rows.push_back(json::parse(line).as_object());
    return rows;
}

const json::value* member(const json::object& object, std::string_view key) {
    return object.if_contains(key);
}

// The lines that a stream connection would have handed on.
std::string lines_of_stream(std::string_view bytes) {
    pitot::protocol::StreamFramer framer(pitot::protocol::StreamFraming::newline_or_length);
    std::memcpy(framer.writable().data(), bytes.data(), bytes.size());
    framer.commit(bytes.size());
    framer.finish();
    std::string lines;
    for (pitot::protocol::StreamChunk chunk; framer.next(chunk);) {
        CHECK(chunk.refused == pitot::protocol::Reject::none);
        lines.append(chunk.bytes).append("\n");
    }
    return lines;
}

json::array answer_to(const json::object& row, Reading reading) {
    json::object request{{"id", row.at("id")}};
    if (const json::value* hex = member(row, "hex")) {
        request["hex"] = *hex;
    } else if (member(row, "transport") != nullptr) {
        request["input"] = lines_of_stream(row.at("bytes").as_string());
    } else {
        request["input"] = row.contains("bytes") ? row.at("bytes") : row.at("input");
    }
    Parser parser(reading);
    const std::string answer =
        pitot::agent::answer_explain_request(json::serialize(request), parser);
    const json::object parsed = json::parse(answer).as_object();
    CHECK(parsed.at("id") == row.at("id"));
    return parsed.at("lines").as_array();
}

json::array to_json(std::span<const pitot::protocol::Tag> tags) {
    json::array all;
    for (const pitot::protocol::Tag& tag : tags) {
        if (tag.has_value) {
            all.push_back(json::array{json::string(tag.key), json::string(tag.value)});
        } else {
            all.emplace_back(json::string(tag.key));
        }
    }
    return all;
}

template <class Told>
json::object origin_of(const Told& told, std::string_view kind) {
    json::object entry{{"accepted", true},
                       {"kind", kind},
                       {"hostname", told.hostname},
                       {"tags", to_json(told.tags)}};
    if (told.timestamp_s != 0) entry["timestamp"] = told.timestamp_s;
    return entry;
}

json::object sample_of(const pitot::protocol::Series& series, double value) {
    json::array tags = to_json(series.tags().split());
    json::string host;
    const auto is_host = [](const json::value& tag) {
        return tag.is_array() && tag.at(0) == "host";
    };
    if (const auto* const at = std::find_if(tags.begin(), tags.end(), is_host); at != tags.end()) {
        host = at->at(1).as_string();
        tags.erase(at);
    }
    return {{"accepted", true},      {"kind", to_string(series.kind)},
            {"name", series.name()}, {"values", json::array{value}},
            {"sample_rate", 1},      {"hostname", host},
            {"tags", tags}};
}

// What an interval holds in which the row came in.
json::array interval_of(const json::object& row, Reading reading) {
    pitot::tests::ShardRig rig(1, {}, {}, {reading});
    rig.say(0, row.at("input").as_string());
    const pitot::protocol::Snapshot& snapshot = rig.flush();
    json::array all;
    for (const auto& point : snapshot.counters)
        all.push_back(sample_of(snapshot.series[point.id], point.delta));
    for (const auto& point : snapshot.gauges)
        all.push_back(sample_of(snapshot.series[point.id], point.value));
    for (const pitot::protocol::Event& event : snapshot.events) {
        json::object entry = origin_of(event, "event");
        entry["title"] = event.title;
        entry["text"] = event.text;
        entry["priority"] = to_string(event.priority);
        entry["alert_type"] = to_string(event.alert_type);
        all.push_back(std::move(entry));
    }
    for (const pitot::protocol::ServiceCheck& check : snapshot.service_checks) {
        json::object entry = origin_of(check, "service_check");
        entry["name"] = check.name;
        entry["status"] = static_cast<int>(check.status);
        entry["message"] = check.message;
        all.push_back(std::move(entry));
    }
    return all;
}

json::array outcome_of(const json::object& row, Reading reading) {
    return member(row, "stage") != nullptr ? interval_of(row, reading) : answer_to(row, reading);
}

bool accepted(const json::object& entry) {
    return entry.at("accepted").as_bool();
}

bool is_error(const json::value& reading) {
    return reading.is_object() && reading.as_object().contains("error");
}

// Equal as values of JSON, whether a number is written as whole or not.
bool equal(const json::value& left, const json::value& right) {
    if (left.is_number() && right.is_number()) {
        return left.to_number<double>() == right.to_number<double>();
    }
    if (left.is_array() && right.is_array()) {
        const json::array& l = left.get_array();
        const json::array& r = right.get_array();
        return std::equal(l.begin(), l.end(), r.begin(), r.end(), equal);
    }
    return left == right;
}

bool equal_tags(const json::value& left, const json::value& right) {
    const json::array& l = left.as_array();
    const json::array& r = right.as_array();
    return std::is_permutation(l.begin(), l.end(), r.begin(), r.end(), equal);
}

bool is_observation(const json::value& kind) {
    return kind == "timer" || kind == "histogram" || kind == "distribution";
}

bool may_be_unmentioned(std::string_view key) {
    constexpr std::array<std::string_view, 6> keys{"accepted",      "timestamp",   "container_id",
                                                   "external_data", "cardinality", "inode"};
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// One entry of an answer against one sample of a row.
bool agrees(const json::object& entry, const json::object& sample, bool observations_are_one) {
    for (const auto& [key, wanted] : sample) {
        if (key == "pod_uid") continue;
        const json::value* got = member(entry, key);
        if (got == nullptr) return false;
        if (key == "tags" && equal_tags(*got, wanted)) continue;
        if (key == "kind" && observations_are_one && is_observation(*got) &&
            is_observation(wanted)) {
            continue;
        }
        if (!equal(*got, wanted)) return false;
    }
    return std::all_of(entry.begin(), entry.end(), [&](const auto& field) {
        return sample.contains(field.key()) || may_be_unmentioned(field.key());
    });
}

bool agrees(const json::array& answer, const json::value& reading, bool observations_are_one) {
    if (is_error(reading)) {
        return std::none_of(answer.begin(), answer.end(),
                            [](const json::value& entry) { return accepted(entry.as_object()); });
    }
    const json::array& samples = reading.as_array();
    return std::equal(answer.begin(), answer.end(), samples.begin(), samples.end(),
                      [&](const json::value& entry, const json::value& sample) {
                          const json::object& got = entry.as_object();
                          if (is_error(sample)) return !accepted(got);
                          return accepted(got) &&
                                 agrees(got, sample.as_object(), observations_are_one);
                      });
}

Reading reading_of(std::string_view dialect) {
    if (dialect == "statsd") {
        return {.dialect = Dialect::statsd, .gauge_sign = GaugeSign::delta};
    }
    if (dialect == "influxdb") return {.tags = TagDialect::influx};
    if (dialect == "librato") return {.tags = TagDialect::librato};
    if (dialect == "signalfx") return {.tags = TagDialect::signalfx};
    CHECK(dialect == "dogstatsd");
    return {};
}

// Whether one row is read as it says, in every dialect it speaks of.
bool row_agrees(const json::object& row) {
    const json::value* chosen = member(row, "choose");
    const json::value* wanted = chosen != nullptr ? chosen : member(row, "expect");
    if (wanted == nullptr) {
        // A client's bytes without a reading: every line is to be taken.
        const json::array answer = answer_to(row, reading_of("dogstatsd"));
        return !answer.empty() &&
               std::all_of(answer.begin(), answer.end(),
                           [](const json::value& entry) { return accepted(entry.as_object()); });
    }
    const bool observations_are_one = chosen == nullptr;
    if (wanted->is_object() && wanted->get_object().contains("by_dialect")) {
        const json::object& dialects = wanted->get_object().at("by_dialect").as_object();
        return std::all_of(dialects.begin(), dialects.end(), [&](const auto& dialect) {
            return agrees(outcome_of(row, reading_of(dialect.key())), dialect.value(),
                          observations_are_one);
        });
    }
    return agrees(outcome_of(row, reading_of("dogstatsd")), *wanted, observations_are_one) &&
           agrees(outcome_of(row, reading_of("statsd")), *wanted, observations_are_one);
}

void check_file(const std::string& file, std::size_t row_count) {
    std::size_t agreeing = 0;
    std::size_t otherwise = 0;
    for (const json::object& row : rows_of(file)) {
        const std::string_view id = row.at("id").as_string();
        const auto* const entry = std::find_if(std::begin(disputed), std::end(disputed),
                                               [&](const Disputed& d) { return d.id == id; });
        const bool is_disputed = entry != std::end(disputed);
        const bool agreed = row_agrees(row);
        (agreed ? agreeing : otherwise) += 1;
        if (agreed && is_disputed) FAIL_CHECK(id, " agrees by now; take it off the list");
        if (!agreed && !is_disputed) {
            FAIL_CHECK(id, " is read otherwise:\n  row  ", json::serialize(row), "\n  read ",
                       json::serialize(outcome_of(row, reading_of("dogstatsd"))));
        }
    }
    CHECK(agreeing + otherwise == row_count);
    MESSAGE(file, ": ", agreeing, " of ", row_count, " rows agree, ", otherwise, " are disputed");
}

TEST_CASE("what servers read") {
    check_file("parse.jsonl", 364);
}

TEST_CASE("what clients send") {
    check_file("emit.jsonl", 137);
}

}  // namespace
