// Where options come from: files that include others, PITOT_ variables, arguments; which one
// wins, and what is said when two of one rank disagree.
#include "agent/config/sources.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

LoadArguments arguments_with(const Variables& variables,
                             std::optional<std::filesystem::path> file = std::nullopt,
                             std::vector<std::string> sets = {}) {
    LoadArguments arguments = config_arguments(std::move(file), std::move(sets));
    arguments.environment = config_environment(variables);
    return arguments;
}

// What is wrong, with the directory's name left out.
Lines wrong_in(const LoadArguments& arguments, const std::filesystem::path& directory = "-") {
    Lines lines;
    for (const Problem& problem : problems_of(arguments)) {
        std::string line = to_line(problem);
        for (std::size_t at = 0; (at = line.find(directory.native() + "/")) != std::string::npos;) {
            line.erase(at, directory.native().size() + 1);
        }
        lines.push_back(line);
    }
    return lines;
}

}  // namespace

TEST_CASE("files of conf.d are read with the file beside them, in the order of their names") {
    const ConfigDirectory directory;
    const auto main = directory.write("pitot.toml", "interval = \"7s\"\n");
    directory.write("conf.d/20-web.toml", "[sinks.web]\ntype = \"console\"\n");
    directory.write("conf.d/10-limits.toml",
                    "[limits]\nseries = 5000\n[sinks.first]\ntype = \"console\"\n");
    directory.write("conf.d/30-limits.toml", "[limits]\nseries_per_metric = 50\n");
    directory.write("conf.d/.hidden.toml", "nonsense\n");
    directory.write("conf.d/README", "nonsense\n");
    directory.write("conf.d/web.toml.dpkg-old", "nonsense\n");

    const LoadedConfig loaded = loaded_of(arguments_with({}, main));
    CHECK(loaded.config.interval == 7s);
    CHECK(loaded.config.limits.series_max == 5000);
    CHECK(loaded.config.limits.series_per_metric_max == 50);
    REQUIRE(loaded.config.sinks.size() == 2);
    CHECK(loaded.config.sinks[0].name == "first");
    CHECK(loaded.config.sinks[1].name == "web");
    REQUIRE(loaded.files().size() == 4);
    CHECK(loaded.files()[0] == main);
    CHECK(loaded.files()[1].filename() == "10-limits.toml");
}

TEST_CASE("what is included can be said") {
    const ConfigDirectory directory;
    directory.write("conf.d/a.toml", "interval = \"2s\"\n");
    directory.write("extra/b.toml", "interval = \"3s\"\n");
    directory.write("c.toml", "interval = \"4s\"\n");
    const auto interval_with = [&](const std::string& text, std::vector<std::string> sets = {}) {
        const auto main = directory.write("pitot.toml", text);
        return loaded_of(arguments_with({}, main, std::move(sets))).config.interval;
    };
    CHECK(interval_with("") == 2s);
    CHECK(interval_with("include = []") == 10s);
    CHECK(interval_with("include = [\"extra/*.toml\"]") == 3s);
    CHECK(interval_with("include = [\"c.toml\", \"nowhere/*.toml\"]") == 4s);
    // A file is read once, and does not include itself.
    CHECK(interval_with("include = [\"*.toml\", \"c.toml\"]") == 4s);
    CHECK(interval_with("include = [\"" + (directory.path() / "c.toml").native() + "\"]") == 4s);
    CHECK(interval_with("include = []", {"include=[\"extra/b.toml\"]"}) == 3s);

    const auto main = directory.write("pitot.toml", "include = []");
    const auto by_variable =
        loaded_of(arguments_with({{"PITOT_INCLUDE", "[\"extra/b.toml\"]"}}, main));
    CHECK(by_variable.config.interval == 3s);
}

TEST_CASE("a directory's name has no wildcards, whatever characters are in it") {
    const ConfigDirectory directory;
    const auto main = directory.write("a[b]*c/pitot.toml", "");
    directory.write("a[b]*c/conf.d/x.toml", "interval = \"2s\"\n");
    CHECK(loaded_of(arguments_with({}, main)).config.interval == 2s);
}

