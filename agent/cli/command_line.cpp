// The one place that includes CLI11. Each command has a parser of its own, so that a word
// that is not one of its options is known to be wrong for it.
#include "agent/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "agent/config/listeners.h"
#include "agent/config/suggest.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "agent/version.h"

namespace pitot::agent {

namespace {

using Words = std::span<const std::string>;

constexpr std::array<std::string_view, 8> commands{"run",  "status",  "check",   "explain",
                                                   "once", "migrate", "version", "help"};

constexpr std::string_view overview =
    R"(pitot takes StatsD and DogStatsD lines, aggregates them, and sends the result on.

  pitot run [--config FILE] [--set KEY=VALUE]…     the agent
  pitot status [--url URL] [--format json]         how is the agent that runs here?
  pitot check [FILE] [--show] [--strict]           is this configuration right?
  pitot explain LINE…                              how a line is read
  pitot once [--config FILE] [--sink NAME]         standard input to standard output
  pitot migrate SERVER FILE                        from statsd, statsite, Telegraf, Datadog
  pitot version
  pitot help [COMMAND]

Any option can be set without a file: by --set, or by a variable such as PITOT_INTERVAL=1s
or PITOT_SINKS__PUSH__URL=… PITOT_CONFIG names the file where --config does not.

Exit codes: 0 done, 1 failed, 3 warnings (check --strict), 64 wrong command line, 78 wrong
configuration; of `pitot status` 0 ok, 1 degraded, 2 failing, 3 not reached.
)";

Answer misused(std::string_view command, std::string_view what) {
    const std::string suffix = command.empty() ? "" : fmt::format(" {}", command);
    return {exit_usage, fmt::format("pitot{}: {}\nSee `pitot help{}`.\n", suffix, what, suffix)};
}

// One command: its options, and what to do with their values.
class CommandParser {
public:
    // `words_name` stands for the words that are no options: "[FILE]", "LINE…", or "".
    CommandParser(std::string_view command, std::string_view purpose, std::string_view words_name,
                  std::size_t words_max)
        : command_(command), words_max_(words_max) {
        app_.allow_extras();
        app_.set_help_flag();
        help_ = fmt::format("Usage: pitot {} [OPTIONS]{}{}\n{}\n\n", command,
                            words_name.empty() ? "" : " ", words_name, purpose);
        flag("--help", "this text", wants_help_);
    }

    // An option with a value. `take` returns what is wrong with it, or nothing.
    using Take = std::function<std::string(const std::string&)>;
    CLI::Option* option(const std::string& name, std::string_view value_name,
                        std::string_view description, Take take) {
        document(fmt::format("{} {}", name, value_name), description);
        names_.push_back(name);
        return app_.add_option_function<std::string>(
            name, [this, name, take = std::move(take)](const std::string& value) {
                // "--config --set a=1": the library takes the next word, whatever it is.
                const bool is_option = std::ranges::find(names_, value) != names_.end();
                const std::string wrong = is_option ? "must be given with a value" : take(value);
                if (!wrong.empty() && problem_.empty()) {
                    problem_ = fmt::format("{}: {}", name, wrong);
                }
            });
    }

    void flag(const std::string& name, std::string_view description, bool& target) {
        document(name, description);
        names_.push_back(name);
        app_.add_flag(name, target)->disable_flag_override();
    }

    void path(const std::string& name, std::string_view description,
              std::optional<std::filesystem::path>& target) {
        option(name, "FILE", description, [&target](const std::string& text) {
            target = text;
            return std::string(text.empty() ? "must name a file, got nothing" : "");
        });
    }

    void sets(std::vector<std::string>& target) {
        option("--set", "KEY=VALUE",
               "set an option: 'interval=\"1s\"', sinks.out.type=console; repeatable",
               [&target](const std::string& text) {
                   target.push_back(text);
                   return std::string();
               })
            ->trigger_on_parse();
    }

    void choice(const std::string& name, std::vector<std::string_view> words,
                std::string_view description, std::function<void(std::size_t)> choose) {
        const std::string value_name = fmt::format("{}", fmt::join(words, "|"));
        option(name, value_name, description,
               [words = std::move(words), choose = std::move(choose)](const std::string& text) {
                   const auto found = std::ranges::find(words, text);
                   if (found == words.end()) {
                       return fmt::format("must be one of {}, got \"{}\"{}", fmt::join(words, ", "),
                                          printable(text), did_you_mean(text, words));
                   }
                   choose(static_cast<std::size_t>(found - words.begin()));
                   return std::string();
               });
    }

    // An answer if there is nothing to carry out.
    std::optional<Answer> parse(Words words);
    // The words that were no options; all those behind "--" among them.
    const std::vector<std::string>& words() const { return words_; }
    Answer misused_here(std::string_view what) const { return misused(command_, what); }
    const std::string& help() const { return help_; }

private:
    void document(const std::string& left, std::string_view description) {
        help_ += left.size() <= 27 ? fmt::format("  {:<28}{}\n", left, description)
                                   : fmt::format("  {}\n  {:<28}{}\n", left, "", description);
    }
    std::string reworded(const CLI::ParseError& error) const;

