// LineIntake: each line counted once under one outcome, refusals kept with their sender.
#include "agent/aggregate/line_intake.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "agent/limits.h"

namespace pitot::agent {
namespace {

using protocol::Reject;

TEST_CASE("what becomes of a datagram") {
    struct Row {
        int line;
        const char* text;
        std::uint64_t lines;
        std::uint64_t accepted;
        std::uint64_t samples;
    };
    const Row rows[] = {
        {__LINE__, "", 0, 0, 0},
        {__LINE__, "\n\r\n\n", 0, 0, 0},
        {__LINE__, "a:1|c", 1, 1, 1},
        {__LINE__, "a:1|c\na:2:3|ms\n", 2, 2, 3},
        {__LINE__, "a:1|c\nbad\na:2|c", 3, 2, 2},
        {__LINE__, "_e{1,1}:a|b\n_sc|up|0\n_e{9,9}:a|b\n_sc|up|9", 4, 2, 2},
        {__LINE__, "a:1|c|T0\na:1:2|c|T5", 2, 1, 2},
        {__LINE__, "a:x|s\na:x|s", 2, 2, 2},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        LineIntake intake({}, std::vector<protocol::Reading>{{}});
        intake.take(0, row.text, Peer("here"), 1);
        intake.settle();
        const IntakeCounts& counts = intake.table().open_page().counts;
        CHECK(counts.lines == row.lines);
        CHECK(counts.accepted == row.accepted);
        CHECK(std::accumulate(counts.rejected.begin(), counts.rejected.end(), std::uint64_t{0}) ==
              row.lines - row.accepted);
        CHECK(counts.samples == row.samples);
        CHECK(counts.aggregated == row.samples);
        CHECK(counts.bytes == std::string_view(row.text).size());
    }
}

TEST_CASE("one refused line of each reason is kept, its beginning and its sender") {
    LineIntake intake({}, std::vector<protocol::Reading>{{}});
    const std::string lines = "a:x|c\na:1|q\n" + std::string(5'000, 'n') + ":1|c";
    intake.take(0, lines, Peer("first"), 1);
    intake.take(0, "a:y|c", Peer("second"), 1);
    intake.refuse(Reject::truncated, "half", Peer("third"));
    intake.settle();
    const std::vector<RejectedSample>& kept = intake.table().open_page().rejected_samples;
    REQUIRE(kept.size() == 4);
    CHECK(kept[0].reason == Reject::bad_number);
    CHECK(kept[0].line == "a:x|c");
    CHECK(kept[0].sender == "first");
    CHECK(kept[1].reason == Reject::unknown_type);
    CHECK(kept[2].reason == Reject::too_long);
    CHECK(kept[2].line.size() == limits::rejected_sample_bytes_max);
    CHECK(kept[3].reason == Reject::truncated);
    CHECK(kept[3].sender == "third");
    CHECK(intake.table().open_page().counts.rejected[std::to_underlying(Reject::bad_number)] == 2);
}

TEST_CASE("each listener reads by its own grammar") {
    const std::vector<protocol::Reading> readings{
        {}, {.tags = protocol::TagDialect::influx}, {.dialect = protocol::Dialect::statsd}, {}};
    LineIntake intake({}, readings);
    for (const std::uint16_t listener : std::array<std::uint16_t, 4>{0, 1, 2, 3}) {
        intake.take(listener, "a,b=1:1|c", Peer("here"), 1);
        intake.take(listener, "a:1|c:2|ms", Peer("here"), 1);
    }
    intake.settle();
    // "a,b=1" plain, "a" with a tag, and what only StatsD's packing makes of the other line.
    CHECK(intake.table().series() == 4);
    CHECK(intake.table().open_page().counts.lines == 8);
    CHECK(intake.table().open_page().counts.accepted == 5);
    CHECK(intake.table().open_page().counts.samples == 6);
}

}  // namespace
}  // namespace pitot::agent
