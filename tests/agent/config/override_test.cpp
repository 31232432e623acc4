// --set KEY=VALUE: what is TOML, what is a bare text, and what is refused.
#include "agent/config/override.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using pitot::tests::config_arguments;

namespace {

// The only leaf of a table as "a.b = the number 5".
std::string leaf(const Table& table) {
    REQUIRE(table.entries.size() == 1);
    const Entry& entry = table.entries.front();
    if (const Table* const inner = entry.node.table();
        inner != nullptr && !inner->entries.empty()) {
        return entry.key + "." + leaf(*inner);
    }
    return entry.key + " = " + describe(entry.node);
}

}  // namespace

TEST_CASE("one key and value") {
    struct Row {
        std::string_view text;
        std::string_view meaning;
    };
    const std::array rows{
        Row{"interval=\"1s\"", "interval = the text \"1s\""},
        Row{"interval = '1s'", "interval = the text \"1s\""},
        Row{"interval=1s", "interval = the text \"1s\""},
        Row{"  interval =  1s  ", "interval = the text \"1s\""},
        Row{"sinks.out.type=console", "sinks.out.type = the text \"console\""},
        Row{"sinks.\"o.u=t\".type=console", "sinks.o.u=t.type = the text \"console\""},
        Row{"a.address=127.0.0.1:8125", "a.address = the text \"127.0.0.1:8125\""},
        Row{"a.address=*:8125", "a.address = the text \"*:8125\""},
        Row{"a.path=/run/a=b", "a.path = the text \"/run/a=b\""},
        Row{"a.path=@pitot", "a.path = the text \"@pitot\""},
        Row{"a.job=it's", "a.job = the text \"it's\""},
        Row{"a.job=two words", "a.job = the text \"two words\""},
        Row{"a.job=True", "a.job = the text \"True\""},
        Row{"a.job=x # y", "a.job = the text \"x # y\""},
        Row{"limits.series=1_000", "limits.series = the number 1000"},
        Row{"a=-1.5e3", "a = the number -1500"},
        Row{"a=true", "a = true"},
        Row{"a=1979-05-27", "a = a date or time"},
        Row{"percentiles=[50, 99]", "percentiles = an array"},
        Row{"a={}", "a = a table"},
        Row{"a={b=1}", "a.b = the number 1"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto table = parse_override(row.text, 0);
        REQUIRE(table);
        CHECK(leaf(*table) == row.meaning);
    }
}

TEST_CASE("what is no key and value") {
    struct Row {
        std::string_view text;
        std::string_view what;
    };
    constexpr std::string_view form = "must be KEY=VALUE, such as 'interval=\"1s\"'";
    const std::array rows{
        Row{"", form},
        Row{"interval", form},
        // A byte order mark, which TOML skips, and what is then a comment or a header.
        Row{"\xef\xbb\xbf#=1", form},
        Row{"\xef\xbb\xbf[a]=1", form},
        Row{"=1s", form},
        Row{" =1s", form},
        Row{"[limits]=1", form},
        Row{"#interval=1s", form},
        Row{" # interval=1s \xff", form},
        Row{"a#b=c d", "must have '=' here, got '#' (in a key-value pair)"},
        Row{"a=", "must have a value behind '='; an empty text is \"\""},
        Row{"a=  ", "must have a value behind '='; an empty text is \"\""},
        Row{"a=1\nb=2", "must be one line; repeat --set for each option"},
        Row{"a=\"1s", "must have a quote behind the text, got none"},
        Row{"a=[1,", "must be legal TOML: encountered end-of-file (in an array)"},
        Row{"a=[::1]:8125",
            "must be legal TOML: could not determine value type (in a value); texts, durations and "
            "sizes are written in quotes: \"10s\""},
        Row{"a b=1s", "must have '=' here, got 'b' (in a key-value pair)"},
        Row{"a..b=1s",
            "must have a bare key starting character or string delimiter here, got '.' (in a "
            "key)"},
        Row{"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "must not have a key of more than 16 parts"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto table = parse_override(row.text, 3);
        REQUIRE_FALSE(table);
        CHECK(table.error().what == row.what);
        CHECK(table.error().position.source == 3);
        CHECK(table.error().position.line == 1);
    }
}

TEST_CASE("later arguments win over earlier ones, and arguments over the file") {
    const tests::ConfigDirectory directory;
    const auto file = directory.write("a.toml",
                                      "interval = \"7s\"\nshards = 3\n"
                                      "[limits]\nseries = 5\nseries_per_metric = 4\n"
                                      "[sinks.out]\ntype = \"console\"\nformat = \"json\"\n");
    const auto loaded = load(config_arguments(
        file, {"limits={series=6}", "interval=1s", "interval=2s", "sinks.out.format=text"}));
    REQUIRE(loaded);
    CHECK(loaded->config.interval == std::chrono::seconds(2));
    CHECK(loaded->config.shards == 3);
    CHECK(loaded->config.limits.series_max == 6);
    CHECK(loaded->config.limits.series_per_metric_max == 4);
    REQUIRE(loaded->sink_sections.size() == 1);
    constexpr std::array<std::string_view, 2> formats{"json", "text"};
    CHECK(loaded->sink_sections[0].options.choice("format", 0, formats) == 1);
}

TEST_CASE("a table over a value, and a value over a table") {
    using tests::lines_wrong_in;
    CHECK(lines_wrong_in("interval = \"1s\"", {"interval.x=1"}) ==
          std::vector<std::string>{
              "--set 1: interval: must be a duration such as \"10s\", got a table"});
    CHECK(lines_wrong_in("[limits]\nseries=5", {"limits=5"}) ==
          std::vector<std::string>{"--set 1: limits: must be a table: [limits], got the number 5"});
}

TEST_CASE("arguments alone make a configuration") {
    const auto loaded = load(
        config_arguments(std::nullopt, {"listeners.a.type=udp", "listeners.a.address=127.0.0.1:0",
                                        "sinks.out.type=console", "sinks.more.type=console"}));
    REQUIRE(loaded);
    REQUIRE(loaded->config.listeners.size() == 1);
    CHECK(loaded->config.listeners[0].address == "127.0.0.1:0");
    CHECK_FALSE(loaded->config.listeners[0].is_default);
    CHECK(loaded->sink_sections.size() == 2);
}

TEST_CASE("every wrong argument is reported") {
    CHECK(tests::lines_wrong_in("", {"interval", "a=[", "interval=1x"}) ==
          std::vector<std::string>{
              "--set 1: must be KEY=VALUE, such as 'interval=\"1s\"'",
              "--set 2: must be legal TOML: encountered end-of-file (in an array)",
              "--set 3: interval: must be a duration such as \"10s\" (units: ns, us, ms, s, m, h, "
              "d), "
              "got the text \"1x\""});
    CHECK(tests::lines_wrong_in("interval = 5", {"shards=0", "sinks.a.format=x", "sharks=2"}) ==
          std::vector<std::string>{
              "c:1:12: interval: must have a unit, such as \"5s\" or \"5ms\", got the number 5",
              "--set 1: shards: must be \"auto\" or between 1 and 64, got the number 0",
              "--set 2: sinks.a.type: must be one of \"console\", \"sample\", got nothing",
              "--set 3: sharks: unknown option; did you mean `shards`?"});
}
