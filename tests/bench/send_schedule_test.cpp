// Covers the open-loop sender's schedule: what is due when, that a late sender makes up for it
// within the bound that send_schedule.h names, and what it says of its lateness.
#include "tests/bench/send_schedule.h"

#include <doctest/doctest.h>

using pitot::bench::SendSchedule;

namespace {

constexpr std::int64_t ms = 1'000'000;

// Sends all that is due each `step_ns` in (from, to]. Returns how many that were.
std::uint64_t run(SendSchedule& schedule, std::int64_t from_ns, std::int64_t to_ns,
                  std::int64_t step_ns) {
    std::uint64_t sent = 0;
    for (std::int64_t now_ns = from_ns + step_ns; now_ns <= to_ns; now_ns += step_ns) {
        const std::uint64_t due = schedule.due(now_ns);
        schedule.sent(due);
        sent += due;
    }
    return sent;
}

}  // namespace

TEST_CASE("the first datagram is due at once, the next one a period later") {
    SendSchedule schedule(1'000, 64);
    CHECK(schedule.due(0) == 1);
    schedule.sent(1);
    CHECK(schedule.due(0) == 0);
    CHECK(schedule.due(999'999) == 0);
    CHECK(schedule.next_ns() > 999'999);
    CHECK(schedule.next_ns() <= 1'000'002);
    CHECK(schedule.due(1'000'002) == 1);
}

TEST_CASE("an attentive sender keeps the rate, in small pieces") {
    SendSchedule schedule(20'000, 64);
    CHECK(run(schedule, 0, 1'000 * ms, 10'000) == 20'001);
}

TEST_CASE("waiting for next_ns() finds something due each time") {
    for (const double rate : {3.0, 777.0, 20'000.0, 450'000.0}) {
        SendSchedule schedule(rate, 32);
        std::int64_t now_ns = 0;
        for (int i = 0; i < 1'000; ++i) {
            const std::uint64_t due = schedule.due(now_ns);
            CHECK(due >= 1);
            schedule.sent(due);
            now_ns = std::max(now_ns, schedule.next_ns());
        }
    }
}

TEST_CASE("a sender that was away catches up, but never with more than the bound") {
    constexpr double rate = 100'000;
    constexpr std::uint64_t burst = 50;
    SendSchedule schedule(rate, burst);
    CHECK(run(schedule, 0, 10 * ms, 10'000) == 1'001);
    CHECK(schedule.late_ns(30 * ms) == doctest::Approx(20 * ms).epsilon(0.01));
    // Twenty milliseconds away: 2,000 datagrams behind, a burst at once.
    const std::uint64_t at_once = schedule.due(30 * ms);
    CHECK(at_once == burst);
    schedule.sent(at_once);
    // Within any stretch: the burst, and twice the rate.
    CHECK(run(schedule, 30 * ms, 31 * ms, 1'000) <= 200);
    run(schedule, 31 * ms, 60 * ms, 1'000);
    CHECK(schedule.late_ns(60 * ms) <= ms);
    CHECK(schedule.due(60 * ms) == 0);
}

TEST_CASE("without a rate a burst is due at any time, and nothing is late") {
    SendSchedule schedule(0, 64);
    CHECK(schedule.due(0) == 64);
    schedule.sent(64);
    CHECK(schedule.due(0) == 64);
    CHECK(schedule.next_ns() == 0);
    CHECK(schedule.late_ns(1'000 * ms) == 0);
}
