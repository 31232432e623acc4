// What words behind `pitot` mean, and what is said about those that mean nothing.
#include "agent/cli/command_line.h"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "agent/version.h"

using namespace pitot;
using namespace pitot::agent;

namespace {

using Words = std::vector<std::string>;

template <typename Arguments>
Arguments parsed_as(const Words& words) {
    Command command = parse_command_line(words);
    if (const auto* const answer = std::get_if<Answer>(&command)) FAIL(answer->text);
    REQUIRE(std::holds_alternative<Arguments>(command));
    return std::get<Arguments>(command);
}

Answer answer_to(const Words& words) {
    const Command command = parse_command_line(words);
    REQUIRE(std::holds_alternative<Answer>(command));
    return std::get<Answer>(command);
}

}  // namespace

TEST_CASE("run") {
    const auto none = parsed_as<RunArguments>({"run"});
    CHECK_FALSE(none.config_file.has_value());
    CHECK(none.sets.empty());
    CHECK_FALSE(none.ready_file.has_value());
    CHECK_FALSE(none.ledger_file.has_value());

    const auto all = parsed_as<RunArguments>({"run", "--set", "a=1", "--config", "c.toml",
                                              "--set=b=x=y", "--ready-file=r", "--set",
                                              "[c,d]=", "--ledger-file", "l", "--set", ""});
    CHECK(all.config_file == "c.toml");
    CHECK(all.sets == Words{"a=1", "b=x=y", "[c,d]=", ""});
    CHECK(all.ready_file == "r");
    CHECK(all.ledger_file == "l");
}

TEST_CASE("status") {
    const auto none = parsed_as<StatusArguments>({"status"});
    CHECK_FALSE(none.target.url.has_value());
    CHECK_FALSE(none.target.config_file.has_value());
    CHECK_FALSE(none.json);
    const auto all =
        parsed_as<StatusArguments>({"status", "--url", "http://127.0.0.1:1", "--config=a.toml",
                                    "--set", "http.token=x", "--format", "json"});
    CHECK(all.target.url == "http://127.0.0.1:1");
    CHECK(all.target.config_file == "a.toml");
    CHECK(all.target.sets == Words{"http.token=x"});
    CHECK(all.json);
    CHECK(answer_to({"status", "now"}).text ==
          "pitot status: unexpected word \"now\"\nSee `pitot help status`.\n");
    CHECK(answer_to({"stauts"}).text.contains("did you mean `status`?"));
    CHECK(answer_to({"status", "--url", ""}).exit_code == exit_usage);
}

TEST_CASE("test") {
    const auto one = parsed_as<TestArguments>({"test", "a.toml"});
    CHECK(one.files == std::vector<std::filesystem::path>{"a.toml"});
    CHECK_FALSE(one.junit_file.has_value());
    CHECK_FALSE(one.coverage);
    CHECK_FALSE(one.verbose);
    const auto all = parsed_as<TestArguments>(
        {"test", "a.toml", "--junit", "j.xml", "--coverage", "--verbose", "--", "-b"});
    CHECK(all.files == std::vector<std::filesystem::path>{"a.toml", "-b"});
    CHECK(all.junit_file == "j.xml");
    CHECK(all.coverage);
    CHECK(all.verbose);
    CHECK(answer_to({"test"}).text == "pitot test: must have a FILE\nSee `pitot help test`.\n");
    CHECK(answer_to({"test", ""}).exit_code == exit_usage);
}

TEST_CASE("check") {
    CHECK_FALSE(parsed_as<CheckArguments>({"check"}).config_file.has_value());
    CHECK(parsed_as<CheckArguments>({"check", "a.toml"}).config_file == "a.toml");
    CHECK(parsed_as<CheckArguments>({"check", "--explain"}).explain);
    CHECK(parsed_as<CheckArguments>({"check", "--config", "a.toml"}).config_file == "a.toml");
    CHECK(parsed_as<CheckArguments>({"check", "--", "-a"}).config_file == "-a");
    const auto both = parsed_as<CheckArguments>({"check", "a.toml", "--set", "x=1"});
    CHECK(both.config_file == "a.toml");
    CHECK(both.sets == Words{"x=1"});
}

