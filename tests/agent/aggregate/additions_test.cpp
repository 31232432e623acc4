// Prefixes and constant tags of listeners: on metrics, timed samples, events and checks; what
// a line says itself; and lines of the same bytes that are different series.
#include "agent/aggregate/additions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "agent/aggregate/line_intake.h"
#include "tests/support/lines.h"

namespace pitot::agent {
namespace {

using protocol::TagDialect;

std::string text_of(std::string_view name, std::span<const protocol::Tag> tags) {
    std::string text(name);
    for (const protocol::Tag& tag : tags) {
        text.append("|").append(tag.key);
        if (tag.has_value) text.append(":").append(tag.value);
    }
    return text;
}

class Rig {
public:
    Rig(std::vector<Additions> additions, std::vector<protocol::Reading> readings,
        std::uint32_t series_max = 100)
        : rig_(1, settings_with(std::move(additions), series_max), {}, std::move(readings)) {}

    // "name|tag|tag" of each series of the interval, in order.
    std::vector<std::string> say(std::vector<std::pair<std::uint16_t, std::string>> lines) {
        for (const auto& [listener, line] : lines) rig_.say(0, line, listener);
        std::vector<std::string> series;
        const protocol::Snapshot& now = rig_.flush();
        for (const protocol::CounterPoint& point : now.counters) {
            const protocol::Series& each = now.series[point.id];
            if (point.updated) series.push_back(text_of(each.name(), each.tags().split()));
        }
        std::ranges::sort(series);
        return series;
    }
    tests::ShardRig& shards() { return rig_; }

private:
    static TableSettings settings_with(std::vector<Additions> additions, std::uint32_t series_max) {
        TableSettings settings;
        settings.series_max = series_max;
        settings.additions = std::move(additions);
        return settings;
    }
    tests::ShardRig rig_;
};

using Series = std::vector<std::string>;
const Additions web{.prefix = "web.", .tags = {{"region", "eu"}, {"a", "0"}}};
const Additions db{.prefix = "db.", .tags = {}};

}  // namespace

TEST_CASE("names get a prefix, and tags those that they lack") {
    Rig rig({web}, {{}});
    CHECK(rig.say({{0, "hits:1|c"},
                   {0, "hits:1|c|#region:us"},
                   {0, "hits:1|c|#region"},
                   {0, "hits:1|c|#z:1,a:9"}}) ==
          Series{"web.hits|a:0|region", "web.hits|a:0|region:eu", "web.hits|a:0|region:us",
                 "web.hits|a:9|region:eu|z:1"});
}

TEST_CASE("the same bytes from listeners that add something else are other series") {
    Rig rig({web, db, {}, web}, {{}, {}, {}, {}});
    const std::vector<std::pair<std::uint16_t, std::string>> lines{
        {0, "hits:1|c"}, {1, "hits:1|c"}, {2, "hits:1|c"}, {3, "hits:1|c"}};
    const Series expected{"db.hits", "hits", "web.hits|a:0|region:eu"};
    CHECK(rig.say(lines) == expected);
    // Known by then, and found without a second reading.
    CHECK(rig.say(lines) == expected);
    CHECK(rig.shards().counts().slow_readings == 0);
}

TEST_CASE("a line that says itself what another listener adds is the same series") {
    Rig rig({web, {}}, {{}, {}});
    CHECK(rig.say({{0, "hits:1|c"}, {1, "web.hits:1|c|#region:eu,a:0"}}).size() == 1);
}

TEST_CASE("dialects of tags are kept apart as well") {
    Rig rig({db, db}, {{}, {.tags = TagDialect::influx}});
    CHECK(rig.say({{0, "a,b=1:1|c"}, {1, "a,b=1:1|c"}}) == Series{"db.a,b=1", "db.a|b:1"});
}

TEST_CASE("the host that a client tells, or that it has none, keeps the operator's away") {
    const Additions ours{.prefix = {}, .tags = {{"host", "here"}, {"env", "prod"}}};
    Rig rig({ours}, {{}});
    CHECK(
        rig.say(
            {{0, "a:1|c"}, {0, "b:1|c|#host:x"}, {0, "c:1|c|#host:x,host:"}, {0, "d:1|c|#host"}}) ==
        Series{"a|env:prod|host:here", "b|env:prod|host:x", "c|env:prod", "d|env:prod|host"});
    rig.shards().say(0,
                     "_e{1,1}:t|x\n_e{1,1}:t|x|#host:x\n_e{1,1}:t|x|#host:\n_e{1,1}:t|x|h:y\n"
                     "a:1|c|T1700000000|#host:");
    const protocol::Snapshot& now = rig.shards().flush();
    REQUIRE(now.events.size() == 4);
    CHECK(text_of("", now.events[0].tags) == "|host:here|env:prod");
    for (std::size_t i = 1; i < 4; ++i) CHECK(text_of("", now.events[i].tags) == "|env:prod");
    CHECK(now.events[1].hostname == "x");
    CHECK(now.events[2].hostname.empty());
    CHECK(now.events[3].hostname == "y");
    REQUIRE(now.timed.size() == 1);
    CHECK(text_of("", now.timed[0].tags) == "|env:prod");
}

TEST_CASE("samples with a time of their own, events and checks") {
    Rig rig({web}, {{}});
    rig.shards().say(0, "a:1|c|T1700000000\n_e{1,1}:t|x|#region:us\n_sc|check|0|#k");
    const protocol::Snapshot& now = rig.shards().flush();
    REQUIRE(now.timed.size() == 1);
    CHECK(text_of(now.timed[0].name, now.timed[0].tags) == "web.a|a:0|region:eu");
    REQUIRE(now.events.size() == 1);
    CHECK(text_of(now.events[0].title, now.events[0].tags) == "t|region:us|a:0");
    REQUIRE(now.service_checks.size() == 1);
    CHECK(text_of(now.service_checks[0].name, now.service_checks[0].tags) ==
          "check|k|region:eu|a:0");
}

TEST_CASE("what has become too long is refused, and counted") {
    Rig rig({web}, {{}});
    const std::string longest(protocol::identity_bytes_max, 'x');
    CHECK(rig.say({{0, longest + ":1|c"}}).empty());
    CHECK(rig.shards().counts().rejected[std::to_underlying(protocol::Reject::too_long)] == 1);
}

TEST_CASE("an overflow series has the prefix, and no tags but its own") {
    Rig rig({web}, {{}}, 1);
    CHECK(rig.say({{0, "a:1|c"}, {0, "b:1|c"}}) ==
          Series{"web.a|a:0|region:eu", "web.b|pitot_overflow:true"});
}

}  // namespace pitot::agent
