// What `pitot check --explain` prints: tests/data/alerts/explain.toml against the text beside
// it, to the letter; and the lines that depend on what is around the rules.
#include "agent/alerts/rule_text.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "agent/config/alerts.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::tests;
using agent::alerts::AlertsConfig;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

AlertsConfig loaded_from(const std::filesystem::path& file, bool with_built_in = false) {
    agent::RulesFileArguments arguments{.environment = config_environment()};
    if (with_built_in) arguments.own_prefix = "pitot";
    auto loaded = agent::load_rules_files(std::array{file}, arguments);
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    return *std::move(loaded);
}

std::string without(std::string text, const std::string& part) {
    for (std::size_t at = 0; (at = text.find(part)) != std::string::npos;) {
        text.erase(at, part.size());
    }
    return text;
}

}  // namespace

TEST_CASE("what rules come to is printed") {
    const std::filesystem::path directory =
        std::filesystem::path(PITOT_SOURCE_DIR) / "tests" / "data" / "alerts";
    const AlertsConfig config = loaded_from(directory / "explain.toml");
    const std::string text = explain(config, 10 * second_ns);
    CHECK(without(text, (directory / "").native()) == content_of(directory / "explain.expected"));
}

TEST_CASE("how a share is read is said, where nobody has said what the metric is in") {
    const ConfigDirectory directory;
    const auto text_of = [&](const std::string& toml) {
        return explain(loaded_from(directory.write("a.toml", toml)), 10 * second_ns);
    };
    const std::string rule = "[alerts.a]\ncondition = 'disk.usage > 80%'\n";
    CHECK(text_of(rule).contains(
        "`disk.usage` has no unit in [units], so that 80% is 0.8 of it; if it counts to 100, "
        "declare \"disk.usage\" = \"percent\" or write 80\n"));
    CHECK(text_of("[alerts.a]\ncondition = 'max(disk.usage[1m]) between 1% and 2%'\n")
              .contains("so that 2% is 0.02 of it"));
    CHECK_FALSE(text_of("units = { \"disk.*\" = \"percent\" }\n" + rule).contains("so that"));
    CHECK_FALSE(text_of("[alerts.a]\ncondition = 'ratio(a, b) > 80%'\n").contains("so that"));
}

TEST_CASE("built-in rules come last, and nothing that clients wrote is obeyed") {
    const ConfigDirectory directory;
    const auto file =
        directory.write("a.toml",
                        "[alerts]\nenabled = false\n[alerts.a]\n"
                        "condition = \"rate('x\\u001b[2J') > 1\"\nchannels = [\"\\u001b]0;t\"]\n");
    const std::string text = explain(loaded_from(file, true), 10 * second_ns);
    CHECK(text.starts_with("a (" + file.native() + ":3)\n"));
    CHECK(text.find("pitot_sink_failing (built in)\n") > text.find("a ("));
    CHECK(text.contains("\nAlerts are switched off: alerts.enabled is false.\n"));
    CHECK_FALSE(text.contains('\x1b'));
}
