// When intervals end and what they are called: alignment, offset, lateness, and wall clocks
// that step either way. Times are in seconds where the rows are, in ns where the code is.
#include "agent/flush/schedule.h"

#include <doctest/doctest.h>

namespace pitot::agent {
namespace {

constexpr std::int64_t second = 1'000'000'000;

TEST_CASE("the first interval ends at the next boundary") {
    FlushSchedule schedule(10 * second, 0, 1003 * second, 50 * second);
    CHECK(schedule.due_steady_ns() == 57 * second);
    const FlushSchedule::Closed closed = schedule.close(1010 * second, 57 * second);
    CHECK(closed.interval.sequence == 1);
    CHECK(closed.interval.start_unix_ns == 1003 * second);
    CHECK(closed.interval.end_unix_ns == 1010 * second);
    CHECK(closed.interval.elapsed_s == 7);
    CHECK(closed.late_ns == 0);
    CHECK(schedule.due_steady_ns() == 67 * second);
}

TEST_CASE("an offset moves the boundaries") {
    FlushSchedule schedule(10 * second, 3 * second, 1001 * second, 0);
    CHECK(schedule.due_steady_ns() == 2 * second);
    CHECK(schedule.close(1003 * second, 2 * second).interval.end_unix_ns == 1003 * second);
    CHECK(schedule.due_steady_ns() == 12 * second);
}

TEST_CASE("a late flush keeps its boundary, says how late it was, and the next is on time") {
    FlushSchedule schedule(10 * second, 0, 1000 * second, 0);
    const FlushSchedule::Closed closed = schedule.close(1012 * second, 12 * second);
    CHECK(closed.interval.end_unix_ns == 1010 * second);
    CHECK(closed.interval.elapsed_s == 12);  // rates divide by what really passed
    CHECK(closed.late_ns == 2 * second);
    CHECK(schedule.due_steady_ns() == 20 * second);
}

TEST_CASE("a flush that sleeps through whole intervals ends at the last boundary") {
    FlushSchedule schedule(10 * second, 0, 1000 * second, 0);
    const FlushSchedule::Closed closed = schedule.close(1047 * second, 47 * second);
    CHECK(closed.interval.end_unix_ns == 1040 * second);
    CHECK(closed.interval.elapsed_s == 47);
    CHECK(schedule.due_steady_ns() == 50 * second);
}

TEST_CASE("the last interval of the process ends when it ends") {
    FlushSchedule schedule(10 * second, 0, 1000 * second, 0);
    const FlushSchedule::Closed closed = schedule.close(1004 * second, 4 * second);
    CHECK(closed.interval.end_unix_ns == 1004 * second);
    CHECK(closed.interval.elapsed_s == 4);
}

TEST_CASE(
    "ends strictly increase when the wall clock steps back, and never lead it by more than they "
    "did") {
    FlushSchedule schedule(10 * second, 0, 10'000 * second, 0);
    std::int64_t last = schedule.close(10'010 * second, 10 * second).interval.end_unix_ns;
    std::int64_t wall = 6'410 * second;  // an hour back
    std::int64_t steady = 10 * second;
    for (int i = 0; i < 400; ++i) {
        wall += schedule.due_steady_ns() - steady;
        steady = schedule.due_steady_ns();
        const FlushSchedule::Closed closed = schedule.close(wall, steady);
        CHECK(closed.interval.end_unix_ns > last);
        CHECK(closed.interval.start_unix_ns == last);
        last = closed.interval.end_unix_ns;
    }
    CHECK(last == wall);  // caught up, and aligned again
    CHECK(wall % (10 * second) == 0);
}

TEST_CASE("a small step of the wall clock mislabels nothing, and gives no short interval") {
    constexpr std::int64_t millisecond = second / 1000;
    for (const std::int64_t step : {-4 * second, -3 * millisecond, std::int64_t{-1},
                                    std::int64_t{0}, 3 * millisecond, 4 * second}) {
        CAPTURE(step);
        FlushSchedule schedule(10 * second, 0, 100 * second, 0);
        std::int64_t wall = 110 * second + step;
        std::int64_t steady = 10 * second;
        for (int i = 1; i <= 5; ++i) {
            CAPTURE(i);
            const FlushSchedule::Closed closed = schedule.close(wall, steady);
            CHECK(closed.interval.start_unix_ns == (90 + i * 10) * second);
            CHECK(closed.interval.end_unix_ns == (100 + i * 10) * second);
            CHECK(closed.interval.elapsed_s > 5);
            const std::int64_t left = schedule.due_steady_ns() - steady;
            wall += left;
            steady += left;
            CHECK(wall == (110 + i * 10) * second);  // aligned again at once
        }
    }
}

TEST_CASE("time that passes between the readings of the two clocks does no harm") {
    FlushSchedule schedule(10 * second, 0, 100 * second, 0);
    std::int64_t steady = 0;
    for (int i = 1; i <= 20; ++i) {
        steady = schedule.due_steady_ns();
        // The wall clock is read a while after the steady one, each second time.
        const std::int64_t lag = i % 2 == 0 ? second / 50 : 0;
        const std::int64_t wall = 100 * second + steady + lag;
        const FlushSchedule::Closed closed = schedule.close(wall, steady);
        CHECK(closed.interval.end_unix_ns == (100 + i * 10) * second);
        CHECK(closed.interval.elapsed_s == doctest::Approx(10).epsilon(0.01));
    }
}

TEST_CASE("a step forward is one longer label, not a longer elapsed time") {
    FlushSchedule schedule(10 * second, 0, 1000 * second, 0);
    const FlushSchedule::Closed closed = schedule.close(4610 * second, 10 * second);
    CHECK(closed.interval.end_unix_ns == 4610 * second);
    CHECK(closed.interval.elapsed_s == 10);
    CHECK(closed.clock_step_ns == 3600 * second);
}

TEST_CASE("times before 1970 are boundaries too") {
    FlushSchedule schedule(10 * second, 0, -7 * second, 0);
    CHECK(schedule.due_steady_ns() == 7 * second);
}

}  // namespace
}  // namespace pitot::agent
