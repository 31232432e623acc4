// `pitot check --show`: every option with its value and where it is from; what is printed
// can be loaded again and means the same; no secret is in it.
#include "agent/config/show.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "agent/sink_set.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

// What each option is in the end, written or not.
std::map<std::string, std::string> values_of(const LoadedConfig& loaded) {
    std::map<std::string, std::string> values;
    for (const Asked& asked : loaded.asked()) {
        if (asked.key == "include" || asked.type == "table") continue;
        if (asked.type == "table of tables") continue;
        values[asked.key] = asked.is_set ? asked.value : asked.fallback;
    }
    return values;
}

}  // namespace

TEST_CASE("each option with where it is from") {
    const ConfigDirectory directory;
    const auto main = directory.write("pitot.toml",
                                      "percentiles = [50, 99.9]\n"
                                      "[sinks.a]\n"
                                      "type = \"sample\"\n"
                                      "url = \"http://${HOST}\"\n"
                                      "password = \"swordfish\"\n"
                                      "labels = { zone = \"a\", \"b c\" = \"$${x}\" }\n"
                                      "[sinks.a.rules.one]\n"
                                      "match = \"*\"\n"
                                      "[listeners.in]\n"
                                      "type = \"udp\"\n"
                                      "address = \"127.0.0.1:0\"\n");
    directory.write("conf.d/b.toml",
                    "[limits]\nseries = 5000\n[sinks.b]\ntype = \"sample\"\n"
                    "url = \"http://b\"\npassword = { env = \"PW\" }\n");
    LoadArguments arguments = config_arguments(main, {"sinks.a.queue=7"});
    arguments.environment =
        config_environment({{"PITOT_INTERVAL", "2s"}, {"HOST", "h\\x"}, {"PW", "swordfish"}});
    const std::string text = show(loaded_of(arguments));
    for (const std::string_view line :
         {"include = []  # [\"conf.d/*.toml\"] (default) is in here",
          "interval = \"2s\"  # PITOT_INTERVAL", "#shards = \"auto\"  # default",
          "percentiles = [50, 99.9]  # pitot.toml:1", "\n[histogram]\n#schema = 5  # default",
          "series = 5000  # conf.d/b.toml:2", "#series_per_metric = 100000  # default",
          "\n[listeners.in]\ntype = \"udp\"  # pitot.toml:10",
          "address = \"127.0.0.1:0\"  # pitot.toml:11", "# path: not set"}) {
        CAPTURE(line);
        CHECK(("\n" + text).contains("\n" + std::string(line) + "\n"));
    }
    CHECK(text.substr(text.find("\n[sinks.a]\n")) ==
          "\n[sinks.a]\n"
          "type = \"sample\"  # pitot.toml:3\n"
          "#self_metrics = true  # default\n"
          "url = \"http://h\\\\x\"  # pitot.toml:4\n"
          "#job = \"pitot\"  # default\n"
          "# user: not set\n"
          "#compress = true  # default\n"
          "queue = 7  # --set 1\n"
          "#ratio = 0.5  # default\n"
          "#timeout = \"5s\"  # default\n"
          "#batch_bytes = \"1MiB\"  # default\n"
          "#format = \"text\"  # default\n"
          "#hosts = [\"localhost\"]  # default\n"
          "#buckets = [0.1, 1, 10]  # default\n"
          "labels = { zone = \"a\", \"b c\" = \"$${x}\" }  # pitot.toml:6\n"
          "#password = \"(secret)\"  # pitot.toml:5\n"
          "\n[sinks.b]\n"
          "type = \"sample\"  # conf.d/b.toml:4\n"
          "#self_metrics = true  # default\n"
          "url = \"http://b\"  # conf.d/b.toml:5\n"
          "#job = \"pitot\"  # default\n"
          "# user: not set\n"
          "#compress = true  # default\n"
          "#queue = 10  # default\n"
          "#ratio = 0.5  # default\n"
          "#timeout = \"5s\"  # default\n"
          "#batch_bytes = \"1MiB\"  # default\n"
          "#format = \"text\"  # default\n"
          "#hosts = [\"localhost\"]  # default\n"
          "#buckets = [0.1, 1, 10]  # default\n"
          "#labels = {}  # default\n"
          "password = { env = \"PW\" }  # conf.d/b.toml:6\n"
          "\n[sinks.a.rules.one]\n"
          "match = \"*\"  # pitot.toml:8\n");
}

