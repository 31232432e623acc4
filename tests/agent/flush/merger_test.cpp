// What becomes of lines: values by kind, both views, spellings of one series, shards
// merged, limits that keep totals, expiry. Through the real parser, table and merger; no
// threads and no clock.
#include "agent/flush/merger.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "agent/limits.h"
#include "tests/support/lines.h"
#include "tests/support/snapshot_invariants.h"

namespace pitot::tests {
namespace {

using agent::Limited;
using protocol::GaugeSign;
using protocol::Kind;
using protocol::Reject;
using protocol::Snapshot;

std::uint64_t limited(const ShardRig& rig, Limited reason) {
    return rig.counts().limited[std::to_underlying(reason)];
}

TEST_CASE("a counter has a delta for the interval and a total since birth") {
    ShardRig rig;
    rig.say(0, "hits:1|c\nhits:2|c|@0.5\nhits:-1|c");
    const Snapshot& first = rig.flush();
    REQUIRE(counter(first, "hits") != nullptr);
    CHECK(counter(first, "hits")->delta == 4);
    CHECK(counter(first, "hits")->total == 4);
    CHECK(counter(first, "hits")->updated);
    CHECK(first.series[counter(first, "hits")->id].born_unix_ns == first.start_unix_ns);

    rig.say(0, "hits:10|c");
    const Snapshot& second = rig.flush();
    CHECK(counter(second, "hits")->delta == 10);
    CHECK(counter(second, "hits")->total == 14);

    const Snapshot& idle = rig.flush();
    CHECK_FALSE(counter(idle, "hits")->updated);
    CHECK(counter(idle, "hits")->delta == 0);
    CHECK(counter(idle, "hits")->total == 14);
}

TEST_CASE("a counter that stands still is told as 0 for a while; nothing else is") {
    agent::MergerSettings settings;
    settings.zero_intervals = 2;
    ShardRig rig(1, {}, settings);
    rig.say(0, "hits:3|c\nlevel:1|g\nload:1|ms\nusers:a|s");
    CHECK(counter(rig.flush(), "hits")->told());
    const auto stands_still = [&](const Snapshot& now) {
        const protocol::CounterPoint& hits = *counter(now, "hits");
        CHECK_FALSE(hits.updated);
        CHECK(hits.delta == 0);
        CHECK_FALSE(gauge(now, "level")->told());
        CHECK_FALSE(timer(now, "load")->told());
        CHECK_FALSE(set(now, "users")->told());
        return hits.told();
    };
    for (int round = 0; round < 2; ++round) {
        CHECK(stands_still(rig.flush()));
        CHECK(stands_still(rig.flush()));
        CHECK_FALSE(stands_still(rig.flush()));
        CHECK_FALSE(stands_still(rig.flush()));
        rig.say(0, "hits:0|c");
        const protocol::CounterPoint& again = *counter(rig.flush(), "hits");
        CHECK(again.updated);
        CHECK(again.silent == 0);
        CHECK(again.total == 3);
    }
}

TEST_CASE("a counter that only ever got 0 is news all the same") {
    ShardRig rig;
    rig.say(0, "zero:0|c");
    const Snapshot& now = rig.flush();
    REQUIRE(counter(now, "zero") != nullptr);
    CHECK(counter(now, "zero")->updated);
}

TEST_CASE("a gauge keeps its last value; moves start from it, or from 0") {
    ShardRig rig(1, {}, {}, {{.gauge_sign = GaugeSign::delta}});
    rig.say(0, "level:5000|g\nlevel:4000|g\nlevel:+500|g\nlevel:-400|g\nlevel:+2|g\nlevel:-1|g");
    rig.say(0, "new:+7|g");
    const Snapshot& first = rig.flush();
    CHECK(gauge(first, "level")->value == 4101);
    CHECK(gauge(first, "new")->value == 7);
    rig.say(0, "level:+9|g");
    CHECK(gauge(rig.flush(), "level")->value == 4110);
    const Snapshot& idle = rig.flush();
    CHECK(gauge(idle, "level")->value == 4110);
    CHECK_FALSE(gauge(idle, "level")->updated);
}

TEST_CASE("a gauge takes the value set last, whichever shard saw it, and the moves since") {
    ShardRig rig(2, {}, {}, {{.gauge_sign = GaugeSign::delta}});
    rig.say(0, "level:10|g");
    rig.say(0, "level:+1|g");
    rig.say(1, "level:100|g");
    rig.say(1, "level:-5|g");
    CHECK(gauge(rig.flush(), "level")->value == 95);
    rig.say(1, "level:+1|g");
    rig.say(0, "level:+2|g");
    CHECK(gauge(rig.flush(), "level")->value == 98);
    rig.say(1, "level:+50|g");
    rig.say(0, "level:7|g");
    // Shard 1 did not set it in this interval: its move is one of the gauge's.
    CHECK(gauge(rig.flush(), "level")->value == 57);
}

TEST_CASE("a signed gauge value is absolute where the listener says so") {
    ShardRig rig;
    rig.say(0, "level:10|g\nlevel:-3|g");
    CHECK(gauge(rig.flush(), "level")->value == -3);
}

TEST_CASE("sums beyond the range of doubles stay at its end, and can come back") {
    agent::MergerSettings settings;
    settings.wants_total = [](const protocol::Series&) { return true; };
    constexpr double largest = std::numeric_limits<double>::max();
    ShardRig rig(2, {}, settings, {{.gauge_sign = GaugeSign::delta}});
    rig.say(0, "hits:1e308:1e308|c\nhits:-1e308|c|@0.9\nlevel:1e308|g\nlevel:+1e308|g");
    rig.say(1, "hits:1.7e308|c\nlevel:+1e308|g\nload:1e308:1e308:-1e308|h|@0.9");
    const Snapshot& first = rig.flush();
    CHECK(not_finite_in(first) == "");
    CHECK(gauge(first, "level")->value == largest);
    rig.say(0, "hits:1.7e308|c\nlevel:-1e308|g");
    CHECK(counter(rig.flush(), "hits")->total == largest);
    rig.say(0, "hits:-1e308|c\nlevel:-1e308|g");
    const Snapshot& last = rig.flush();
    CHECK(counter(last, "hits")->total == largest - 1e308);
    CHECK(gauge(last, "level")->value < 0);
    CHECK(not_finite_in(last) == "");
}

TEST_CASE("the smallest sample rate is a weight, in exact values and in histograms") {
    ShardRig rig;
    std::string packed = "many:1";
    for (int i = 0; i < 40; ++i) packed += ":2";
    rig.say(0, "few:1|ms|@1e-9\nhits:1|c|@1e-9\n" + packed + "|ms|@1e-9\nhits:1|c|@1e-310");
    const Snapshot& now = rig.flush();
    CHECK(timer(now, "few")->values.count() == doctest::Approx(1e9));
    CHECK(timer(now, "many")->values.count() == doctest::Approx(41e9));
    CHECK(counter(now, "hits")->delta == doctest::Approx(1e9));
    CHECK(now.rejected[std::to_underlying(Reject::bad_sample_rate)] == 1);
    CHECK(not_finite_in(now) == "");
}

TEST_CASE("timers keep few values exactly, with their weights") {
    ShardRig rig;
    rig.say(0, "load:1|h\nload:2|h|@0.5\nload:3|h|@0.2\nload:10|h|@0.5");
    const Snapshot& now = rig.flush();
    const protocol::TimerPoint* load = timer(now, "load");
    REQUIRE(load != nullptr);
    CHECK(load->values.is_exact());
    CHECK(load->values.count() == doctest::Approx(10).epsilon(1e-12));
    CHECK(load->values.sum() == doctest::Approx(40).epsilon(1e-12));
    CHECK(load->values.quantile(0.2) == 2);
    CHECK(load->values.quantile(0.5) == 3);
    CHECK(load->values.quantile(0.95) == 10);
    CHECK(load->total_count == doctest::Approx(10).epsilon(1e-12));
    CHECK(load->total == nullptr);
}

TEST_CASE("ms, h and d of one name are three series") {
    ShardRig rig;
    rig.say(0, "x:1|ms\nx:2|h\nx:3|d\nx:4|c\nx:5|g\nx:6|s");
    const Snapshot& now = rig.flush();
    CHECK(now.timers.size() == 3);
    CHECK(now.points() == 6);
}

TEST_CASE("any number of values, packed or not, in one shard or several, add up") {
    std::mt19937 random(7);
    for (const int count : {1, 31, 32, 33, 34, 100, 5'000}) {
        CAPTURE(count);
        for (const std::size_t shards : {1U, 2U, 3U}) {
            CAPTURE(shards);
            ShardRig rig(shards);
            std::vector<double> values;
            std::string packed;
            for (int i = 0; i < count; ++i) {
                values.push_back(static_cast<double>(random() % 100'000) / 8);
                packed += ":" + std::to_string(values.back());
                if (packed.size() < 100 && i + 1 < count) continue;
                rig.say(random() % shards, "load" + packed + "|d");
                packed.clear();
            }
            std::ranges::sort(values);
            const Snapshot& now = rig.flush();
            const protocol::TimerPoint* load = timer(now, "load");
            REQUIRE(load != nullptr);
            CHECK(load->values.count() == count);
            CHECK(load->values.sum() ==
                  doctest::Approx(std::accumulate(values.begin(), values.end(), 0.0)));
            CHECK(load->values.minimum() == values.front());
            CHECK(load->values.maximum() == values.back());
            const double median = values[(values.size() - 1) / 2];
            CHECK(load->values.quantile(0.5) ==
                  doctest::Approx(median).epsilon(load->values.relative_error() + 1e-12));
            CHECK(load->values.is_exact() ==
                  (static_cast<std::size_t>(count) <= agent::limits::exact_values_max));
            CHECK(rig.counts().samples == static_cast<std::uint64_t>(count));
        }
    }
}

TEST_CASE("weights met late are kept beside the values met before") {
    ShardRig rig(2);
    for (int i = 1; i <= 10; ++i) rig.say(0, "load:" + std::to_string(i) + "|ms");
    rig.say(0, "load:11|ms|@0.1");
    rig.say(1, "load:12|ms|@0.25");
    const Snapshot& now = rig.flush();
    CHECK(timer(now, "load")->values.is_exact());
    CHECK(timer(now, "load")->values.count() == 24);
    CHECK(timer(now, "load")->values.sum() == 55 + 110 + 48);
    CHECK(timer(now, "load")->values.quantile(0.5) == 11);
}

TEST_CASE("a timer's total histogram is kept where some sink reads it") {
    agent::MergerSettings settings;
    settings.wants_total = [](const protocol::Series& series) { return series.name() == "kept"; };
    ShardRig rig(1, {}, settings);
    rig.say(0, "kept:1:2:3|ms\nnot_kept:1|ms");
    rig.flush();
    rig.say(0, "kept:4|ms");
    const Snapshot& now = rig.flush();
    REQUIRE(timer(now, "kept")->total != nullptr);
    CHECK(timer(now, "kept")->total->count() == 4);
    CHECK(timer(now, "kept")->total->sum() == 10);
    CHECK(timer(now, "kept")->values.count() == 1);
    CHECK(timer(now, "not_kept")->total == nullptr);
}

TEST_CASE("a set counts members once, whichever shard saw them, anew in each interval") {
    ShardRig rig(2);
    rig.say(0, "users:a|s\nusers:b|s\nusers:a|s");
    rig.say(1, "users:b|s\nusers:c|s");
    CHECK(set(rig.flush(), "users")->unique == 3);
    rig.say(1, "users:b|s");
    CHECK(set(rig.flush(), "users")->unique == 1);
    CHECK(set(rig.flush(), "users")->unique == 0);
}

TEST_CASE("a large set is estimated within its stated error") {
    ShardRig rig(2);
    for (int i = 0; i < 50'000; ++i) {
        rig.say(static_cast<std::size_t>(i % 2), "users:user-" + std::to_string(i % 20'000) + "|s");
    }
    const Snapshot& now = rig.flush();
    CHECK_FALSE(set(now, "users")->is_exact);
    CHECK(set(now, "users")->unique == doctest::Approx(20'000).epsilon(4 * 0.0081));
}

TEST_CASE("spellings of one series are one series") {
    ShardRig rig(2, {}, {}, {{}, {.tags = protocol::TagDialect::influx}});
    rig.say(0, "hits:1|c|#b:2,a:1");
    rig.say(0, "hits:1|c|#a:1,b:2");
    rig.say(1, "hits:1|c|#a:1,b:2,a:1,,");
    rig.say(1, "hits,b=2,a=1:1|c", 1);
    rig.say(0, "hits:1|c|#a:1,b:2|c:ci-whoever|x:unknown");
    const Snapshot& now = rig.flush();
    CHECK(now.counters.size() == 1);
    CHECK(counter(now, "hits{a:1,b:2}")->delta == 5);
    CHECK(rig.counts().unknown_fields == 1);
}

TEST_CASE("the same bytes are two series to listeners of two dialects") {
    ShardRig rig(1, {}, {}, {{}, {.tags = protocol::TagDialect::influx}});
    rig.say(0, "hits,a=1:1|c", 0);
    rig.say(0, "hits,a=1:1|c", 1);
    const Snapshot& now = rig.flush();
    CHECK(counter(now, "hits,a=1") != nullptr);
    CHECK(counter(now, "hits{a:1}") != nullptr);
}

TEST_CASE("a bare tag, an empty value and a value are three things") {
    ShardRig rig;
    rig.say(0, "x:1|c|#a\nx:1|c|#a:\nx:1|c|#a:b");
    CHECK(rig.flush().counters.size() == 3);
}

TEST_CASE("samples with a time of their own pass by, weighted") {
    ShardRig rig;
    rig.say(0, "hits:15|c|@0.5|T1656581400|#b:2,a:1\nlevel:-3:4|g|T1656581401");
    const Snapshot& now = rig.flush();
    CHECK(now.counters.empty());
    CHECK(now.gauges.empty());
    REQUIRE(now.timed.size() == 3);
    CHECK(now.timed[0].name == "hits");
    CHECK(now.timed[0].value == 30);
    CHECK(now.timed[0].timestamp_s == 1656581400);
    REQUIRE(now.timed[0].tags.size() == 2);
    CHECK(now.timed[0].tags[0].key == "a");
    CHECK(now.timed[1].value == -3);
    CHECK(now.timed[2].value == 4);
    CHECK(rig.flush().timed.empty());
}

TEST_CASE("events and service checks come through whole, and once") {
    ShardRig rig(2);
    rig.say(0, R"(_e{5,10}:title|line\nnext|h:here|t:error|#env:prod,bare)");
    rig.say(1, "_sc|db.up|2|d:21|#env:prod|m:down");
    const Snapshot& now = rig.flush();
    REQUIRE(now.events.size() == 1);
    CHECK(now.events[0].text == "line\nnext");
    CHECK(now.events[0].hostname == "here");
    REQUIRE(now.events[0].tags.size() == 2);
    CHECK(now.events[0].tags[1].key == "bare");
    REQUIRE(now.service_checks.size() == 1);
    CHECK(now.service_checks[0].status == protocol::CheckStatus::critical);
    CHECK(now.service_checks[0].message == "down");
    CHECK(rig.flush().events.empty());
}

TEST_CASE("lines = accepted + refused, and refusals keep one sample of each reason") {
    ShardRig rig;
    rig.say(0, "good:1|c\nbad:x|c\nbad:y|c\n\nworse:1|q\r\ngood:2|c");
    const Snapshot& now = rig.flush();
    CHECK(rig.counts().lines == 5);
    CHECK(rig.counts().accepted == 2);
    CHECK(now.rejected[std::to_underlying(Reject::bad_number)] == 2);
    CHECK(now.rejected[std::to_underlying(Reject::unknown_type)] == 1);
    CHECK(counter(now, "good")->delta == 3);
}

TEST_CASE("above the limit of a metric new tag sets fold into its overflow series") {
    agent::TableSettings table;
    table.series_per_metric_max = 3;
    ShardRig rig(1, table);
    for (int i = 0; i < 10; ++i) rig.say(0, "hits:1|c|#id:" + std::to_string(i));
    rig.say(0, "other:1|c|#id:1\nhits:1|c");
    const Snapshot& now = rig.flush();
    CHECK(counter(now, "hits{id:2}")->delta == 1);
    CHECK(counter(now, "hits{id:3}") == nullptr);
    CHECK(counter(now, "hits{pitot_overflow:true}")->delta == 7);
    CHECK(counter(now, "hits")->delta == 1);
    CHECK(counter(now, "other{id:1}")->delta == 1);
    CHECK(limited(rig, Limited::overflow_series) == 7);
    CHECK(rig.counts().aggregated == rig.counts().samples);

    rig.say(0, "hits:1|c|#id:0\nhits:1|c|#id:9");
    const Snapshot& later = rig.flush();
    CHECK(counter(later, "hits{id:0}")->delta == 1);  // known series are not affected
    CHECK(counter(later, "hits{pitot_overflow:true}")->delta == 1);
}

TEST_CASE("a full table folds by name, and names beyond a bound share one series a kind") {
    agent::TableSettings table;
    table.series_max = 10;
    ShardRig rig(1, table);
    constexpr int names = 3'000;
    for (int i = 0; i < names; ++i) rig.say(0, "n" + std::to_string(i) + ":1|c");
    const Snapshot& now = rig.flush();
    double sum = 0;
    for (const protocol::CounterPoint& point : now.counters) sum += point.delta;
    CHECK(sum == names);
    CHECK(counter(now, "n10{pitot_overflow:true}")->delta == 1);
    CHECK(counter(now, "pitot.overflow{pitot_overflow:true}") != nullptr);
    CHECK(now.counters.size() <= 10 + agent::limits::overflow_series_max + 1);
}

TEST_CASE("a client that sends the overflow tag itself does no harm") {
    agent::TableSettings table;
    table.series_per_metric_max = 1;
    ShardRig rig(1, table);
    rig.say(0, "hits:1|c|#pitot_overflow:true\nhits:2|c|#a:1\nhits:4|c|#a:2");
    CHECK(counter(rig.flush(), "hits{pitot_overflow:true}")->delta == 5);
}

TEST_CASE("the process limit holds over all shards") {
    agent::MergerSettings merger;
    merger.series_max = 5;
    agent::TableSettings table;
    table.series_max = 5;
    ShardRig rig(2, table, merger);
    for (int i = 0; i < 5; ++i) {
        rig.say(0, "hits:1|c|#shard:0,id:" + std::to_string(i));
        rig.say(1, "hits:1|c|#shard:1,id:" + std::to_string(i));
    }
    const Snapshot& now = rig.flush();
    CHECK(now.counters.size() == 6);
    CHECK(counter(now, "hits{pitot_overflow:true}")->delta == 5);
}

TEST_CASE("what the process limit folds is counted, and told by name") {
    agent::MergerSettings merger;
    merger.series_max = 30;
    agent::TableSettings table;
    table.series_max = 30;
    ShardRig rig(4, table, merger);
    for (int i = 0; i < 100; ++i) {
        rig.say(static_cast<std::size_t>(i % 4), "name" + std::to_string(i) + ":1|c");
    }
    const auto count_overflow = [](const Snapshot& now) {
        return std::ranges::count_if(now.counters, [&](const protocol::CounterPoint& point) {
            return point.updated && !now.series[point.id].tags().empty();
        });
    };
    CHECK(count_overflow(rig.flush()) == 70);
    CHECK(limited(rig, Limited::overflow_rows) + limited(rig, Limited::overflow_series) == 70);
    CHECK(rig.counts().aggregated == rig.counts().samples);

    for (int i = 0; i < 100; ++i) {
        rig.say(static_cast<std::size_t>(i % 4), "name" + std::to_string(i) + ":1|c");
    }
    CHECK(count_overflow(rig.flush()) == 70);
    CHECK(limited(rig, Limited::overflow_rows) + limited(rig, Limited::overflow_series) == 70);
}

TEST_CASE("a shard's moves of a gauge count after what another shard set") {
    ShardRig rig(2, {}, {}, {{.gauge_sign = GaugeSign::delta}});
    rig.say(0, "level:+5|g");
    rig.say(1, "level:10|g");
    CHECK(gauge(rig.flush(), "level")->value == 15);
}

TEST_CASE("silent series are forgotten, by kind; a return is a new birth") {
    agent::MergerSettings merger;
    merger.expiry_intervals[std::to_underlying(Kind::counter)] = 3;
    ShardRig rig(2, {}, merger);
    rig.say(0, "gone:5|c|#b:1,a:2\nstays:1|c\nlevel:1|g\n");
    rig.say(1, "gone:5|c|#a:2,b:1");
    const std::uint64_t first_birth = [&] {
        const Snapshot& now = rig.flush();
        return now.series[counter(now, "gone{a:2,b:1}")->id].birth;
    }();
    bool forgotten = false;
    for (int i = 0; i < 60 && !forgotten; ++i) {
        rig.say(0, "stays:1|c");
        forgotten = counter(rig.flush(), "gone{a:2,b:1}") == nullptr;
    }
    CHECK(forgotten);
    CHECK(rig.merger().expired_total() == 1);
    CHECK(rig.shard(0).table().series() == 2);
    CHECK(rig.shard(1).table().series() == 0);

    rig.say(0, "gone:1|c|#a:2,b:1");
    const Snapshot& now = rig.flush();
    CHECK(counter(now, "gone{a:2,b:1}")->total == 1);
    CHECK(now.series[counter(now, "gone{a:2,b:1}")->id].birth > first_birth);
    CHECK(counter(now, "stays")->total > 3);
    CHECK(gauge(now, "level")->value == 1);  // gauges do not expire here
}

TEST_CASE("a series that speaks again while it is being forgotten is kept") {
    agent::MergerSettings merger;
    merger.expiry_intervals[std::to_underlying(Kind::counter)] = 1;
    ShardRig rig(1, {}, merger);
    for (int i = 0; i < 100; ++i) {
        // Silent every other interval, so that it is asked for again and again.
        if (i % 2 == 0) rig.say(0, "flicker:1|c");
        const Snapshot& now = rig.flush();
        if (i % 2 == 0) {
            REQUIRE(counter(now, "flicker") != nullptr);
            CHECK(counter(now, "flicker")->delta == 1);
        }
    }
}

TEST_CASE("under churn nothing grows and nothing is lost") {
    agent::MergerSettings merger;
    merger.expiry_intervals.fill(2);
    ShardRig rig(2, {}, merger);
    std::mt19937 random(11);
    std::size_t bytes_early = 0;
    for (int interval = 0; interval < 300; ++interval) {
        double sent = 0;
        for (int i = 0; i < 200; ++i) {
            const auto id = static_cast<std::uint64_t>(interval) * 100 + random() % 150;
            rig.say(random() % 2, "hits:1|c|#id:" + std::to_string(id) + ",z:1\nload:" +
                                      std::to_string(id) + "|ms|#id:" + std::to_string(id));
            ++sent;
        }
        const Snapshot& now = rig.flush();
        double received = 0;
        for (const protocol::CounterPoint& point : now.counters) received += point.delta;
        CHECK(received == sent);
        if (interval == 150) bytes_early = rig.shard(0).table().bytes();
    }
    CHECK(rig.shard(0).table().bytes() <= bytes_early);
    CHECK(rig.merger().series() < 12'000);
}

TEST_CASE("the merged result does not depend on which shard saw what") {
    std::mt19937 random(3);
    std::vector<std::string> lines;
    for (int i = 0; i < 3'000; ++i) {
        const std::string id = std::to_string(random() % 20);
        const std::string rate = random() % 2 == 0 ? "|@0.3" : "";
        const std::string value = std::to_string(static_cast<double>(random() % 10'000) / 7);
        lines.push_back("c:" + std::to_string(random() % 10) + "|c|#id:" + id);
        lines.push_back("t:" + value + "|ms" + rate + "|#id:" + id);
        lines.push_back("s:" + std::to_string(random() % 500) + "|s|#id:" + id);
    }
    const auto outcome = [&](std::size_t shards) {
        ShardRig rig(shards);
        for (const std::string& line : lines) rig.say(random() % shards, line);
        const Snapshot& now = rig.flush();
        std::vector<std::pair<std::string, double>> all;
        for (const auto& point : now.counters) {
            all.emplace_back("c" + full_name(now.series[point.id]), point.delta);
        }
        for (const auto& point : now.timers) {
            const std::string name = full_name(now.series[point.id]);
            for (const double q : {0.0, 0.5, 0.9, 0.99, 1.0}) {
                all.emplace_back(name + std::to_string(q), point.values.quantile(q));
            }
            all.emplace_back(name + "count", point.values.count());
        }
        for (const auto& point : now.sets) {
            all.emplace_back("s" + full_name(now.series[point.id]), point.unique);
        }
        std::ranges::sort(all);
        return all;
    };
    const auto alone = outcome(1);
    CHECK(outcome(2) == alone);
    CHECK(outcome(5) == alone);
}

TEST_CASE("quantiles are worked out once, for all that have news") {
    agent::MergerSettings settings;
    settings.quantiles = {0.5, 0.9, 0.99};
    ShardRig rig(2, {}, settings);
    for (int i = 0; i < 200; ++i) {
        rig.say(static_cast<std::size_t>(i) % 2, "many:" + std::to_string(i * i) + "|ms");
    }
    for (const std::string_view line : {"few:3|ms", "few:1|ms", "few:2|h", "other:7|c"}) {
        rig.say(0, line);
    }
    const auto check = [&settings](const Snapshot& now, std::size_t with_news) {
        CHECK(std::ranges::equal(now.quantile_ranks, settings.quantiles));
        std::size_t seen = 0;
        for (const protocol::TimerPoint& point : now.timers) {
            REQUIRE(point.quantiles.size() == (point.updated ? 3 : 0));
            if (!point.updated) continue;
            ++seen;
            for (std::size_t i = 0; i < 3; ++i) {
                CHECK(point.quantiles[i] == point.values.quantile(settings.quantiles[i]));
            }
        }
        CHECK(seen == with_news);
    };
    check(rig.flush(), 3);
    rig.say(1, "few:5|ms");
    check(rig.flush(), 1);
    check(rig.flush(), 0);
}

TEST_CASE("a shard that did not answer comes with a later interval") {
    // What ShardSet hands over when a deadline passes: a null page, and next time a full one.
    agent::TableSettings table;
    const std::vector<protocol::Reading> readings{{}};
    agent::LineIntake intake(table, readings);
    agent::Merger merger({});
    intake.take(0, "hits:3|c", agent::Peer("test"), 1);
    intake.settle();
    const agent::ShardPage absent{};
    const Snapshot& without = merger.merge({&absent, 1}, {.sequence = 1});
    CHECK(without.points() == 0);
    merger.finish();
    const agent::ShardPage page{.rows = &intake.table().rows(), .closed = intake.table().turn()};
    CHECK(counter(merger.merge({&page, 1}, {.sequence = 2}), "hits")->delta == 3);
    merger.finish();
}

}  // namespace
}  // namespace pitot::tests
