// "${NAME}" within the texts of a file: what is put in, for options of every type; what is
// left as it is; and what is said of those that cannot be resolved.
#include "agent/config/references.h"

#include <doctest/doctest.h>

#include <array>
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

const std::map<std::string, std::string> variables{
    {"HOST", "db.example"}, {"EMPTY", ""},
    {"N", "5000"},          {"LIST", "[50, 75]"},
    {"YES", "true"},        {"HOSTILE", "\"\n[limits]\nseries = 1 ${N} $$"},
    {"PW", "pa$$\"w\\"},    {"PORT_2", "8125"},
    {"BYTES", "\xff\xfe"},  {"LABELS", "{ zone = 'a' }"}};

struct Sample {
    SampleSettings settings;
    Lines problems;
    Lines warnings;
};

Sample sample_of(std::string_view options) {
    const ConfigDirectory directory;
    const auto file = directory.write(
        "c", "[sinks.a]\ntype = \"sample\"\nurl = \"http://a\"\n" + std::string(options));
    LoadArguments arguments = config_arguments(file);
    arguments.environment = config_environment(variables);
    auto loaded = load(arguments);
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    Sample sample;
    sample.settings = read_sample(loaded->sink_sections[0].options);
    for (Problem& problem : loaded->finish()) {
        problem.where = "c";
        sample.problems.push_back(to_line(problem));
    }
    for (const Problem& problem : loaded->warnings()) sample.warnings.push_back(to_line(problem));
    return sample;
}

}  // namespace

TEST_CASE("what is put into a text") {
    struct Row {
        std::string_view written;
        std::string_view read;
    };
    const std::array rows{
        Row{"\"${HOST}\"", "db.example"},
        Row{"\"http://${HOST}:${PORT_2}/\"", "http://db.example:8125/"},
        Row{"'${HOST}'", "db.example"},
        Row{"\"${UNSET:-other}\"", "other"},
        Row{"\"${EMPTY:-other}\"", "other"},
        Row{"\"${HOST:-other}\"", "db.example"},
        Row{"\"${UNSET:-}\"", ""},
        Row{"\"${UNSET:-a:b?c}\"", "a:b?c"},
        Row{"\"${EMPTY}\"", ""},
        Row{"\"${HOST:?must be told}\"", "db.example"},
        // No number, though it looks like one: the option takes a text.
        Row{"\"${N}\"", "5000"},
        Row{"\"${YES}\"", "true"},
        // Nothing of what a variable holds is TOML, or a reference.
        Row{"\"${HOSTILE}\"", "\"\n[limits]\nseries = 1 ${N} $$"},
        Row{"\"$${HOST}\"", "${HOST}"},
        Row{"\"$$$${HOST}\"", "$${HOST}"},
        Row{"\"$$\"", "$"},
        // A lone dollar sign is one.
        Row{"\"US$5, $HOST, $\"", "US$5, $HOST, $"},
        Row{"\"}{HOST}\"", "}{HOST}"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.written);
        const Sample sample = sample_of("job = " + std::string(row.written));
        CHECK(sample.problems.empty());
        CHECK(sample.settings.job == row.read);
    }
}

TEST_CASE("a text that is one reference serves options of every type") {
    const Sample sample = sample_of(
        "queue = \"${N:-1}\"\nratio = \"${UNSET:-0.25}\"\ncompress = \"${UNSET:-false}\"\n"
        "timeout = \"${UNSET:-2s}\"\nbatch_bytes = \"${N}\"\nformat = \"${UNSET:-json}\"\n"
        "buckets = \"${LIST}\"\nlabels = \"${LABELS}\"\nhosts = [\"${HOST}\", \"b\"]\n");
    CHECK(sample.problems ==
          Lines{"c:4:9: sinks.a.queue: must be a whole number between 1 and 1000, got the number "
                "5000"});
    CHECK(sample.settings.ratio == 0.25);
    CHECK_FALSE(sample.settings.compress);
    CHECK(sample.settings.timeout == 2s);
    CHECK(sample.settings.batch_bytes == 5000);
    CHECK(sample.settings.format == 0);
    CHECK(sample.settings.buckets == std::vector<double>{50, 75});
    CHECK(sample.settings.labels ==
          std::vector<std::pair<std::string, std::string>>{{"zone", "a"}});
    CHECK(sample.settings.hosts == std::vector<std::string>{"db.example", "b"});

    CHECK(sample_of("buckets = [1, \"${N}\"]").settings.buckets == std::vector<double>{1, 5000});
    // Part of a text is a text, and so is what is in quotes without a reference.
    CHECK(sample_of("queue = \"5${UNSET:-0}\"").problems.size() == 1);
    CHECK(sample_of("queue = \"50\"").problems.size() == 1);
}