TEST_CASE("explain") {
    const auto lines = parsed_as<ExplainArguments>(
        {"explain", "a:1|c", "[b,c]", "--format", "json", "d", "--", "-e", "--", "--stdin"});
    CHECK(lines.lines == Words{"a:1|c", "[b,c]", "d", "-e", "--", "--stdin"});
    CHECK(lines.json);
    CHECK_FALSE(lines.use_stdin);
    CHECK(lines.reading == protocol::Reading{});

    const auto standard_input = parsed_as<ExplainArguments>(
        {"explain", "--stdin", "--dialect", "statsd", "--tags", "librato"});
    CHECK(standard_input.use_stdin);
    CHECK_FALSE(standard_input.json);
    CHECK(standard_input.reading ==
          protocol::Reading{protocol::Dialect::statsd, protocol::TagDialect::librato,
                            protocol::GaugeSign::delta, protocol::TimerRate::count});
    CHECK(parsed_as<ExplainArguments>({"explain", "--gauge-sign", "delta", "a:1|c"})
              .reading.gauge_sign == protocol::GaugeSign::delta);
    CHECK(parsed_as<ExplainArguments>(
              {"explain", "--gauge-sign", "absolute", "--dialect", "statsd", "a:1|c"})
              .reading.gauge_sign == protocol::GaugeSign::absolute);
    CHECK(parsed_as<ExplainArguments>({"explain", "--timer-sample-rate", "count", "a:1|c"})
              .reading.timer_rate == protocol::TimerRate::count);
    CHECK(parsed_as<ExplainArguments>(
              {"explain", "--timer-sample-rate", "weight", "--dialect", "statsd", "a:1|c"})
              .reading.timer_rate == protocol::TimerRate::weight);
}

TEST_CASE("once") {
    const auto none = parsed_as<OnceArguments>({"once"});
    CHECK(none.start_s == 0);
    CHECK_FALSE(none.sink.has_value());
    CHECK(none.sets.empty());

    const auto all = parsed_as<OnceArguments>(
        {"once", "--config", "c", "--interval", "10s", "--set", "interval=1s", "--sink", "push",
         "--format", "json", "--start", "1700000000", "--tags", "influx"});
    CHECK(all.config_file == "c");
    CHECK(all.sink == "push");
    CHECK(all.start_s == 1'700'000'000);
    // The option of this command wins, wherever it stands.
    CHECK(all.sets == Words{"interval=1s", "interval=\"10s\""});
    CHECK(all.reading.tags == protocol::TagDialect::influx);
}

TEST_CASE("help and version are answers") {
    CHECK(answer_to({"version"}).text == "pitot " + std::string(version()) + "\n");
    CHECK(answer_to({"--version"}).exit_code == exit_success);
    CHECK(answer_to({}).exit_code == exit_usage);
    for (const Words& words : {Words{"help"}, Words{"--help"}, Words{"-h"}}) {
        CHECK(answer_to(words).exit_code == exit_success);
        CHECK(answer_to(words).text.contains("pitot explain [LINE…]"));
    }
    for (const CommandDescription& command : describe_commands()) {
        const Answer answer = answer_to({"help", command.name});
        CHECK(answer.exit_code == exit_success);
        CHECK(answer.text.starts_with("Usage: pitot " + command.name + " [OPTIONS]"));
        CHECK(answer_to({command.name, "--help"}).text == answer.text);
        CHECK(answer_to({command.name, "-h"}).text == answer.text);
        CHECK(answer_to({"help"}).text.contains("\n  pitot " + command.name));
    }
    CHECK(answer_to({"help", "run"}).text.contains("--ledger-file FILE"));
    CHECK(answer_to({"help", "check"}).text.contains("\n  78  it is wrong"));
}

TEST_CASE("a help text keeps within 80 columns, and what is to be copied in one piece") {
    std::string everything = answer_to({"help"}).text;
    for (const CommandDescription& command : describe_commands()) {
        everything += answer_to({"help", command.name}).text;
    }
    std::istringstream lines(everything);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK_FALSE(line.ends_with(' '));
        // "…" has more bytes than columns.
        std::size_t columns = 0;
        for (const char byte : line) columns += (static_cast<unsigned char>(byte) >> 6U) != 2;
        CHECK(columns <= 80);
    }
    CHECK(
        everything.contains("  pitot run --set 'interval=\"1s\"' --set sinks.out.type=console\n"));
}

namespace {

// The words of `pitot …` in an example, as a shell has them: in it there are blanks, single
// quotes, and what goes in or out.
Words words_of_example(const std::string& command) {
    const std::size_t begin = command.find("| pitot ") == std::string::npos
                                  ? command.find("pitot ")
                                  : command.find("pitot ", command.find("| pitot "));
    REQUIRE(begin != std::string::npos);
    Words words;
    bool is_quoted = false;
    bool is_open = false;  // the last word goes on
    for (const char character : command.substr(begin)) {
        if (!is_quoted && (character == '<' || character == '>' || character == '|')) break;
        if (!is_quoted && character == ' ') {
            is_open = false;
            continue;
        }
        if (!std::exchange(is_open, true)) words.emplace_back();
        if (character == '\'') {
            is_quoted = !is_quoted;
        } else {
            words.back() += character;
        }
    }
    words.erase(words.begin());
    return words;
}

}  // namespace