    std::string command_;
    std::size_t words_max_;
    CLI::App app_;
    std::string help_;
    bool wants_help_ = false;
    std::vector<std::string> names_;
    std::vector<std::string> words_;
    std::string problem_;
};

std::optional<Answer> CommandParser::parse(Words words) {
    const auto dashes = std::ranges::find(words, "--");
    // The library takes words in reverse.
    std::vector<std::string> before(words.begin(), dashes);
    std::ranges::reverse(before);
    try {
        app_.parse(before);
    } catch (const CLI::ParseError& error) {
        return misused_here(reworded(error));
    }
    if (wants_help_) return Answer{exit_success, help_};
    if (!problem_.empty()) return misused_here(problem_);

    const std::vector<std::string_view> known(names_.begin(), names_.end());
    for (const std::string& word : app_.remaining()) {
        if (word.size() > 1 && word.starts_with('-')) {
            const std::string name = word.substr(0, word.find('='));
            return misused_here(
                fmt::format("unknown option `{}`{}", printable(name), did_you_mean(name, known)));
        }
        words_.push_back(word);
    }
    if (dashes != words.end()) words_.insert(words_.end(), dashes + 1, words.end());
    if (words_.size() > words_max_) {
        return misused_here(fmt::format("unexpected word \"{}\"", printable(words_[words_max_])));
    }
    return std::nullopt;
}

// "--config: 1 required TEXT missing" and the like, in our wording.
std::string CommandParser::reworded(const CLI::ParseError& error) const {
    const std::string text = error.what();
    const std::string name = text.substr(0, text.find(':'));
    if (text.contains("disallowed flag override")) {
        return fmt::format("--{}: must be given without a value",
                           printable(text.substr(0, text.find(' '))));
    }
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
        return fmt::format("{}: must be given {}", printable(name),
                           text.contains("received") ? "once" : "with a value");
    }
    return printable(text, 200);
}

// How lines are read, where there is no listener that says it.
class ReadingOptions {
public:
    explicit ReadingOptions(CommandParser& parser) {
        parser.choice("--dialect", {"dogstatsd", "statsd"}, "how lines are read",
                      [this](std::size_t index) {
                          reading_.dialect = static_cast<protocol::Dialect>(index);
                      });
        parser.choice("--tags", {"none", "influx", "librato", "signalfx"},
                      "tags within names, besides |#", [this](std::size_t index) {
                          reading_.tags = static_cast<protocol::TagDialect>(index);
                      });
        parser.choice(
            "--gauge-sign", {"absolute", "delta"},
            "what -3|g means; by default as the dialect has it",
            [this](std::size_t index) { gauge_sign_ = static_cast<protocol::GaugeSign>(index); });
    }

    protocol::Reading reading() const {
        protocol::Reading reading = reading_;
        reading.gauge_sign =
            gauge_sign_.value_or(default_gauge_sign(ListenerType::udp, reading.dialect));
        return reading;
    }

private:
    protocol::Reading reading_;
    std::optional<protocol::GaugeSign> gauge_sign_;
};

Command parse_run(Words words) {
    RunArguments arguments;
    CommandParser parser("run", "Runs the agent until SIGTERM or SIGINT.", "", 0);
    parser.path("--config", "the configuration; without one, the defaults", arguments.config_file);
    parser.sets(arguments.sets);
    parser.path("--ready-file", "written when listeners and sinks are open: their addresses",
                arguments.ready_file);
    parser.path("--ledger-file", "written at the end: what became of every line and point",
                arguments.ledger_file);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    return arguments;
}

Command parse_check(Words words) {
    CheckArguments arguments;
    CommandParser parser("check", "Checks a configuration; opens no socket.", "[FILE]", 1);
    parser.path("--config", "the same as FILE", arguments.config_file);
    parser.sets(arguments.sets);
    parser.flag("--show", "print the final configuration: each option, and where it is from",
                arguments.show);
    parser.flag("--strict", "exit with 3 where there are warnings", arguments.strict);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (!parser.words().empty()) {
        if (arguments.config_file) return parser.misused_here("must have one file, got two");
        if (parser.words().front().empty()) {
            return parser.misused_here("FILE: must name a file, got nothing");
        }
        arguments.config_file = parser.words().front();
    }
    return arguments;
}

Command parse_explain(Words words) {
    ExplainArguments arguments;
    CommandParser parser("explain", "Shows how lines are read, and what they become.", "[LINE…]",
                         static_cast<std::size_t>(-1));
    parser.flag("--stdin", "read lines, or JSON objects with \"input\", from standard input",
                arguments.use_stdin);
    parser.choice("--format", {"text", "json"}, "of the answers",
                  [&](std::size_t index) { arguments.json = index == 1; });
    parser.path("--config", "show what lines become in the sinks of this configuration",
                arguments.config_file);
    parser.sets(arguments.sets);
    ReadingOptions reading(parser);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (!arguments.use_stdin && parser.words().empty()) {
        return parser.misused_here("must have a line, or --stdin, got neither");
    }
    arguments.lines = parser.words();
    arguments.reading = reading.reading();
    return arguments;
}

