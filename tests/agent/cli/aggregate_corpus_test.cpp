// Every row of the aggregating corpus (tests/data/corpus/aggregate.jsonl), through the data
// path of `pitot once`: settings as --set takes them, parser, table, merger.
//
// How a row is compared, and what each server's words are in ours, is written in
// aggregate_comparison.h. Settings of a row that only choose what is printed are left out;
// sketches have their finest schema (0.14 %), which tells the ranks of the rows apart.
//
// What is not compared is listed with the reason: words that we have no number for, and rows
// and numbers that are otherwise on purpose. The latter must go on being otherwise: what
// starts to agree has to leave its list.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <expected>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/rehearsal.h"
#include "protocol/snapshot.h"
#include "tests/agent/cli/aggregate_comparison.h"
#include "tests/support/config_rig.h"

namespace {

namespace json = boost::json;
using namespace pitot;
using protocol::Snapshot;
using tests::Comparison;

// Rows that are not compared.
struct Listed {
    std::string_view id;
    std::string_view reason;
};

constexpr auto threshold_sums =
    "sums of the values within a threshold, which are not kept: percentiles are";
constexpr auto exclusive_bounds =
    "buckets whose upper bound is not in them; here bounds are inclusive, as in Prometheus";
constexpr auto tag_filter = "drops tags by a rule; there is no such option";
constexpr auto forgets_at_flush =
    "forgets a type at each flush by option; series live until they expire";
constexpr auto arrival_times =
    "cuts intervals by times of arrival; here the flush does, which has tests of its own";

constexpr Listed listed_rows[] = {
    {"agg-etsy-012", threshold_sums},
    {"agg-etsy-018", exclusive_bounds},
    {"agg-si-009", exclusive_bounds},
    {"agg-gs-015", tag_filter},
    {"agg-gs-016", tag_filter},
    {"agg-gs-018", tag_filter},
    {"agg-tg-008", forgets_at_flush},
    {"agg-tg-009", forgets_at_flush},
    {"agg-tg-011", forgets_at_flush},
    {"agg-dd-011", arrival_times},
    {"agg-dd-012", arrival_times},
    {"agg-dd-013", arrival_times},
    {"agg-dd-008", "skips percentiles that are no numbers; a wrong configuration is refused whole"},
    {"agg-dd-015", "adds tags to all samples by option; there is no such option"},
    {"agg-tg-012", "makes fields out of parts of names by a template; names are kept"},
    {"agg-etsy-024",
     "takes the mean of two values for the median; a percentile here is a value that was seen"},
};

// Numbers of rows that are compared otherwise. The field is its path within a flush.
struct ListedNumber {
    std::string_view id;
    std::string_view field;
    std::string_view reason;
};

constexpr auto one_rank_off =
    "the value one rank higher, as its approximation has it; here it is nearest rank";

constexpr ListedNumber listed_numbers[] = {
    {"agg-dd-005", "series/my.hist.count", "cuts the weight to a whole number, in count alone"},
    {"agg-si-007", "timers/noobs/stdev", "divides by n - 1; here the spread is the population's"},
    {"agg-si-007", "timers/noobs/p90", one_rank_off},
    {"agg-si-007", "timers/noobs/p95", one_rank_off},
    {"agg-si-007", "timers/noobs/p99", one_rank_off},
    {"agg-vn-005", "series/a.b.c.90percentile", "interpolates between two values"},
};

protocol::Reading reading_of(std::string_view peer) {
    // These scale the count of a timer by its rate and nothing else.
    const std::array<std::string_view, 4> counts{"statsd", "gostatsd", "statsite", "brubeck"};
    const auto rate = std::ranges::find(counts, peer) != counts.end() ? protocol::TimerRate::count
                                                                      : protocol::TimerRate::weight;
    // The others move a gauge by a negative value.
    const std::array<std::string_view, 3> absolute{"datadog-agent", "gostatsd", "veneur"};
    if (std::ranges::find(absolute, peer) != absolute.end()) return {.timer_rate = rate};
    return {.dialect = protocol::Dialect::statsd,
            .tags = peer == "telegraf" ? protocol::TagDialect::influx : protocol::TagDialect::none,
            .gauge_sign = protocol::GaugeSign::delta,
            .timer_rate = rate};
}

// The settings of a row that are ours too, as --set takes them.
std::vector<std::string> settings_of(const json::object& config) {
    std::vector<std::string> sets{"histogram.schema=8"};
    if (const json::value* ms = config.if_contains("flush_interval_ms"))
        sets.push_back("interval=\"" + json::serialize(*ms) + "ms\"");
    if (const json::value* s = config.if_contains("flush_interval_s"))
        sets.push_back("interval=\"" + json::serialize(*s) + "s\"");
    const json::value* expiry = config.if_contains("expiry_s");
    for (const std::string type : {"counter", "gauge", "timer", "set"}) {
        if (expiry == nullptr) break;
        const json::value& time = expiry->is_object() ? expiry->at(type) : *expiry;
        sets.push_back("expiry." + type + "s=\"" + json::serialize(time) + "s\"");
    }
    return sets;
}

// Sends a row's datagrams, flush by flush.
class Player {
public:
    explicit Player(const json::object& row)
        : row_(row),
          loaded_(load(
              tests::config_arguments(std::nullopt, settings_of(row.at("config").as_object())))) {
        REQUIRE(loaded_);
        for (const agent::SinkSection& section : loaded_->sink_sections)
            tests::read_section(section);
        REQUIRE(loaded_->finish().empty());
    }

