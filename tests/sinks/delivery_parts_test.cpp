// The parts of delivery that have no time of their own: the queue and its bounds, back-off and
// Retry-After, the search for a culprit, cutting batches along their items, and the newest times.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "sinks/batch.h"
#include "sinks/delivery/backoff.h"
#include "sinks/delivery/culprit_search.h"
#include "sinks/delivery/queue.h"
#include "sinks/recent_times.h"

using namespace pitot::sinks;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""ns;
using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""us;

namespace {

Batch batch_of(const std::vector<std::string>& items) {
    Batch batch;
    for (const std::string& item : items) {
        batch.body += item;
        batch.items.push_back({.end = static_cast<std::uint32_t>(batch.body.size()), .points = 1});
        ++batch.points;
    }
    return batch;
}

}  // namespace

TEST_CASE("a batch is cut along its items and nowhere else") {
    const Batch batch = batch_of({"one\n", "", "three\n", "four\n"});
    CHECK(item_bytes(batch, 0) == "one\n");
    CHECK(item_bytes(batch, 1).empty());
    CHECK(item_bytes(batch, 3) == "four\n");

    const Batch middle = slice(batch, 1, 3);
    CHECK(middle.body == "three\n");
    CHECK(middle.points == 2);
    CHECK(item_bytes(middle, 1) == "three\n");

    const std::vector<std::uint32_t> ends{0, 3};
    const Batch outer = subset(batch, ends);
    CHECK(outer.body == "one\nfour\n");
    CHECK(outer.points == 2);
    CHECK(subset(batch, {}).body.empty());
}

TEST_CASE("a queue keeps to both bounds by letting the oldest go, and counts its points") {
    MemoryQueue queue(QueuePolicy::keep_order, {.batches_max = 3, .bytes_max = 10});
    CHECK(queue.push(batch_of({"aa", "a"})).evicted == 0);
    CHECK(queue.push(batch_of({"bbb"})).evicted == 0);
    CHECK(queue.push(batch_of({"ccc"})).evicted == 0);
    CHECK(queue.push(batch_of({"d"})).evicted == 2);     // four batches: the first goes
    CHECK(queue.push(batch_of({"eeee"})).evicted == 1);  // 11 bytes: the next goes
    CHECK(queue.bytes() == 8);
    CHECK(queue.batches() == 3);
    CHECK(queue.points() == 3);
    CHECK(queue.take()->body == "ccc");
    CHECK(queue.push(batch_of({"far too much"})).evicted == 3);  // itself as well
    CHECK(queue.empty());
    CHECK(queue.bytes() == 0);
    CHECK_FALSE(queue.take());
}

TEST_CASE("state is replaced by newer state, which is no loss") {
    MemoryQueue queue(QueuePolicy::latest_only, {.batches_max = 1, .bytes_max = 10});
    CHECK(queue.push(batch_of({"a", "b"})).superseded == 0);
    const Displaced displaced = queue.push(batch_of({"c"}));
    CHECK(displaced.superseded == 2);
    CHECK(displaced.evicted == 0);
    CHECK(queue.take()->body == "c");
}

TEST_CASE("a queue is as full as the bound that it is nearest to") {
    MemoryQueue queue(QueuePolicy::keep_order, {.batches_max = 4, .bytes_max = 10});
    CHECK(queue.used() == 0);
    queue.push(batch_of({"a"}));
    CHECK(queue.used() == 0.25);
    queue.push(batch_of({"bbbb"}));
    CHECK(queue.used() == 0.5);
    queue.push(batch_of({"ccccc"}));
    CHECK(queue.used() == 1);
    queue.take();
    CHECK(queue.used() == 0.9);

    MemoryQueue newest(QueuePolicy::latest_only, {.batches_max = 1, .bytes_max = 10});
    newest.push(batch_of({"aaaaaaaaa"}));
    CHECK(newest.used() == 0);
}

TEST_CASE("back-off doubles up to its cap, with full jitter") {
    const Backoff backoff;
    const double almost_one = std::nextafter(1.0, 0.0);
    CHECK(backoff_delay(backoff, 1, 0) == 0ns);
    for (std::uint32_t failures = 1; failures <= 6; ++failures) {
        const auto ceiling = 500ms * (1 << (failures - 1));
        CHECK(backoff_delay(backoff, failures, almost_one) <= ceiling);
        CHECK(backoff_delay(backoff, failures, almost_one) > ceiling - 1us);
        CHECK(backoff_delay(backoff, failures, 0.5) == ceiling / 2);
    }
    CHECK(backoff_delay(backoff, 7, 0.5) == 15s);
    CHECK(backoff_delay(backoff, 4'000'000'000U, 0.5) == 15s);
}

TEST_CASE("Retry-After is seconds or a date, and never more than a quarter of an hour") {
    constexpr std::int64_t now_ns = 784'111'777'000'000'000;  // Sun, 06 Nov 1994 08:49:37 GMT
    struct Row {
        const char* value;
        std::int64_t seconds;  // -1: not understood
    };
    const std::vector<Row> rows{
        {"0", 0},
        {"7", 7},
        {"900", 900},
        {"901", 900},
        {"99999999999999999999999", 900},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Mon, 07 Nov 1994 08:49:37 GMT", 900},
        {"Thu, 29 Feb 1996 00:00:00 GMT", 900},
        {"Wed, 31 Feb 1994 00:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 CET", -1},
        {"Sun 06 Nov 1994 08:49:37 GMT", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.5", -1},
        {"7 s", -1},
        {"", -1},
        {"soon", -1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.value);
        const auto delay = parse_retry_after(row.value, now_ns);
        REQUIRE(delay.has_value() == (row.seconds >= 0));
        if (delay) {
            CHECK(*delay == std::chrono::seconds(row.seconds));
        }
    }
}

TEST_CASE("a culprit is found among n items with log2 n questions, alone or in a pair") {
    for (const std::size_t items : {1U, 2U, 3U, 7U, 64U, 1000U}) {
        const auto questions_max =
            static_cast<int>(std::ceil(std::log2(static_cast<double>(items))));
        for (std::size_t first = 0; first < items; first += 1 + items / 7) {
            for (std::size_t second = first; second < items; second += 1 + items / 5) {
                // Refused when both are in: with first == second a single culprit.
                CulpritSearch search(items);
                int questions = 0;
                while (!search.found()) {
                    search.answer(search.prefix() <= second);
                    ++questions;
                }
                CAPTURE(items);
                CHECK(search.culprit() == second);
                CHECK(questions <= questions_max);
            }
        }
    }
}

TEST_CASE("times are told to each reader once, newest first, and no more than are kept") {
    RecentTimes times;
    std::array<std::int64_t, RecentTimes::kept> room{};
    const auto since = [&](std::uint64_t seen) {
        const auto told = times.since(seen, room);
        return std::vector<std::int64_t>(told.begin(), told.end());
    };
    CHECK(since(0).empty());
    for (int i = 1; i <= 3; ++i) times.add(i);
    CHECK(times.count() == 3);
    CHECK(since(0) == std::vector<std::int64_t>{3, 2, 1});
    CHECK(since(2) == std::vector<std::int64_t>{3});
    CHECK(since(3).empty());
    CHECK(since(99).empty());
    for (int i = 4; i <= 100; ++i) times.add(i);
    CHECK(times.count() == 100);
    CHECK(since(0).size() == RecentTimes::kept);
    CHECK(since(0).front() == 100);
    CHECK(since(0).back() == 100 - static_cast<std::int64_t>(RecentTimes::kept) + 1);
    CHECK(since(98) == std::vector<std::int64_t>{100, 99});
}