Command parse_once(Words words) {
    OnceArguments arguments;
    CommandParser parser("once",
                         "Aggregates the lines of standard input on a virtual clock, and prints\n"
                         "each interval, or the bytes that a sink would send.",
                         "", 0);
    parser.path("--config", "the configuration; without one, the defaults", arguments.config_file);
    parser.sets(arguments.sets);
    parser.option("--sink", "NAME", "print what this sink of the configuration would send",
                  [&](const std::string& text) {
                      arguments.sink = text;
                      return std::string(text.empty() ? "must name a sink, got nothing" : "");
                  });
    parser.choice("--format", {"json"}, "of the intervals", [](std::size_t) {});
    parser.option("--start", "UNIX_SECONDS", "where the clock starts",
                  [&](const std::string& text) -> std::string {
                      const char* const end = text.data() + text.size();
                      const auto [stop, error] =
                          std::from_chars(text.data(), end, arguments.start_s);
                      if (!text.empty() && error == std::errc() && stop == end &&
                          arguments.start_s >= 0 && arguments.start_s <= once_start_s_max) {
                          return {};
                      }
                      return fmt::format("must be seconds between 0 and {}, got \"{}\"",
                                         once_start_s_max, printable(text));
                  });
    parser.option("--interval", "DURATION", "the same as --set interval=DURATION",
                  [&](const std::string& text) -> std::string {
                      if (!parse_duration(text)) {
                          return fmt::format("must be a duration such as 10s, got \"{}\"",
                                             printable(text));
                      }
                      arguments.sets.push_back(fmt::format("interval=\"{}\"", text));
                      return {};
                  });
    ReadingOptions reading(parser);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    arguments.reading = reading.reading();
    return arguments;
}

Command parse_status(Words words) {
    StatusArguments arguments;
    CommandParser parser("status",
                         "Shows how the agent that runs here is, and what it loses. Exit codes: 0 "
                         "ok,\n1 degraded, 2 failing, 3 not reached.",
                         "", 0);
    parser.option("--url", "URL", "where it is: http://127.0.0.1:9125, unless configured otherwise",
                  [&](const std::string& text) {
                      arguments.url = text;
                      return std::string(text.empty() ? "must be a URL, got nothing" : "");
                  });
    parser.path("--config", "the agent's configuration: its http.address and http.token",
                arguments.config_file);
    parser.sets(arguments.sets);
    parser.choice("--format", {"text", "json"}, "a page for people, or the document itself",
                  [&](std::size_t index) { arguments.json = index == 1; });
    if (auto answer = parser.parse(words)) return std::move(*answer);
    return arguments;
}

Command parse_migrate(Words words) {
    MigrateArguments arguments;
    CommandParser parser("migrate",
                         "Prints the configuration of another server as one of pitot, with a\n"
                         "comment for what has no counterpart. SERVER is etsy, statsite, telegraf\n"
                         "or datadog.",
                         "SERVER FILE", 2);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (parser.words().size() < 2 || parser.words()[1].empty()) {
        return parser.misused_here("must have a SERVER and a FILE");
    }
    const std::string& word = parser.words().front();
    const auto servers = other_servers();
    const auto found = std::ranges::find(servers, word);
    if (found == servers.end()) {
        return parser.misused_here(fmt::format("SERVER: must be one of {}, got \"{}\"{}",
                                               fmt::join(servers, ", "), printable(word),
                                               did_you_mean(word, servers)));
    }
    arguments.server = static_cast<OtherServer>(found - servers.begin());
    arguments.file = parser.words()[1];
    return arguments;
}

Command parse_help(Words words) {
    // The two commands without options have no text of their own.
    if (words.empty() || words.front() == "version" || words.front() == "help") {
        return Answer{exit_success, std::string(overview)};
    }
    const std::array<std::string, 2> question{words.front(), "--help"};
    return parse_command_line(question);
}

}  // namespace

Command parse_command_line(std::span<const std::string> words) {
    if (words.empty()) return Answer{exit_usage, std::string(overview)};
    const std::string& command = words.front();
    const Words rest = words.subspan(1);
    if (command == "run") return parse_run(rest);
    if (command == "status") return parse_status(rest);
    if (command == "check") return parse_check(rest);
    if (command == "explain") return parse_explain(rest);
    if (command == "once") return parse_once(rest);
    if (command == "migrate") return parse_migrate(rest);
    if (command == "help") return parse_help(rest);
    if (command == "--help" || command == "-h") return Answer{exit_success, std::string(overview)};
    if (command == "version" || command == "--version" || command == "-V") {
        return Answer{exit_success, fmt::format("pitot {}\n", version())};
    }
    if (command.starts_with('-')) {
        constexpr std::array<std::string_view, 2> options{"--help", "--version"};
        return misused("", fmt::format("unknown option `{}`{}", printable(command),
                                       did_you_mean(command, options)));
    }
    return misused("", fmt::format("unknown command `{}`{}", printable(command),
                                   did_you_mean(command, commands)));
}

}  // namespace pitot::agent