TEST_CASE("every example is a command line that is understood") {
    std::size_t examples = 0;
    for (const CommandDescription& command : describe_commands()) {
        for (const ExampleDescription& example : command.examples) {
            CAPTURE(example.command);
            const Words words = words_of_example(example.command);
            REQUIRE_FALSE(words.empty());
            CHECK(words.front() == command.name);
            CHECK_FALSE(std::holds_alternative<Answer>(parse_command_line(words)));
            ++examples;
        }
    }
    CHECK(examples >= 10);
}

TEST_CASE("words that mean nothing") {
    struct Row {
        Words words;
        std::string said;
    };
    const std::string seconds = "must be seconds between 0 and " + std::to_string(once_start_s_max);
    const std::array rows{
        Row{{"rnu"}, "pitot: unknown command `rnu`; did you mean `run`?\nSee `pitot help`.\n"},
        Row{{"frobnicate"}, "pitot: unknown command `frobnicate`\nSee `pitot help`.\n"},
        Row{{"\x1b[2J"}, "pitot: unknown command `\\x1b[2J`\nSee `pitot help`.\n"},
        Row{{"--verson"},
            "pitot: unknown option `--verson`; did you mean `--version`?\nSee `pitot help`.\n"},
        Row{{"help", "chekc"},
            "pitot: unknown command `chekc`; did you mean `check`?\nSee `pitot help`.\n"},
        Row{{"run", "--sett", "a=1"},
            "pitot run: unknown option `--sett`; did you mean `--set`?\nSee `pitot help run`.\n"},
        Row{{"run", "--ready_file=x"},
            "pitot run: unknown option `--ready_file`; did you mean `--ready-file`?\n"
            "See `pitot help run`.\n"},
        Row{{"run", "-x"}, "pitot run: unknown option `-x`\nSee `pitot help run`.\n"},
        Row{{"run", "c.toml"}, "pitot run: unexpected word \"c.toml\"\nSee `pitot help run`.\n"},
        Row{{"run", "--", "--set"},
            "pitot run: unexpected word \"--set\"\nSee `pitot help run`.\n"},
        Row{{"run", "--config"},
            "pitot run: --config: must be given with a value\nSee `pitot help run`.\n"},
        Row{{"run", "--config", "--set", "a=1"},
            "pitot run: --config: must be given with a value\nSee `pitot help run`.\n"},
        Row{{"run", "--config", ""},
            "pitot run: --config: must name a file, got nothing\nSee `pitot help run`.\n"},
        Row{{"run", "--config", "a", "--config", "b"},
            "pitot run: --config: must be given once\nSee `pitot help run`.\n"},
        Row{{"check", "a", "b"}, "pitot check: unexpected word \"b\"\nSee `pitot help check`.\n"},
        Row{{"check", "--config", "a", "b"},
            "pitot check: must have one file, got two\nSee `pitot help check`.\n"},
        Row{{"check", ""},
            "pitot check: FILE: must name a file, got nothing\nSee `pitot help check`.\n"},
        Row{{"explain"},
            "pitot explain: must have a line, or --stdin, got neither\n"
            "See `pitot help explain`.\n"},
        Row{{"explain", "--stdin=yes"},
            "pitot explain: --stdin: must be given without a value\n"
            "See `pitot help explain`.\n"},
        Row{{"explain", "--dialect", "statd", "a"},
            "pitot explain: --dialect: must be one of dogstatsd, statsd, got \"statd\"; did you "
            "mean `statsd`?\nSee `pitot help explain`.\n"},
        Row{{"once", "--start", "-5"},
            "pitot once: --start: " + seconds + ", got \"-5\"\nSee `pitot help once`.\n"},
        Row{{"once", "--start", "1.5"},
            "pitot once: --start: " + seconds + ", got \"1.5\"\nSee `pitot help once`.\n"},
        Row{{"once", "--interval", "10"},
            "pitot once: --interval: must be a duration such as 10s, got \"10\"\n"
            "See `pitot help once`.\n"},
        Row{{"once", "--format", "text"},
            "pitot once: --format: must be one of json, got \"text\"\n"
            "See `pitot help once`.\n"},
    };
    for (const Row& row : rows) {
        const Answer answer = answer_to(row.words);
        CHECK(answer.exit_code == exit_usage);
        CHECK(answer.text == row.said);
    }
}

TEST_CASE("migrate has a server and a file") {
    const auto arguments = parsed_as<MigrateArguments>({"migrate", "statsite", "a.ini"});
    CHECK(arguments.server == OtherServer::statsite);
    CHECK(arguments.file == "a.ini");
    CHECK(answer_to({"migrate", "etsy"}).text ==
          "pitot migrate: must have a SERVER and a FILE\nSee `pitot help migrate`.\n");
    CHECK(answer_to({"migrate", "telegraph", "a"}).text ==
          "pitot migrate: SERVER: must be one of etsy, statsite, telegraf, datadog, got "
          "\"telegraph\"; did you mean `telegraf`?\nSee `pitot help migrate`.\n");
}
