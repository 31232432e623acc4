// Which names are the busiest: summed over tag sets, by kind, of one interval at a time; ids
// that are used again; more names than are remembered.
#include "agent/status/busiest_names.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/support/sink_snapshot.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using protocol::Kind;

namespace {

std::string text_of(const std::vector<BusyName>& names) {
    std::string text;
    for (const BusyName& name : names) {
        text += fmt::format("{}{} {} {} of {}", text.empty() ? "" : ", ", name.name,
                            to_string(name.kind), name.count, name.series);
    }
    return text;
}

}  // namespace

TEST_CASE("every kind, by what came in the interval") {
    SnapshotMaker maker;
    BusiestNames names;
    CHECK(text_of(names.of(maker.end_interval())) == "");
    maker.count("views", "page:a", 3);
    maker.count("views", "page:b", 4);
    maker.count("fewer", "", -9);
    maker.gauge("depth", "", 1e9);
    maker.values(Kind::timer, "load", "", {1, 2, 3});
    maker.set("users", "", 2);
    // The same name is another metric where it is of another kind.
    maker.values(Kind::timer, "views", "", {1});
    CHECK(text_of(names.of(maker.end_interval())) ==
          "fewer counter 9 of 1, views counter 7 of 2, load timer 3 of 1, users set 2 of 1, "
          "depth gauge 1 of 1, views timer 1 of 1");
    // Series without news do not count, whatever they did before.
    maker.count("views", "page:b", 1);
    CHECK(text_of(names.of(maker.end_interval())) == "views counter 1 of 1");
}

TEST_CASE("no more than the page has room for") {
    SnapshotMaker maker;
    BusiestNames names;
    for (int i = 0; i < 100; ++i) maker.count(fmt::format("n{:02}", i), "", i);
    const std::vector<BusyName> busiest = names.of(maker.end_interval());
    REQUIRE(busiest.size() == busiest_names_max);
    CHECK(busiest.front().name == "n99");
    CHECK(busiest.back().name == "n90");
}

TEST_CASE("an id that another series has now counts for its own name") {
    SnapshotMaker maker;
    BusiestNames names;
    maker.count("old", "", 1);
    CHECK(text_of(names.of(maker.end_interval())) == "old counter 1 of 1");
    maker.forget(Kind::counter, "old", "");
    maker.count("new", "", 2);
    CHECK(text_of(names.of(maker.end_interval())) == "new counter 2 of 1");
}

TEST_CASE("all names are looked at where series are few, however alike their counts are") {
    SnapshotMaker maker;
    BusiestNames names;
    for (std::size_t i = 0; i < series_looked_at_min; ++i) {
        maker.count(fmt::format("n{:04}", i), "", 1);
    }
    const std::vector<BusyName> busiest = names.of(maker.end_interval());
    REQUIRE(busiest.size() == busiest_names_max);
    CHECK(busiest.front().name == "n0000");
    CHECK(busiest.back().name == "n0009");
}

TEST_CASE("what stands out is found among many names, with all that it has") {
    SnapshotMaker maker;
    BusiestNames names;
    constexpr std::size_t many = 100'000;
    for (int interval = 0; interval < 2; ++interval) {
        for (std::size_t i = 0; i < many; ++i) maker.count(fmt::format("n{}", i), "", 1);
        for (std::size_t i = 0; i < busiest_names_max; ++i) {
            for (std::size_t tag = 0; tag < 50; ++tag) {
                maker.count(fmt::format("busy{}", i), fmt::format("id:{}", tag),
                            static_cast<double>(10 * (i + 1)));
            }
        }
        const std::vector<BusyName> busiest = names.of(maker.end_interval());
        REQUIRE(busiest.size() == busiest_names_max);
        for (std::size_t i = 0; i < busiest_names_max; ++i) {
            CHECK(busiest[i].name == fmt::format("busy{}", busiest_names_max - 1 - i));
            CHECK(busiest[i].count == 500 * static_cast<double>(busiest_names_max - i));
            CHECK(busiest[i].series == 50);
        }
    }
}