TEST_CASE("secrets may be references, in whole or in part") {
    const Sample whole = sample_of("password = \"${PW}\"");
    CHECK(whole.settings.password == "pa$$\"w\\");
    CHECK(sample_of("password = \"a-${PW}\"").settings.password == "a-pa$$\"w\\");

    // In a file that everybody can read, a reference as a whole is no secret.
    const ConfigDirectory directory;
    const auto warned = [&](std::string_view password) {
        const auto file = directory.write("c",
                                          "[sinks.a]\ntype = \"sample\"\nurl = \"http://a\"\n"
                                          "password = " +
                                              std::string(password));
        std::filesystem::permissions(file, std::filesystem::perms(0644));
        LoadArguments arguments = config_arguments(file);
        arguments.environment = config_environment(variables);
        auto loaded = load(arguments);
        REQUIRE(loaded);
        read_sample(loaded->sink_sections[0].options);
        CHECK(loaded->finish().empty());
        return loaded->warnings().size();
    };
    CHECK(warned("\"${PW}\"") == 0);
    CHECK(warned("\"a-${PW}\"") == 1);
}

TEST_CASE("references that cannot be resolved are told, all of them, and once") {
    constexpr std::string_view forms =
        "\"${NAME}\", \"${NAME:-text}\" or \"${NAME:?message}\"; a dollar sign before '{' is "
        "\"$$\"";
    struct Row {
        std::string_view written;
        std::string what;
    };
    const std::array rows{
        Row{"${UNSET}", "must have a value: the environment variable UNSET is not set"},
        Row{"${UNSET:?}", "must have a value: the environment variable UNSET is not set"},
        Row{"${EMPTY:?}", "must have a value: the environment variable EMPTY is empty"},
        Row{"${UNSET:?must be told}", "must be told: the environment variable UNSET is not set"},
        Row{"${HOST", "must have a '}' behind \"${\": " + std::string(forms)},
        Row{"${}", "must have references as " + std::string(forms) + ", got \"${}\""},
        Row{"${2}", "must have references as " + std::string(forms) + ", got \"${2}\""},
        Row{"${A B}", "must have references as " + std::string(forms) + ", got \"${A B}\""},
        Row{"${A-b}", "must have references as " + std::string(forms) + ", got \"${A-b}\""},
        Row{"${A:+b}", "must have references as " + std::string(forms) + ", got \"${A:+b}\""},
        Row{"${A:-${HOST}}",
            "must have references as " + std::string(forms) + ", got \"${A:-${HOST}\""},
        Row{"${BYTES}", "must be UTF-8, and the environment variable BYTES is not"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.written);
        // Nothing is said about the value that is missing.
        for (const std::string_view key : {"job", "password", "timeout", "queue", "format"}) {
            const Sample sample =
                sample_of(std::string(key) + " = \"" + std::string(row.written) + "\"");
            CHECK(sample.problems == Lines{"c:4:" + std::to_string(key.size() + 4) + ": sinks.a." +
                                           std::string(key) + ": " + row.what});
        }
    }
    CHECK(sample_of("job = \"${A} and ${B}\"\nhosts = [\"${C}\"]\nlabels = { zone = \"${D}\" }")
              .problems ==
          Lines{"c:4:7: sinks.a.job: must have a value: the environment variable A is not set",
                "c:4:7: sinks.a.job: must have a value: the environment variable B is not set",
                "c:5:10: sinks.a.hosts: must have a value: the environment variable C is not set",
                "c:6:19: sinks.a.labels.zone: must have a value: the environment variable D is "
                "not set"});
}

TEST_CASE("many references to a long variable end in a problem, not in memory") {
    const ConfigDirectory directory;
    std::string text;
    for (int i = 0; i < 200; ++i) text += "${LONG}";
    LoadArguments arguments =
        config_arguments(directory.write("c", "interval = \"" + text + "\"\n"));
    arguments.environment = config_environment({{"LONG", std::string(100'000, 'x')}});
    const auto problems = problems_of(arguments);
    REQUIRE_FALSE(problems.empty());
    CHECK(problems[0].what == "must not be so long: references add more than 4194304 bytes");
}

TEST_CASE("keys, arguments and variables hold no references") {
    const ConfigDirectory directory;
    LoadArguments arguments =
        config_arguments(directory.write("c", "[sinks.a]\ntype = \"sample\"\nurl = \"http://a\"\n"),
                         {"sinks.a.job=\"${HOST}\""});
    auto more = variables;
    more["PITOT_SINKS__A__USER"] = "${HOST}";
    arguments.environment = config_environment(more);
    auto loaded = load(arguments);
    REQUIRE(loaded);
    CHECK(read_sample(loaded->sink_sections[0].options).job == "${HOST}");
    CHECK(loaded->sink_sections[0].options.text("user", "") == "${HOST}");
    CHECK(lines_wrong_in("[sinks.\"${HOST}\"]\ntype = \"console\"") ==
          Lines{"c:1:8: sinks.\"${HOST}\": must be a name of at most 64 letters, digits, '_' and "
                "'-'"});
}