TEST_CASE("two files that give one option are told with both places") {
    const ConfigDirectory directory;
    const auto main = directory.write(
        "pitot.toml", "interval = \"7s\"\n[limits]\nseries = 5\nseries_per_metric = 4\n");
    directory.write("conf.d/a.toml", "# a comment\ninterval = \"7s\"\n[limits]\nseries = 6\n");
    directory.write("conf.d/b.toml", "limits = 5\nfoo = 1\n[sinks.a]\ntype = \"consle\"\n");
    CHECK(wrong_in(arguments_with({}, main), directory.path()) ==
          // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): messages are longer than lines
          Lines{"conf.d/a.toml:2:1: interval: must be given in one file, and is in "
                "pitot.toml:1:1 too",
                "conf.d/a.toml:4:1: limits.series: must be given in one file, and is in "
                "pitot.toml:3:1 too",
                "conf.d/b.toml:1:1: limits: must be given in one file, and is in "
                "pitot.toml:2:2 too",
                "conf.d/b.toml:2:1: foo: unknown option; known here: include, interval, "
                "flush_offset, shutdown_deadline, state_directory, shards, percentiles, "
                "counter_zeros, prefix, constant_tags, histogram, limits, expiry, log, "
                "self_metrics, http, units, alerts, derive, listeners, sinks, channels",
                "conf.d/b.toml:4:8: sinks.a.type: must be one of \"console\", \"sample\", got the "
                "text \"consle\"; did you mean \"console\"?"});
}

TEST_CASE("files that cannot be included") {
    const ConfigDirectory directory;
    const auto main = directory.write(
        "pitot.toml", "include = [\"nowhere.toml\", \"conf.d/*\"]\ninterval = \"1\"\n");
    directory.write("conf.d/a.toml", "interval = 5s\n");
    directory.write("conf.d/b.toml/c", "");
    directory.write("conf.d/d.toml", "include = [\"e.toml\"]\n");
    const std::string no_digit =
        "conf.d/a.toml:1:13: must have a digit here, got 's' (in a decimal integer); "
        "texts, durations and sizes are written in quotes: \"10s\"";
    const std::string no_include =
        "conf.d/d.toml:1:1: include: must stand in the main file: a file that is included "
        "includes none";
    const std::string no_unit =
        "pitot.toml:2:12: interval: must have a unit, such as \"1s\" or \"1ms\", got the text "
        "\"1\"";
    CHECK(wrong_in(arguments_with({}, main), directory.path()) ==
          Lines{"pitot.toml:1:11: include: must name files that are there, got \"nowhere.toml\"",
                no_unit, no_digit, "conf.d/b.toml: must be a file, got something else",
                no_include});
    const auto wrong_type = directory.write("other.toml", "include = \"conf.d\"\n");
    CHECK(wrong_in(arguments_with({}, wrong_type), directory.path()) ==
          Lines{"other.toml:1:11: include: must be a list of texts, such as [\"a\", \"b\"], got "
                "the text \"conf.d\""});
}

TEST_CASE("more files than anyone has are refused") {
    const ConfigDirectory directory;
    const auto main = directory.write("pitot.toml", "");
    for (std::size_t i = 0; i <= included_files_max; ++i) {
        directory.write("conf.d/" + std::to_string(i) + ".toml", "");
    }
    CHECK(wrong_in(arguments_with({}, main), directory.path()) ==
          Lines{"pitot.toml: include: must be at most 256 files, got 257"});
}

