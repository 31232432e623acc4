// Ids of series, and the text that shards lend them: it stays as long as the series does, whoever
// of those that saw the series forgets it. (What is read too late, the address sanitizer sees.)
#include "agent/flush/series_registry.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/lines.h"

namespace pitot::tests {
namespace {

using protocol::Kind;
using protocol::Snapshot;

TEST_CASE("every series that is alive is walked over, in parts") {
    agent::SeriesRegistry registry(0, 1'000'000);
    constexpr std::size_t count = 3 * agent::SeriesRegistry::walked_at_once + 1;
    std::deque<std::string> names;  // lent
    std::vector<protocol::SeriesId> ids;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string& name = names.emplace_back("n" + std::to_string(i));
        ids.push_back(
            registry.resolve({.name = name, .tags = {}, .kind = protocol::Kind::gauge}, 0).id);
    }
    registry.forget(ids[1]);
    std::set<std::string, std::less<>> seen;
    registry.each([&](const protocol::Series& series) { seen.emplace(series.name()); });
    CHECK(seen.size() == count - 1);
    CHECK_FALSE(seen.contains("n1"));
    CHECK(seen.contains("n" + std::to_string(count - 1)));
}

TEST_CASE("keys that differ in where the name ends, or in kind, are different series") {
    agent::SeriesRegistry registry(0, 1'000);
    const std::string text = "abcd";
    const auto key = [&](std::size_t name_bytes, Kind kind) {
        const std::string_view all(text);
        return agent::SeriesKey{
            .name = all.substr(0, name_bytes), .tags = all.substr(name_bytes), .kind = kind};
    };
    std::set<protocol::SeriesId> ids;
    for (const std::size_t name_bytes : {1U, 2U, 4U}) {
        for (const Kind kind : {Kind::counter, Kind::gauge}) {
            CHECK_FALSE(registry.find(key(name_bytes, kind)));
            const auto made = registry.resolve(key(name_bytes, kind), 7);
            CHECK(made.is_new);
            CHECK(registry.find(key(name_bytes, kind)) == made.id);
            CHECK(registry[made.id].name().size() == name_bytes);
            CHECK(registry[made.id].text == text.data());  // lent
            CHECK(registry[made.id].born_unix_ns == 7);
            ids.insert(made.id);
        }
    }
    CHECK(ids.size() == 6);
    CHECK(registry.size() == 6);
}

TEST_CASE("a text that was kept outlives the one that was lent") {
    agent::SeriesRegistry registry(0, 1'000);
    auto lent = std::make_unique<std::string>("nameenv:prod,host:a");
    const std::string_view all(*lent);
    const auto id =
        registry.resolve({.name = all.substr(0, 4), .tags = all.substr(4), .kind = Kind::set}, 0)
            .id;
    registry.keep_text(id);
    registry.keep_text(id);  // as for each further row
    lent.reset();
    const agent::SeriesKey same{.name = "name", .tags = "env:prod,host:a", .kind = Kind::set};
    CHECK(full_name(registry[id]) == "name{env:prod,host:a}");
    CHECK(registry.find(same) == id);
    registry.forget(id);
    CHECK_FALSE(registry.find(same));
    // The id is used again, with a text of its own.
    const auto again = registry.resolve_own(same, 0);
    CHECK(again.id == id);
    CHECK(registry[id].text != same.name.data());
    registry.forget_own(id);
    CHECK(registry.size() == 0);
}

// Keys of new series take the memory of those that the shard has forgotten.
void overwrite_forgotten(ShardRig& rig, std::size_t shard, int interval) {
    for (int i = 0; i < 40; ++i) {
        rig.say(shard, "fresh." + std::to_string(interval) + "." + std::to_string(i) + ":1|c");
    }
}

TEST_CASE("a series keeps its name when the shard that bore it forgets its row") {
    agent::MergerSettings merger;
    merger.expiry_intervals[std::to_underlying(Kind::counter)] = 1;
    ShardRig rig(2, {}, merger);
    rig.say(0, "shared.by.both:5|c|#a:2,b:1");  // this one's text is lent
    rig.flush();
    double total = 5;
    const std::size_t rows = rig.shard(0).table().series();
    bool was_forgotten = false;
    for (int interval = 0; interval < 100; ++interval) {
        rig.say(1, "shared.by.both:1|c|#b:1,a:2");
        overwrite_forgotten(rig, 0, interval);
        const Snapshot& now = rig.flush();
        REQUIRE(counter(now, "shared.by.both{a:2,b:1}") != nullptr);
        CHECK(counter(now, "shared.by.both{a:2,b:1}")->total == ++total);
        was_forgotten |= rig.merger().expired_total() > 40;
    }
    CHECK(rows == 1);
    CHECK(was_forgotten);
    // It is still found by its text, when the first shard sees it anew.
    rig.say(0, "shared.by.both:1|c|#a:2,b:1");
    CHECK(counter(rig.flush(), "shared.by.both{a:2,b:1}")->total == total + 1);
}

TEST_CASE("a series keeps its name when it is forgotten and comes again in one interval") {
    agent::MergerSettings merger;
    merger.expiry_intervals[std::to_underlying(Kind::gauge)] = 1;
    ShardRig rig(1, {}, merger);
    int returns = 0;
    rig.say(0, "level.of.something.long:1|g");
    rig.flush();
    for (int interval = 0; interval < 200; ++interval) {
        agent::SeriesTable& table = rig.shard(0).table();
        const agent::Retirements asked = rig.retirements(0);
        table.request_retirement(asked.rows, asked.turn);
        while (table.retire_some(64)) {
        }
        if (!asked.rows.empty()) {
            ++returns;
            rig.say(0, "level.of.something.long:" + std::to_string(returns) + "|g");
        }
        overwrite_forgotten(rig, 0, interval);
        const Snapshot& now = rig.flush();
        REQUIRE(gauge(now, "level.of.something.long") != nullptr);
        CHECK(gauge(now, "level.of.something.long")->value == std::max(returns, 1));
    }
    CHECK(returns > 2);
}

TEST_CASE("all series that are walked over have their names, whoever forgot some") {
    agent::MergerSettings merger;
    merger.expiry_intervals.fill(1);
    ShardRig rig(2, {}, merger);
    for (int interval = 0; interval < 150; ++interval) {
        rig.say(interval % 2 == 0 ? 0 : 1, "turns:1|c");
        rig.say(interval % 3 == 0 ? 0 : 1, "thirds:1|c|#some:tag");
        overwrite_forgotten(rig, 0, interval);
        rig.flush();
        std::size_t known = 0;
        rig.merger().each_series([&](const protocol::Series& series) {
            const std::string name = full_name(series);
            known += name == "turns" || name == "thirds{some:tag}" ? 1U : 0U;
            CHECK((name.starts_with("fresh.") || name == "turns" || name == "thirds{some:tag}"));
        });
        CHECK(known == 2);
    }
}

}  // namespace
}  // namespace pitot::tests
