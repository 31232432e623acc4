// Gauges that are made between the merge and the sinks: there while they are given, gone
// otherwise, beside what clients sent and never in its place.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/flush/merger.h"
#include "tests/support/lines.h"
#include "tests/support/snapshot_invariants.h"

namespace pitot::tests {
namespace {

using agent::MadeGauge;
using protocol::Snapshot;

MadeGauge made(std::string name, std::string service, double value) {
    return {.name = std::move(name), .tags = {{"service", std::move(service)}}, .value = value};
}

TEST_CASE("a made gauge is in the same Snapshot as what it was made of") {
    ShardRig rig;
    rig.say(0, "hits:1|c\nload:2|g");
    rig.flush();
    const Snapshot& now = rig.add({made("ratio", "pay", 0.5), made("ratio", "web", 0.25)});
    REQUIRE(gauge(now, "ratio{service:pay}") != nullptr);
    CHECK(gauge(now, "ratio{service:pay}")->value == 0.5);
    CHECK(gauge(now, "ratio{service:pay}")->updated);
    CHECK(gauge(now, "ratio{service:web}")->value == 0.25);
    CHECK(gauge(now, "load")->value == 2);
    CHECK(counter(now, "hits")->delta == 1);
    // The series of clients, whose number is limited.
    CHECK(rig.merger().series() == 2);
    CHECK(rig.merger().made_refused() == 0);
}

TEST_CASE("it is gone in an interval without it, and comes back as another series") {
    ShardRig rig;
    rig.say(0, "load:2|g");
    rig.flush();
    const auto birth = [](const Snapshot& in, const protocol::GaugePoint* point) {
        return in.series[point->id].birth;
    };
    const Snapshot& first = rig.add({made("a", "x", 1), made("b", "x", 2)});
    const auto first_birth = birth(first, gauge(first, "a{service:x}"));
    rig.flush();
    const Snapshot& second = rig.add({made("b", "x", 3)});
    CHECK(gauge(second, "a{service:x}") == nullptr);
    CHECK(gauge(second, "b{service:x}")->value == 3);
    CHECK(gauge(second, "load")->value == 2);
    rig.say(0, "new:7|g");
    rig.flush();
    const Snapshot& third = rig.add({made("a", "x", 4), made("b", "x", 3)});
    REQUIRE(gauge(third, "a{service:x}") != nullptr);
    CHECK(gauge(third, "a{service:x}")->value == 4);
    CHECK(birth(third, gauge(third, "a{service:x}")) != first_birth);
    CHECK(gauge(third, "new")->value == 7);
    CHECK(gauge(third, "load")->value == 2);
    rig.flush();
    const Snapshot& none = rig.add({});
    CHECK(none.gauges.size() == 2);
    CHECK(rig.merger().series() == 2);
}

TEST_CASE("constant tags are added, those of its own win") {
    agent::MergerSettings settings;
    settings.constant_tags = {{"region", "eu"}, {"service", "none"}};
    ShardRig rig(1, {}, settings);
    rig.flush();
    const Snapshot& now = rig.add({made("ratio", "pay", 1)});
    CHECK(gauge(now, "ratio{region:eu,service:pay}") != nullptr);
}

TEST_CASE("a client's series of that name and a name that is too long are left out, and counted") {
    ShardRig rig;
    rig.say(0, "ratio:9|g|#service:pay");
    rig.flush();
    const Snapshot& now =
        rig.add({made("ratio", "pay", 1), made(std::string(5'000, 'x'), "pay", 1)});
    CHECK(gauge(now, "ratio{service:pay}")->value == 9);
    CHECK(rig.merger().made_refused() == 2);
    CHECK(now.gauges.size() == 1);
}

TEST_CASE("no limit of series refuses one, and none takes the place of a client's") {
    agent::MergerSettings settings;
    settings.series_max = 1;
    ShardRig rig(1, {}, settings);
    rig.say(0, "a:1|g");
    rig.flush();
    const Snapshot& now = rig.add({made("x", "1", 1), made("x", "2", 2)});
    CHECK(now.gauges.size() == 3);
    rig.say(0, "a:2|g");
    rig.flush();
    CHECK(gauge(rig.add({}), "a")->value == 2);
}

}  // namespace
}  // namespace pitot::tests
