// Files that hold rules of alerts alone, as `pitot test` reads them.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/config/alerts.h"
#include "tests/support/config_rig.h"

using namespace pitot::agent;
using namespace pitot::tests;

TEST_CASE("files of rules are loaded by themselves") {
    const ConfigDirectory directory;
    const auto first =
        directory.write("a.toml",
                        "[alerts.a]\ncondition = 'increase(x[1m]) > ${LIMIT}'\nchannels = ['any']\n"
                        "[channels.any]\ntype = 'log'\n");
    const auto second = directory.write("b.toml", "[alerts.b]\ncondition = 'x > 1'\n");
    const RulesFileArguments arguments{.interval = std::chrono::seconds(1),
                                       .environment = config_environment({{"LIMIT", "5"}})};
    const auto loaded = load_rules_files(std::vector{first, second}, arguments);
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    REQUIRE(loaded->rules.size() == 2);
    CHECK(loaded->rules[0].rule.name == "a");
    CHECK(loaded->rules[0].rule.levels[0].condition.feeds[0].window_flushes == 60);
    CHECK(loaded->rules[1].rule.name == "b");

    RulesFileArguments with_own = arguments;
    with_own.own_prefix = "pitot";
    CHECK(load_rules_files(std::vector{second}, with_own)->rules.size() ==
          1 + loaded_of(config_arguments(directory.write("empty", ""))).config.alerts.rules.size());

    const auto bad =
        directory.write("c.toml",
                        "[alerts.b]\ncondition = 'x >'\nfro = '1m'\n[listeners.a]\ntype = 'udp'\n"
                        "[alert.c]\ncondition = 'x > 1'\n");
    const auto refused = load_rules_files(std::vector{second, bad}, arguments);
    REQUIRE_FALSE(refused);
    std::vector<std::string> lines;
    for (Problem problem : refused.error()) {
        problem.where = std::filesystem::path(problem.where).filename();
        lines.push_back(to_line(problem));
    }
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("c.toml:2:1: alerts.b.condition: must be given in one file"));
    CHECK(lines[1] == "c.toml:3:1: alerts.b.fro: unknown option; did you mean `for`?");
    CHECK(lines[2] == "c.toml:6:2: alert: unknown table; did you mean `alerts`?");
    CHECK_FALSE(load_rules_files(std::vector{directory.path() / "none"}, arguments));
}