TEST_CASE("what nobody wrote is shown as well") {
    const std::string text = show(loaded_of(config_arguments(std::nullopt)));
    CHECK(
        text.contains("\n# No listeners are configured, so these are opened, where that is "
                      "possible:\n#   udp: 127.0.0.1:8125\n"));
    CHECK(text.contains("\n[sinks.console]\ntype = \"console\"  # default\n"));
}

TEST_CASE("what is shown can be loaded, and means the same") {
    const ConfigDirectory directory;
    const std::array texts{
        std::string(),
        std::string("[sinks.a]\ntype = \"sample\"\nurl = \"a $$ $${b} \\\" \\\\ \\u0001 \\u202E "
                    "\\U0001F600 \\t\\n é\"\nratio = 1e-7\nbuckets = [1e8, 5, 0.1]\n"
                    "queue = 1_000\ntimeout = \"1m\"\nhosts = []\n"
                    "labels = { \"\" = \"\", \"a.b\" = \"c\", \"$${x}\" = \"y\" }\n"
                    "[sinks.a.rules.x]\nmatch = \"'\"\n[listeners.u]\ntype = \"unix\"\n"
                    "path = \"@a\"\n[expiry]\nsets = 0\n")};
    for (const std::string& text : texts) {
        const auto first = loaded_of(config_arguments(directory.write("a.toml", text)));
        const auto shown = show(first);
        const auto second = loaded_of(config_arguments(directory.write("b.toml", shown)));
        CHECK(values_of(first) == values_of(second));
        CHECK(std::ranges::none_of(shown, [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return c != '\n' && (byte < 0x20 || byte == 0x7F);
        }));
    }
}

TEST_CASE("every option of every sink there is comes back the same") {
    const ConfigDirectory directory;
    std::string enabled;
    std::istringstream lines(
        content_of(std::filesystem::path(PITOT_SOURCE_DIR) / "conf" / "pitot.toml"));
    for (std::string line; std::getline(lines, line);) {
        const bool is_option = line.size() > 1 && line[0] == '#' &&
                               (line[1] == '[' || (line[1] >= 'a' && line[1] <= 'z'));
        enabled += (is_option ? line.substr(1) : line) + "\n";
    }
    const auto loaded_with_sinks = [&](const std::filesystem::path& file) {
        const SinkTrial trial = sink_trial();
        LoadArguments arguments = config_arguments(file);
        arguments.sink_types = trial.types;
        // A secret that must be set is not shown.
        arguments.sets = {R"(channels.hook.url="http://127.0.0.1:8080/")"};
        auto loaded = load(arguments);
        REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
        std::ranges::for_each(loaded->sink_sections, trial.read);
        const auto problems = loaded->finish();
        REQUIRE_MESSAGE(problems.empty(), render(problems, {}));
        return *std::move(loaded);
    };
    const auto first = loaded_with_sinks(directory.write("a.toml", enabled));
    const auto second = loaded_with_sinks(directory.write("b.toml", show(first)));
    CHECK(values_of(first) == values_of(second));
    CHECK(values_of(first).size() >= 50);
}

TEST_CASE("no secret is shown, not even one of a table of them") {
    const ConfigDirectory directory;
    const auto shown_with = [&](const std::string& headers) {
        const auto file = directory.write("c", "[sinks.a]\ntype = \"console\"\n" + headers);
        auto loaded = load(config_arguments(file));
        REQUIRE(loaded);
        loaded->sink_sections[0].options.secret_table("headers");
        const auto problems = loaded->finish();
        REQUIRE_MESSAGE(problems.empty(), render(problems, {}));
        return show(*loaded);
    };
    const std::string open = shown_with("headers = { \"X-Key\" = \"swordfish\" }\n");
    CHECK_FALSE(open.contains("swordfish"));
    CHECK(open.contains("\n#headers = \"(secret)\"  # c:3\n"));
    const auto key = directory.write("key", "swordfish\n");
    CHECK(shown_with("headers = { k = { file = \"" + key.native() + "\" } }\n")
              .contains("\nheaders = { k = { file = \"" + key.native() + "\" } }  # c:3\n"));
}
