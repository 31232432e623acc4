// The limit on repeated messages: told at once, then once per interval with a count; the
// counts of all lines add up to what came; what is alike; and memory that does not grow.
#include "agent/log/repeat_limit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/log/layout.h"

namespace pitot::agent {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// Lines as "text", or "text xCOUNT/WITHIN-AGO", in seconds.
struct Bench {
    RepeatLimit limit;
    std::int64_t now_ns = 7;
    std::vector<RepeatLimit::Told> told;

    std::vector<std::string> lines() {
        std::vector<std::string> all;
        for (const RepeatLimit::Told& each : std::exchange(told, {})) {
            const Repeats& of = each.repeats;
            all.push_back(each.text + (of.count == 0
                                           ? ""
                                           : " x" + std::to_string(of.count) + "/" +
                                                 std::to_string(of.within_ns / second_ns) + "-" +
                                                 std::to_string(of.last_ago_ns / second_ns)));
        }
        return all;
    }
    std::vector<std::string> offer(std::string_view text, LogLevel level = LogLevel::warn) {
        limit.offer(level, text, now_ns, told);
        return lines();
    }
    std::vector<std::string> later(std::int64_t seconds) {
        now_ns += seconds * second_ns;
        limit.tell_due(now_ns, told);
        return lines();
    }
    std::vector<std::string> end() {
        limit.tell_all(now_ns, told);
        return lines();
    }
};

using Lines = std::vector<std::string>;

TEST_CASE("told at once, then once per interval with a count") {
    Bench bench;
    CHECK(bench.offer("down") == Lines{"down"});
    for (int i = 0; i < 29; ++i) {
        CHECK(bench.later(1) == Lines{});
        CHECK(bench.offer("down") == Lines{});
    }
    CHECK(bench.later(1) == Lines{"down x29/30-1"});
    // Still coming: an interval after the line before, not at once.
    CHECK(bench.offer("down") == Lines{});
    CHECK(bench.later(29) == Lines{});
    CHECK(bench.later(1) == Lines{"down x1/30-30"});
    // Nothing came for an interval: as if for the first time.
    CHECK(bench.later(30) == Lines{});
    CHECK(bench.offer("down") == Lines{"down"});
    CHECK(bench.end() == Lines{});
}

TEST_CASE("one that comes when the interval is over is told with those held back") {
    Bench bench;
    CHECK(bench.offer("down 1") == Lines{"down 1"});
    CHECK(bench.offer("down 2") == Lines{});
    bench.now_ns += 40 * second_ns;
    CHECK(bench.offer("down 3") == Lines{"down 3 x2/40-0"});
    CHECK(bench.end() == Lines{});
}

TEST_CASE("what is held back is told at the end") {
    Bench bench;
    bench.offer("a");
    bench.offer("b");
    bench.offer("b");
    bench.later(2);
    bench.offer("a");
    bench.later(1);
    CHECK(bench.end() == Lines{"b x1/3-3", "a x1/3-1"});
    CHECK(bench.end() == Lines{});
}

TEST_CASE("the newest of those alike is what is told") {
    Bench bench;
    bench.offer("flush: interval 17 was 30 ms late");
    bench.offer("flush: interval 18 was 41 ms late");
    bench.offer("flush: interval 19 was 55 ms late");
    CHECK(bench.later(30) == Lines{"flush: interval 19 was 55 ms late x2/30-30"});
}

TEST_CASE("two that take turns do not pass each other") {
    Bench bench;
    CHECK(bench.offer("down") == Lines{"down"});
    CHECK(bench.offer("up", LogLevel::info) == Lines{"up"});
    for (int i = 0; i < 100; ++i) {
        CHECK(bench.offer("down") == Lines{});
        CHECK(bench.offer("up", LogLevel::info) == Lines{});
    }
    CHECK(bench.later(30) == Lines{"down x100/30-30", "up x100/30-30"});
}

TEST_CASE("what is alike, and what is not") {
    struct Row {
        std::string_view first;
        std::string_view second;
        bool is_alike;
    };
    for (const auto& [first, second, is_alike] : std::vector<Row>{
             {"down", "down", true},
             {"lost 1 point", "lost 22 points", false},
             {"lost 1 point(s)", "lost 22 point(s)", true},
             {"took 1.5 ms", "took 20.25 ms", true},
             {"(1 of 2)", "(30 of 40)", true},
             {"1, 2; 3: x", "4, 5; 6: x", true},
             {"sinks.a1: down", "sinks.a2: down", false},
             {"sinks.1: down", "sinks.2: down", false},
             {"refuses \"c.1\"", "refuses \"c.2\"", false},
             {"from 10.0.0.1: x", "from 10.0.0.2: x", false},
             {"listens on :81", "listens on :82", true},
             {"web1 is down", "web2 is down", false},
             {"", " ", false},
             {"a  1", "a 1", false},
             {"x\n1", "x\n2", false},
         }) {
        CAPTURE(first);
        CAPTURE(second);
        Bench bench;
        bench.offer(first);
        CHECK(bench.offer(second).empty() == is_alike);
    }
    Bench bench;
    bench.offer("down", LogLevel::warn);
    CHECK(bench.offer("down", LogLevel::error) == Lines{"down"});
}

TEST_CASE("above its memory it forgets, and tells what it had held back") {
    Bench bench;
    bench.offer("the first");
    bench.offer("the first");
    const auto text = [](std::size_t i) { return "message " + std::string(1 + i, 'x'); };
    for (std::size_t i = 1; i < messages_remembered_max; ++i) {
        CHECK(bench.offer(text(i)) == Lines{text(i)});
    }
    CHECK(bench.offer("one more") == Lines{"the first x1/0-0", "one more"});
    CHECK(bench.offer("the first") == Lines{"the first"});
    CHECK(bench.end() == Lines{});
}

TEST_CASE("a huge message is remembered as far as a line shows it") {
    Bench bench;
    const std::string huge(1'000'000, 'x');
    bench.limit.offer(LogLevel::info, huge, bench.now_ns, bench.told);
    REQUIRE(bench.told.size() == 1);
    CHECK(bench.told[0].text.size() <= (message_characters_max + 1) * 4);
    CHECK(bench.told[0].text.size() > message_characters_max);
}

TEST_CASE("whatever comes when, the lines add up to it, an interval apart") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Bench bench;
        const std::size_t kinds = 1 + seed * 3;  // beyond what is remembered, too
        std::vector<std::uint64_t> offered(kinds);
        std::vector<std::uint64_t> counted(kinds);
        std::vector<std::int64_t> told_ns(kinds, -repeat_interval.count());
        const auto count = [&](bool is_early_allowed) {
            for (const RepeatLimit::Told& each : std::exchange(bench.told, {})) {
                const std::size_t kind = each.text.size() - 1;
                counted[kind] += std::max<std::uint64_t>(1, each.repeats.count);
                const bool is_early = bench.now_ns - told_ns[kind] < repeat_interval.count();
                CHECK((is_early_allowed || !is_early));
                told_ns[kind] = bench.now_ns;
            }
        };
        for (int step = 0; step < 2000; ++step) {
            const std::size_t kind = random() % kinds;
            ++offered[kind];
            bench.limit.offer(LogLevel::info, std::string(kind + 1, 'a'), bench.now_ns, bench.told);
            count(kinds > messages_remembered_max);
            if (random() % 4 == 0) bench.now_ns += static_cast<std::int64_t>(random()) * 2;
            if (random() % 8 == 0) bench.limit.tell_due(bench.now_ns, bench.told);
            count(kinds > messages_remembered_max);
        }
        bench.limit.tell_all(bench.now_ns, bench.told);
        count(true);
        CHECK(counted == offered);
    }
}

}  // namespace
}  // namespace pitot::agent
