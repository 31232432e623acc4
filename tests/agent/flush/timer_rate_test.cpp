// Sample rates that scale the count of a timer and nothing else, beside those that weigh its
// values: through the real parser, table and merger.
#include <doctest/doctest.h>

#include "tests/support/lines.h"

namespace pitot::tests {
namespace {

using protocol::Snapshot;

TEST_CASE("a rate that scales the count alone leaves each value one") {
    ShardRig rig(2, {}, {}, {{}, {.timer_rate = protocol::TimerRate::count}});
    rig.say(0, "load:100|ms|@0.05\nload:200|ms|@0.05", 1);
    rig.say(1, "load:300|ms|@0.1\nhits:1|c|@0.1", 1);
    const Snapshot& now = rig.flush();
    const protocol::TimerPoint* load = timer(now, "load");
    CHECK(load->values.count() == 50);
    CHECK(load->values.sum() == 600);
    CHECK(load->values.mean() == 200);
    CHECK(load->values.quantile(0.5) == 200);
    CHECK(load->total_count == 50);
    CHECK(load->total_sum == 10'000);
    CHECK(counter(now, "hits")->delta == 10);
    // The next interval knows nothing of it.
    rig.say(0, "load:100|ms", 1);
    const protocol::TimerPoint* later = timer(rig.flush(), "load");
    CHECK(later->values.count() == 1);
    CHECK(later->total_count == 51);
    CHECK(later->total_sum == 10'100);
}

TEST_CASE("a series that listeners of both kinds feed takes each value as its listener says") {
    agent::MergerSettings settings;
    settings.wants_total = [](const protocol::Series&) { return true; };
    for (const int copies : {1, 50}) {
        CAPTURE(copies);
        ShardRig rig(2, {}, settings, {{}, {.timer_rate = protocol::TimerRate::count}});
        for (int i = 0; i < copies; ++i) {
            rig.say(0, "load:10|d|@0.5", 0);
            rig.say(1, "load:10|d|@0.5", 0);
            rig.say(1, "load:40:40|d|@0.25", 1);
        }
        const Snapshot& now = rig.flush();
        const protocol::TimerPoint* load = timer(now, "load");
        CHECK(load->values.is_exact() == (copies == 1));
        CHECK(load->values.count() == 12 * copies);
        CHECK(load->values.sum() == doctest::Approx(120 * copies));
        CHECK(load->values.mean() == doctest::Approx(20));
        CHECK(load->values.quantile(0.6) == doctest::Approx(10).epsilon(0.02));
        CHECK(load->total_sum == doctest::Approx(240 * copies));
        CHECK(load->total->count() == doctest::Approx(12 * copies));
        CHECK(load->total->mean() == doctest::Approx(20));
    }
}

TEST_CASE("packed values and packed samples have their rate in the count alone, too") {
    ShardRig rig(
        1, {}, {},
        {{.dialect = protocol::Dialect::statsd, .timer_rate = protocol::TimerRate::count}});
    rig.say(0, "a:1:2:3|ms|@0.5\nb:7|h|@0.1:1|c|@0.5:9|d|@0.2");
    const Snapshot& now = rig.flush();
    CHECK(timer(now, "a")->values.count() == 6);
    CHECK(timer(now, "a")->values.sum() == 6);
    double counts = 0;
    double sums = 0;
    for (const protocol::TimerPoint& point : now.timers) {
        counts += point.values.count();
        sums += point.values.sum();
    }
    CHECK(counts == 6 + 10 + 5);
    CHECK(sums == 6 + 7 + 9);
    CHECK(counter(now, "b")->delta == 2);
}

}  // namespace
}  // namespace pitot::tests
