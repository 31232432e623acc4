// conf/pitot.toml against the code: it loads; what it shows is every option there is, and
// no other; and what it calls a default is one. So does conf/service.toml, as it is and with
// everything that it proposes.
//
// The file shows options as comments, "#interval = "10s"". The test takes the '#' away
// from all of them, so that what a comment says is read by the code it tells about.
#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/channels/registry.h"
#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/sink_set.h"
#include "sinks/registry.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

const std::filesystem::path shipped =
    std::filesystem::path(PITOT_SOURCE_DIR) / "conf" / "pitot.toml";

// Differs from machine to machine.
constexpr std::string_view host_dependent = "sinks.push.instance";
// Has none: an empty list is refused.
constexpr std::string_view without_default = "channels.*.urls";

bool is_option(const std::string& line) {
    return line.size() > 1 && line[0] == '#' &&
           (line[1] == '[' || (line[1] >= 'a' && line[1] <= 'z'));
}

std::string with_every_option(const std::string& text) {
    std::istringstream lines(text);
    std::string enabled;
    for (std::string line; std::getline(lines, line);) {
        enabled += (is_option(line) ? line.substr(1) : line) + "\n";
    }
    return enabled;
}

// Listeners share their options, under whatever name ("listeners.*.mode"), and so do sinks over
// HTTP as far as TLS and headers go ("sinks.*.tls_verify"), and all sinks but the console, which
// has a default of its own, as far as the agent's own metrics go: the file shows these once. So
// it does with the rules of alerts and with derived series. Of channels it shows twice only what
// has another default.
std::string general(const std::string& key) {
    for (const std::string prefix : {"listeners.", "sinks.", "channels.", "alerts.", "derive."}) {
        const std::size_t dot = key.find('.', prefix.size());
        if (!key.starts_with(prefix) || dot == std::string::npos) continue;
        const std::string option = key.substr(dot);
        const bool is_own = option == ".type" || option == ".rate_limit" || option == ".repeat";
        const bool is_shared = prefix == "listeners." || prefix == "alerts." ||
                               prefix == "derive." || option.starts_with(".tls_") ||
                               (prefix == "channels." && !is_own) || option == ".headers" ||
                               (option == ".self_metrics" && !key.starts_with("sinks.console."));
        if (is_shared) return prefix + "*" + option;
    }
    return key;
}

// "interval" → "\"10s\"", as the file has it.
std::map<std::string, std::string> values_in(const std::string& enabled) {
    std::map<std::string, std::string> values;
    std::string table;
    std::istringstream lines(enabled);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('[')) table = line.substr(1, line.size() - 2) + ".";
        const std::size_t equals = line.find(" = ");
        if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
        values[general(table + line.substr(0, equals))] = line.substr(equals + 3);
    }
    return values;
}

struct Loaded {
    std::vector<Asked> asked;
    Config config;
};

Loaded load_with_real_sinks(const std::filesystem::path& file,
                            Environment environment = config_environment()) {
    LoadArguments arguments;
    arguments.file = file;
    arguments.sink_types = sink_type_names();
    arguments.environment = std::move(environment);
    auto loaded = load(arguments);
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    const SystemClock clock;
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    const SinkSet sinks(*loaded, clock, log, 0);
    const auto problems = loaded->finish();
    CHECK_MESSAGE(problems.empty(), render(problems, {}));
    CHECK(loaded->warnings().empty());
    return {loaded->asked(), loaded->config};
}

}  // namespace

TEST_CASE("the shipped configuration is the default one") {
    const Config config = load_with_real_sinks(shipped).config;
    const auto loaded = load(config_arguments(std::nullopt));
    REQUIRE(loaded);
    const Config& defaults = loaded->config;
    CHECK(config.interval == defaults.interval);
    CHECK(config.quantiles == defaults.quantiles);
    CHECK(config.limits.series_max == defaults.limits.series_max);
    REQUIRE(config.listeners.size() == defaults.listeners.size());
    CHECK(std::ranges::all_of(config.listeners, &ListenerConfig::is_default));
    REQUIRE(config.sinks.size() == 2);
    CHECK(config.sinks[0].name == "metrics");
    CHECK(config.sinks[0].type == "prometheus");
    CHECK(config.sinks[1].name == "console");
    CHECK(config.sinks_are_default);
}

TEST_CASE("the service's configuration is right, and so is what it proposes") {
    const std::filesystem::path service = shipped.parent_path() / "service.toml";
    const Config config = load_with_real_sinks(service).config;
    CHECK(config.sinks.size() == 1);  // none that prints into the journal
    CHECK(std::ranges::all_of(config.listeners, &ListenerConfig::is_default));

    const ConfigDirectory directory;
    const std::filesystem::path secret = directory.write("influxdb-token", "s3cret");
    const std::filesystem::path file =
        directory.write("pitot.toml", with_every_option(content_of(service)));
    const Environment environment =
        config_environment({{"CREDENTIALS_DIRECTORY", secret.parent_path()}});
    CHECK(load_with_real_sinks(file, environment).config.sinks.size() == 3);
}

TEST_CASE("the shipped configuration shows every option, and its default") {
    const ConfigDirectory directory;
    const std::string enabled = with_every_option(content_of(shipped));
    // Keys that no code asks for are problems, and so fail here.
    const Loaded loaded = load_with_real_sinks(directory.write("pitot.toml", enabled));

    std::set<std::string> shown;
    for (const Asked& asked : loaded.asked) {
        if (asked.is_set) shown.insert(general(asked.key));
    }
    const std::map<std::string, std::string> values = values_in(enabled);
    std::size_t compared = 0;
    for (const Asked& asked : loaded.asked) {
        CAPTURE(asked.key);
        const std::string key = general(asked.key);
        CHECK(shown.contains(key));
        if (asked.fallback.empty() || key == host_dependent || key == without_default) continue;
        const auto value = values.find(key);
        REQUIRE(value != values.end());
        CHECK(value->second == asked.fallback);
        ++compared;
    }
    CHECK(compared >= 30);
    CHECK(shown.contains("expiry.sets"));
    CHECK(shown.contains("listeners.*.gauge_sign"));
}

TEST_CASE("the shipped configuration has a section for every type of sink and of channel") {
    const std::string text = content_of(shipped);
    for (const alerts::channels::ChannelType& type : alerts::channels::channel_types()) {
        CAPTURE(type.name);
        CHECK(text.contains("\n#type = \"" + std::string(type.name) + "\"\n"));
    }
    for (const sinks::SinkType& type : sinks::sink_types()) {
        CAPTURE(type.name);
        CHECK(text.contains("\n#type = \"" + std::string(type.name) + "\"\n"));
    }
}