TEST_CASE("variables set options") {
    const LoadedConfig loaded = loaded_of(arguments_with({
        {"PITOT_INTERVAL", "1s"},
        {"PITOT_Limits__Series", "5000"},
        {"PITOT_PERCENTILES", "[50, 75]"},
        {"PITOT_SHARDS", "3"},
        {"PITOT_LISTENERS__APPS__TYPE", "udp"},
        {"PITOT_LISTENERS__APPS__ADDRESS", "127.0.0.1:0"},
        {"PITOT_LISTENERS__APPS__RECEIVE_BUFFER", "65536"},
        {"PITOT_SINKS__OUT__TYPE", "console"},
        {"PITOT_EXPIRY", "{ gauges = \"2h\" }"},
        {"PATH", "/bin"},
    }));
    const Config& config = loaded.config;
    CHECK(config.interval == 1s);
    CHECK(config.limits.series_max == 5000);
    CHECK(config.quantiles == std::vector<double>{0.5, 0.75});
    CHECK(config.shards == 3);
    CHECK(config.expiry.gauges == 2h);
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].name == "apps");
    CHECK(config.listeners[0].receive_buffer_bytes == 65536);
    REQUIRE(config.sinks.size() == 1);
    CHECK(config.sinks[0].name == "out");
}

TEST_CASE("texts arrive byte for byte, whatever they look like") {
    struct Row {
        std::string_view value;
        std::string_view text;
    };
    const std::array rows{
        Row{"plain", "plain"},
        Row{"31415926", "31415926"},
        Row{"true", "true"},
        Row{"1979-05-27", "1979-05-27"},
        Row{"1e3", "1e3"},
        Row{"pa$$word", "pa$$word"},
        Row{"${NOT_A_REFERENCE}", "${NOT_A_REFERENCE}"},
        Row{"a\\b\"c # d", "a\\b\"c # d"},
        Row{"two\nlines = 1", "two\nlines = 1"},
        Row{"1\n2", "1\n2"},
        Row{" blanks ", " blanks "},
        Row{R"("quoted\n")", "quoted\n"},
        Row{"'literal\\n'", "literal\\n"},
        Row{"", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.value);
        auto loaded = load(arguments_with({{"PITOT_SINKS__A__TYPE", "sample"},
                                           {"PITOT_SINKS__A__URL", "http://127.0.0.1"},
                                           {"PITOT_SINKS__A__JOB", std::string(row.value)},
                                           {"PITOT_SINKS__A__PASSWORD", std::string(row.value)}}));
        REQUIRE(loaded);
        const SampleSettings settings = read_sample(loaded->sink_sections[0].options);
        const auto problems = loaded->finish();
        CHECK_MESSAGE(problems.empty(), render(problems, {}));
        CHECK(settings.job == row.text);
        CHECK(settings.password == row.text);
        CHECK(loaded->warnings().empty());
    }
}

TEST_CASE("a variable finds the name that the file has") {
    const ConfigDirectory directory;
    const auto main = directory.write(
        "a.toml", "[sinks.EU-west]\ntype = \"sample\"\nurl = \"http://a\"\njob = \"a\"\n");
    auto loaded = load(arguments_with({{"PITOT_SINKS__EU_WEST__JOB", "b"}}, main));
    REQUIRE(loaded);
    REQUIRE(loaded->sink_sections.size() == 1);
    CHECK(read_sample(loaded->sink_sections[0].options).job == "b");
}

TEST_CASE("arguments come before variables, and variables before files") {
    const ConfigDirectory directory;
    const auto main =
        directory.write("a.toml", "interval = \"7s\"\nshards = 3\nflush_offset = \"1s\"\n");
    const Config config =
        loaded_of(arguments_with({{"PITOT_INTERVAL", "5s"}, {"PITOT_SHARDS", "4"}}, main,
                                 {"interval=6s"}))
            .config;
    CHECK(config.interval == 6s);
    CHECK(config.shards == 4);
    CHECK(config.flush_offset == 1s);
}