    void play(Comparison& comparison) {
        agent::Rehearsal rehearsal = make_rehearsal();
        const json::value* chosen = row_.if_contains("choose");
        const json::array& flushes = row_.at("flushes").as_array();
        for (std::size_t i = 0; i < flushes.size(); ++i) {
            const json::object& flush = flushes[i].as_object();
            for (const json::value& datagram : flush.at("datagrams").as_array())
                take(rehearsal, datagram, comparison);
            const json::object& wanted =
                (chosen != nullptr ? chosen->at(i) : flush.at("expect")).as_object();
            const Snapshot& snapshot = rehearsal.end_interval();
            if (const json::value* same = wanted.if_contains("equivalent_to")) {
                agent::Rehearsal other = make_rehearsal();
                for (const json::value& line : same->as_array()) other.take(text_of(line));
                comparison.equivalent(snapshot, other.end_interval());
            } else {
                comparison.flush(snapshot, wanted);
            }
        }
    }

private:
    static std::string_view text_of(const json::value& text) { return text.as_string(); }

    agent::Rehearsal make_rehearsal() const {
        return {loaded_->config, reading_of(text_of(row_.at("peer"))),
                [](const protocol::Series&) { return false; }, 0};
    }

    // A datagram, or one with its time of arrival, of which only the order matters here, or
    // time that passes.
    void take(agent::Rehearsal& rehearsal, const json::value& said, Comparison& comparison) {
        if (said.is_string()) return rehearsal.take(text_of(said));
        const json::object& object = said.as_object();
        if (const json::value* datagram = object.if_contains("d"))
            return rehearsal.take(text_of(*datagram));
        const json::value* until = object.if_contains("advance_to");
        if (until == nullptr) return comparison.differs("cannot flush at a time of its own");
        const double interval_s = std::chrono::duration<double>(loaded_->config.interval).count();
        for (; time_s_ < until->to_number<double>(); time_s_ += interval_s)
            rehearsal.end_interval();
    }

    const json::object& row_;
    std::expected<agent::LoadedConfig, std::vector<agent::Problem>> loaded_;
    double time_s_ = 0;
};

std::vector<json::object> rows() {
    std::ifstream in(PITOT_SOURCE_DIR "/tests/data/corpus/aggregate.jsonl");
    REQUIRE(in);
    std::vector<json::object> rows;
    for (std::string line; std::getline(in, line);) rows.push_back(json::parse(line).as_object());
    return rows;
}

std::string_view reason_of(std::string_view id) {
    const auto* const listed = std::find_if(std::begin(listed_rows), std::end(listed_rows),
                                            [&](const Listed& l) { return l.id == id; });
    return listed == std::end(listed_rows) ? std::string_view() : listed->reason;
}

}  // namespace

TEST_CASE("what servers make of what they are sent") {
    std::set<std::string, std::less<>> ids;
    std::map<std::string_view, std::size_t> listed;
    std::size_t agreeing = 0;
    std::size_t compared = 0;
    std::size_t without_counterpart = 0;
    std::size_t otherwise = 0;
    for (const json::object& row : rows()) {
        const std::string id(row.at("id").as_string());
        CHECK_MESSAGE(ids.insert(id).second, id, " is there twice");
        std::vector<std::string> otherwise_here;
        for (const ListedNumber& entry : listed_numbers) {
            if (entry.id == id) otherwise_here.emplace_back(entry.field);
        }
        Comparison comparison(row, otherwise_here);
        Player(row).play(comparison);
        if (const std::string_view reason = reason_of(id); !reason.empty()) {
            ++listed[reason];
            CHECK_MESSAGE(!comparison.agreed(), id, " agrees by now; take it off the list");
            continue;
        }
        CHECK_MESSAGE(comparison.agreed(), id, " comes out otherwise:", comparison.differences());
        ++agreeing;
        compared += comparison.compared();
        without_counterpart += comparison.without_counterpart();
        otherwise += comparison.otherwise();
    }
    for (const Listed& entry : listed_rows)
        CHECK_MESSAGE(ids.contains(entry.id), entry.id, " is listed and not there");
    CHECK(agreeing == 70);
    CHECK(agreeing + std::size(listed_rows) == 86);
    CHECK(otherwise == std::size(listed_numbers));
    MESSAGE("aggregate.jsonl: ", agreeing, " rows compared (", compared, " numbers; ",
            without_counterpart, " more have no counterpart, ", otherwise,
            " are otherwise on purpose), ", std::size(listed_rows), " listed");
    for (const auto& [reason, count] : listed) MESSAGE(count, " listed: ", reason);
    for (const ListedNumber& entry : listed_numbers)
        MESSAGE("otherwise: ", entry.id, " ", entry.field, ": ", entry.reason);
}
