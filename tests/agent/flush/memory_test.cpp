// What bounds memory: limits.table_bytes, which must not stay used up, and limits.value_bytes,
// above which totals are kept and nothing else is promised. Through the real parser, table
// and merger.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "agent/limits.h"
#include "tests/support/lines.h"
#include "tests/support/snapshot_invariants.h"

namespace pitot::tests {
namespace {

using agent::Limited;
using protocol::Kind;
using protocol::Snapshot;

constexpr std::uint64_t mebibyte = 1ULL << 20U;

std::uint64_t limited(const ShardRig& rig, Limited reason) {
    return rig.counts().limited[std::to_underlying(reason)];
}

// `count` values over many powers of ten, of both signs: the widest histograms there are.
std::string wide_values(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += (i % 2 == 0 ? ":" : ":-") + std::to_string(1 + i % 9) + "e" +
                std::to_string(i * 7 % 11 - 6);
    }
    return text;
}

struct Totals {
    double count = 0;
    double sum = 0;
};
Totals totals_of(const Snapshot& now) {
    Totals totals;
    for (const protocol::TimerPoint& point : now.timers) {
        totals.count += point.values.count();
        totals.sum += point.values.sum();
    }
    return totals;
}

TEST_CASE("a table that was full of long names has room again when they are forgotten") {
    agent::TableSettings table;
    table.bytes_max = mebibyte;
    agent::MergerSettings merger;
    merger.expiry_intervals.fill(1);
    ShardRig rig(1, table, merger);
    for (int i = 0; i < 600; ++i) {
        rig.say(0, std::string(1'800, 'x') + std::to_string(i) + ":1|c");
    }
    rig.flush();
    CHECK(limited(rig, Limited::overflow_series) > 0);  // it was full
    for (int i = 0; i < 60; ++i) rig.flush();
    CHECK(rig.shard(0).table().series() == 0);
    for (int i = 0; i < 5; ++i) rig.say(0, "small" + std::to_string(i) + ":1|c");
    CHECK(counter(rig.flush(), "small4") != nullptr);
    CHECK(limited(rig, Limited::overflow_series) == 0);
}

TEST_CASE("no number of spellings of one series keeps others out") {
    agent::TableSettings table;
    table.bytes_max = mebibyte;
    ShardRig rig(1, table);
    std::vector<std::string> tags;
    for (int i = 0; i < 9; ++i) tags.push_back(std::string(20, 't') + std::to_string(i));
    for (int i = 0; i < 40'000; ++i) {
        std::ranges::next_permutation(tags);
        std::string line = "known:1|c|#";
        for (const std::string& tag : tags) line += tag + ",";
        rig.say(0, line);
    }
    rig.say(0, "new.series:1|c\nnew2:1|c");
    const Snapshot& now = rig.flush();
    CHECK(now.counters.size() == 3);
    CHECK(counter(now, "new.series") != nullptr);
    CHECK(counter(now, "new2") != nullptr);
    CHECK(limited(rig, Limited::overflow_series) == 0);
}

TEST_CASE("spellings of many series take their share of the table, and no more") {
    agent::TableSettings table;
    table.bytes_max = mebibyte;
    ShardRig rig(1, table);
    // Each series once tidy, so that it is born, then in eight other spellings.
    const std::string tag(400, 'a');
    for (int i = 0; i < 800; ++i) {
        for (int spelling = 0; spelling < 9; ++spelling) {
            rig.say(0, "s" + std::to_string(i) + ":1|c|#" + tag +
                           std::string(static_cast<std::size_t>(spelling), ','));
        }
    }
    const Snapshot& now = rig.flush();
    // A series takes some 500 bytes: three quarters of the table hold well above 1,000.
    CHECK(now.counters.size() == 800);
    CHECK(limited(rig, Limited::overflow_series) == 0);
    CHECK(counter(now, "s799{" + tag + "}")->delta == 9);
}

TEST_CASE("timers beyond the memory for values count in the overflow series of their name") {
    agent::TableSettings table;
    table.value_bytes_max = 4 * mebibyte;
    ShardRig rig(1, table);
    const std::string values = wide_values(33);
    for (int interval = 0; interval < 3; ++interval) {
        CAPTURE(interval);
        for (int i = 0; i < 2'000; ++i) {
            rig.say(0, "load" + values + "|d|#id:" + std::to_string(i));
        }
        const Snapshot& now = rig.flush();
        CHECK(rig.bytes() < 4 * mebibyte);
        CHECK(limited(rig, Limited::overflow_values) > 0);
        CHECK(limited(rig, Limited::overflow_values) % 33 == 0);
        CHECK(rig.counts().aggregated == rig.counts().samples);
        CHECK(totals_of(now).count == 2'000 * 33);
        const protocol::TimerPoint* overflow = timer(now, "load{pitot_overflow:true}");
        REQUIRE(overflow != nullptr);
        CHECK(overflow->values.count() ==
              static_cast<double>(limited(rig, Limited::overflow_values)));
        CHECK(not_finite_in(now) == "");
    }
    // One quiet interval later all is as it was.
    rig.flush();
    for (int i = 0; i < 100; ++i) rig.say(0, "load:1:2|d|#id:" + std::to_string(i));
    const Snapshot& now = rig.flush();
    CHECK(limited(rig, Limited::overflow_values) == 0);
    CHECK(timer(now, "load{id:99}")->values.count() == 2);
    CHECK_FALSE(timer(now, "load{pitot_overflow:true}")->updated);
    CHECK(rig.bytes() < mebibyte);
}

TEST_CASE(
    "histograms that begin when memory is tight are coarser, and right within what they say") {
    agent::TableSettings table;
    table.value_bytes_max = 4 * mebibyte;
    ShardRig rig(1, table);
    for (int i = 0; i < 150; ++i) {
        rig.say(0, "load" + wide_values(33) + "|d|#id:" + std::to_string(i));
    }
    const Snapshot& now = rig.flush();
    CHECK(limited(rig, Limited::overflow_values) == 0);
    const protocol::DistributionView first = timer(now, "load{id:0}")->values;
    const protocol::DistributionView last = timer(now, "load{id:149}")->values;
    CHECK(first.relative_error() < last.relative_error());
    CHECK(last.count() == 33);
    CHECK(last.sum() == first.sum());
    CHECK(last.maximum() == first.maximum());
    for (const double q : {0.1, 0.5, 0.9}) {
        CHECK(last.quantile(q) == doctest::Approx(first.quantile(q))
                                      .epsilon(last.relative_error() + first.relative_error()));
    }
}

TEST_CASE("what clients left out folds with the values, and its memory is bounded") {
    agent::TableSettings table;
    table.value_bytes_max = mebibyte;
    ShardRig rig(1, table, {}, {{.timer_rate = protocol::TimerRate::count}});
    for (int interval = 0; interval < 3; ++interval) {
        CAPTURE(interval);
        for (int i = 0; i < 40'000; ++i) {
            rig.say(0, "load:3|d|@0.1|#id:" + std::to_string(i));
        }
        const Snapshot& now = rig.flush();
        CHECK(rig.bytes() < 5 * mebibyte / 4);
        CHECK(limited(rig, Limited::overflow_values) > 0);
        CHECK(totals_of(now).count == 400'000);
        CHECK(totals_of(now).sum == 120'000);
        const protocol::TimerPoint* overflow = timer(now, "load{pitot_overflow:true}");
        REQUIRE(overflow != nullptr);
        CHECK(overflow->values.count() ==
              static_cast<double>(10 * limited(rig, Limited::overflow_values)));
    }
    rig.flush();
    rig.say(0, "load:3|d|@0.1|#id:39999");
    CHECK(timer(rig.flush(), "load{id:39999}")->values.count() == 10);
    CHECK(limited(rig, Limited::overflow_values) == 0);
}

TEST_CASE("the merge keeps what was left out where it has no memory for the values") {
    agent::TableSettings table;
    table.value_bytes_max = 2 * mebibyte;
    ShardRig rig(2, table, {}, {{.timer_rate = protocol::TimerRate::count}});
    const std::string values = wide_values(32);
    for (int i = 0; i < 3'000; ++i) {
        const std::string line = "load" + values + "|d|@0.5|#id:" + std::to_string(i);
        rig.say(0, line);
        rig.say(1, line);
    }
    const Snapshot& now = rig.flush();
    CHECK(limited(rig, Limited::overflow_rows) > 0);
    CHECK(totals_of(now).count == 2 * 2 * 3'000 * 32);
}

TEST_CASE("exact values beyond the memory fold, too; those that there is room for stay") {
    agent::TableSettings table;
    table.value_bytes_max = mebibyte;
    ShardRig rig(1, table);
    for (int round = 0; round < 8; ++round) {
        for (int i = 0; i < 5'000; ++i) rig.say(0, "load:1|ms|@0.5|#id:" + std::to_string(i));
    }
    const Snapshot& now = rig.flush();
    CHECK(totals_of(now).count == 80'000);
    CHECK(timer(now, "load{id:0}")->values.count() >= 8);
    CHECK(limited(rig, Limited::overflow_values) > 0);
    CHECK(rig.bytes() < mebibyte);
}

TEST_CASE("sets beyond the memory count in the overflow set, and small ones are untouched") {
    agent::TableSettings table;
    table.value_bytes_max = 4 * mebibyte;
    ShardRig rig(1, table);
    rig.say(0, "users:first|s|#id:small");
    for (int i = 0; i < 1'000; ++i) {
        for (int member = 0; member < 300; ++member) {
            rig.say(0, "users:" + std::to_string(member) + "|s|#id:" + std::to_string(i));
        }
    }
    rig.say(0, "users:first|s|#id:small");
    const Snapshot& now = rig.flush();
    CHECK(rig.bytes() < 4 * mebibyte);
    CHECK(set(now, "users{id:small}")->unique == 1);
    CHECK(set(now, "users{id:0}")->unique == doctest::Approx(300).epsilon(0.05));
    CHECK(set(now, "users{pitot_overflow:true}")->unique == doctest::Approx(300).epsilon(0.05));
    CHECK(rig.counts().aggregated == rig.counts().samples);
}

TEST_CASE("the merge of what several shards saw is bounded, and keeps totals") {
    agent::TableSettings table;
    table.value_bytes_max = 2 * mebibyte;
    ShardRig rig(2, table);
    // 20 exact values in each shard are a histogram together: 4 KiB and more, from 600 bytes.
    const std::string values = wide_values(20);
    for (int interval = 0; interval < 2; ++interval) {
        for (int i = 0; i < 1'500; ++i) {
            for (const std::size_t shard : {0U, 1U}) {
                rig.say(shard, "load" + values + "|d|#id:" + std::to_string(i));
            }
        }
        // Of each set 30 members in the first shard, and 10 others in the second, which come
        // when the timers have taken all there is.
        for (int i = 0; i < 1'500; ++i) {
            const std::string tag = "|s|#id:" + std::to_string(i % 50);
            rig.say(0, "users:" + std::to_string(2 * i) + tag);
            if (i < 500) rig.say(1, "users:" + std::to_string(2 * i + 1) + tag);
        }
        const Snapshot& now = rig.flush();
        CHECK(rig.bytes() < 2 * 2 * mebibyte);
        CHECK(totals_of(now).count == 1'500 * 2 * 20);
        CHECK(limited(rig, Limited::overflow_rows) > 0);
        CHECK(rig.counts().aggregated == rig.counts().samples);
        // What the first shard saw stays; the others are added, or in the overflow set.
        double added = 0;
        for (int id = 0; id < 50; ++id) {
            const double unique = set(now, "users{id:" + std::to_string(id) + "}")->unique;
            CHECK(unique >= 30);
            added += unique - 30;
        }
        const protocol::SetPoint* overflow = set(now, "users{pitot_overflow:true}");
        REQUIRE(overflow != nullptr);
        CHECK(added + overflow->unique == doctest::Approx(500).epsilon(0.05));
        CHECK(not_finite_in(now) == "");
    }
    // The overflow series that the merge made has no row, and outlives its news.
    CHECK(timer(rig.flush(), "load{pitot_overflow:true}") != nullptr);
}

TEST_CASE("totals since birth have a budget: timers born beyond it are folded") {
    agent::MergerSettings merger;
    merger.total_bytes_max = mebibyte;
    merger.wants_total = [](const protocol::Series&) { return true; };
    ShardRig rig(1, {}, merger);
    for (int i = 0; i < 2'000; ++i) {
        rig.say(0, "load" + wide_values(8) + "|h|#id:" + std::to_string(i));
        rig.say(0, "hits:1|c|#id:" + std::to_string(i));
    }
    const Snapshot& now = rig.flush();
    CHECK(now.counters.size() == 2'000);
    CHECK(now.timers.size() < 500);
    CHECK(totals_of(now).count == 2'000 * 8);
    CHECK(limited(rig, Limited::overflow_rows) == 2'000 - (now.timers.size() - 1));
    for (const protocol::TimerPoint& point : now.timers) CHECK(point.total != nullptr);
}

TEST_CASE("samples with a time of their own share what they can, and stop at their budget") {
    agent::TableSettings table;
    table.value_bytes_max = 16 * mebibyte;
    ShardRig rig(1, table);
    std::string tags;
    for (int i = 0; i < 256; ++i) {
        tags += {',', static_cast<char>('a' + i / 16), static_cast<char>('a' + i % 16)};
    }
    for (int i = 0; i < 20'000; ++i) rig.say(0, "a:1|c|T1|#" + tags);
    const Snapshot& same = rig.flush();
    CHECK(same.timed.size() == 20'000);
    CHECK(same.timed.back().tags.size() == 256);
    CHECK(rig.bytes() < 4 * mebibyte);

    for (int i = 0; i < 20'000; ++i) {
        rig.say(0, "a" + std::to_string(i % 2) + ":1|c|T1|#" + tags);
    }
    const Snapshot& different = rig.flush();
    CHECK(limited(rig, Limited::timed_samples) > 0);
    CHECK(different.timed.size() + limited(rig, Limited::timed_samples) == 20'000);
    CHECK(rig.counts().samples == 20'000);
    CHECK(rig.counts().aggregated == different.timed.size());
    CHECK(rig.bytes() < 5 * mebibyte);
}

TEST_CASE("events stop at their budget, and leave none of the memory for values out") {
    agent::TableSettings table;
    table.value_bytes_max = 16 * mebibyte;
    ShardRig rig(1, table);
    const std::string event = "_e{1,60000}:t|" + std::string(60'000, 'x');
    for (int i = 0; i < 1'000; ++i) rig.say(0, event);
    rig.say(0, "load:1:2:3|ms");
    const Snapshot& now = rig.flush();
    CHECK(limited(rig, Limited::events) > 0);
    CHECK(now.events.size() + limited(rig, Limited::events) == 1'000);
    CHECK(now.events.back().text.size() == 60'000);
    CHECK(timer(now, "load")->values.count() == 3);
    CHECK(rig.bytes() < 5 * mebibyte);
    rig.flush();
    rig.say(0, event);
    CHECK(rig.flush().events.size() == 1);
    CHECK(rig.bytes() < mebibyte);  // a burst holds no memory afterwards
}

}  // namespace
}  // namespace pitot::tests