TEST_CASE("wrong variables") {
    const auto wrong = [](const Variables& variables) {
        return wrong_in(arguments_with(variables));
    };
    constexpr std::string_view form =
        "must be PITOT_ and a key, with two underscores between its parts, such as "
        "PITOT_SINKS__PUSH__URL";
    CHECK(wrong({{"PITOT_INTERVALL", "1s"}}) ==
          Lines{"PITOT_INTERVALL: intervall: unknown option; did you mean `interval`?"});
    CHECK(wrong({{"PITOT_LIMITS_SERIES", "5"}}) ==
          Lines{"PITOT_LIMITS_SERIES: limits_series: unknown option; the parts of a key have two "
                "underscores between them: limits__series"});
    CHECK(wrong({{"PITOT_LIMITS__SERIE", "5"}}) ==
          Lines{"PITOT_LIMITS__SERIE: limits.serie: unknown option; did you mean `series`?"});
    CHECK(
        wrong({{"PITOT_INTERVAL", "5"}, {"PITOT_SHARDS", "many"}}) ==
        Lines{"PITOT_INTERVAL: interval: must have a unit, such as \"5s\" or \"5ms\", got the "
              "number 5",
              "PITOT_SHARDS: shards: must be \"auto\" or between 1 and 64, got the text \"many\""});
    CHECK(wrong({{"PITOT_INTERVAL", "1s"}, {"PITOT_interval", "2s"}}) ==
          Lines{"PITOT_interval: interval: must be given once, and is by PITOT_INTERVAL too"});
    CHECK(wrong({{"PITOT_", "1"}}) == Lines{"PITOT_: " + std::string(form)});
    CHECK(wrong({{"PITOT_A____B", "1"}}) == Lines{"PITOT_A____B: " + std::string(form)});
    CHECK(wrong({{"PITOT_A.B", "1"}}) == Lines{"PITOT_A.B: " + std::string(form)});
    CHECK(wrong({{"PITOT_PERCENTILES", "[50,"}}) ==
          Lines{"PITOT_PERCENTILES: must be legal TOML: encountered end-of-file (in an array)"});
    CHECK(wrong({{"PITOT_INTERVAL", "\xff"}}) ==
          Lines{"PITOT_INTERVAL: must be UTF-8, got a byte that is not"});
    // What is wrong by itself is said, but nothing that may be about what cannot be read.
    CHECK(wrong({{"PITOT_INTERVAL", "\"5"},
                 {"PITOT_EXPIRY__GAUGES", "5s"},
                 {"PITOT_LISTENERS__A__TYPE", "udp"},
                 {"PITOT_SHARDS", "many"}}) ==
          Lines{"PITOT_INTERVAL: must have a quote behind the text, got none",
                "PITOT_SHARDS: shards: must be \"auto\" or between 1 and 64, got the text "
                "\"many\""});
}

TEST_CASE("variables that are no options") {
    loaded_of(arguments_with({
        {"PITOT_SERVICE_HOST", "10.0.0.1"},
        {"PITOT_SERVICE_PORT", "8125"},
        {"PITOT_SERVICE_PORT_STATSD", "8125"},
        {"PITOT_PORT", "udp://10.0.0.1:8125"},
        {"PITOT_PORT_8125_UDP", "udp://10.0.0.1:8125"},
        {"PITOT_PORT_8125_UDP_ADDR", "10.0.0.1"},
        {"PITOT_EU_SERVICE_HOST", "10.0.0.1"},
        {"PITOTS", "no prefix of ours"},
    }));
}

TEST_CASE("a variable names the file where the command line does not") {
    const ConfigDirectory directory;
    const auto named = directory.write("named.toml", "interval = \"2s\"\n");
    const auto other = directory.write("other.toml", "interval = \"3s\"\n");
    const Variables variables{{"PITOT_CONFIG", named.native()}};
    CHECK(loaded_of(arguments_with(variables)).config.interval == 2s);
    CHECK(loaded_of(arguments_with(variables, other)).config.interval == 3s);
    CHECK(loaded_of(arguments_with({{"PITOT_CONFIG", ""}})).config.interval == 10s);
    CHECK(wrong_in(arguments_with({{"PITOT_CONFIG", "/nowhere/a.toml"}})) ==
          Lines{"/nowhere/a.toml: must be readable, got \"No such file or directory\""});
}
