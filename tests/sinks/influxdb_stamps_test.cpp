// Timestamps of the InfluxDB sink: rounded up, ascending, and never shared.
#include "sinks/influxdb/stamps.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <vector>

using namespace pitot::sinks::influxdb;

TEST_CASE("timestamps are the interval's end, rounded up, and ascend") {
    struct Row {
        Precision precision;
        std::int64_t end_ns;
        std::int64_t stamp;
    };
    constexpr std::int64_t second = 1'000'000'000;
    // For each precision a sequence of ends.
    const std::vector<Row> rows{
        {Precision::nanoseconds, 10 * second, 10 * second},
        {Precision::nanoseconds, 20 * second + 1, 20 * second + 1'000},
        {Precision::nanoseconds, 20 * second + 999, 20 * second + 2'000},
        {Precision::milliseconds, 10 * second, 10'000},
        {Precision::milliseconds, 10 * second + 100'000'001, 10'110},
        {Precision::milliseconds, 10 * second + 102'000'000, 10'120},
        {Precision::seconds, 10 * second, 10},
        {Precision::seconds, 13 * second + 400'000'000, 14},
        {Precision::seconds, 13 * second + 900'000'000, 15},
        {Precision::seconds, 20 * second, 20},
    };
    Stamps stamps(Precision::nanoseconds);
    Precision present = Precision::nanoseconds;
    for (const Row& row : rows) {
        CAPTURE(row.end_ns);
        if (row.precision != present) stamps = Stamps(row.precision);
        present = row.precision;
        stamps.begin(row.end_ns);
        CHECK(stamps.interval() == row.stamp);
        CHECK_FALSE(stamps.runs_ahead());
    }
}

TEST_CASE("own times never meet the ends of intervals, nor those of other intervals") {
    for (const Precision precision : {Precision::nanoseconds, Precision::milliseconds}) {
        for (const std::int64_t interval_ms : {100, 1'000, 10'000, 60'000}) {
            Stamps stamps(precision);
            std::set<std::int64_t> own;
            std::set<std::int64_t> ends;
            for (std::int64_t i = 1; i <= 880; ++i) {
                stamps.begin(1'785'542'400'000'000'000 + i * interval_ms * 1'000'000);
                own.insert(stamps.own(1'785'542'500));
                ends.insert(stamps.interval());
            }
            CHECK(own.size() == 880);
            const std::int64_t per_second =
                precision == Precision::nanoseconds ? 1'000'000'000 : 1'000;
            for (const std::int64_t stamp : own) {
                CHECK(stamp / per_second == 1'785'542'500);
                CHECK_FALSE(ends.contains(stamp));
                CHECK(stamp % (precision == Precision::nanoseconds ? 1'000 : 10) != 0);
            }
        }
    }
}

TEST_CASE("of events each has a timestamp of its own, over intervals too") {
    Stamps stamps(Precision::seconds);
    std::set<std::int64_t> seen;
    for (std::int64_t interval = 1; interval <= 3; ++interval) {
        stamps.begin(interval * 10'000'000'000);
        CHECK(stamps.next_event() == (interval == 1 ? 10 : 25 + 15 * (interval - 2)));
        for (int i = 1; i < 15; ++i) CHECK(seen.insert(stamps.next_event()).second);
    }
}
