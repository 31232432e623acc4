#include "agent/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/command_parser.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/help.h"
#include "agent/config/listeners.h"
#include "agent/config/suggest.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "agent/version.h"

namespace pitot::agent {

namespace {

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
        parser.choice(
            "--timer-sample-rate", {"weight", "count"},
            "what a rate of ms, h and d scales; by default as the dialect has it",
            [this](std::size_t index) { timer_rate_ = static_cast<protocol::TimerRate>(index); });
    }

    protocol::Reading reading() const {
        protocol::Reading reading = reading_;
        reading.gauge_sign =
            gauge_sign_.value_or(default_gauge_sign(ListenerType::udp, reading.dialect));
        reading.timer_rate = timer_rate_.value_or(default_timer_rate(reading.dialect));
        return reading;
    }

private:
    protocol::Reading reading_;
    std::optional<protocol::GaugeSign> gauge_sign_;
    std::optional<protocol::TimerRate> timer_rate_;
};

constexpr std::string_view config_text =
    "the configuration; without one, that of PITOT_CONFIG, or the defaults";

Parsed parse_run(Words words) {
    RunArguments arguments;
    CommandParser parser("run",
                         "Runs the agent until SIGTERM or SIGINT. Without a configuration it "
                         "listens on 127.0.0.1:8125, prints each interval, and shows it to "
                         "Prometheus at http://127.0.0.1:9125/metrics.",
                         "", 0);
    parser.path("--config", config_text, arguments.config_file);
    parser.sets(arguments.sets);
    parser.path("--ready-file", "written when listeners and sinks are open: their addresses",
                arguments.ready_file);
    parser.path("--ledger-file", "written at the end: what became of every line and point",
                arguments.ledger_file);
    parser.example("pitot run", "");
    parser.example("pitot run --config /etc/pitot/pitot.toml", "as the service does");
    parser.example("pitot run --set 'interval=\"1s\"' --set sinks.out.type=console", "");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    return arguments;
}

Parsed parse_check(Words words) {
    CheckArguments arguments;
    CommandParser parser("check",
                         "Tells whether a configuration is right, or all that is wrong with it. "
                         "It reads the file and the secrets that it names as `pitot run` would, "
                         "and opens no socket.",
                         "[FILE]", 1);
    parser.offer(0, Offer::file);
    parser.path("--config", "the same as FILE", arguments.config_file);
    parser.sets(arguments.sets);
    parser.flag("--show", "print the final configuration: each option, and where it is from",
                arguments.show);
    parser.flag("--explain", "print what each alert reads, compares, remembers and costs",
                arguments.explain);
    parser.flag("--strict", "exit with 3 where there are warnings", arguments.strict);
    parser.exits(exit_success, "it is right");
    parser.exits(exit_warnings, "it is legal, and something in it is unwise (--strict)");
    parser.exits(exit_configuration, "it is wrong: every problem has been told, with its place");
    parser.example("pitot check /etc/pitot/pitot.toml", "");
    parser.example("pitot check --show /etc/pitot/pitot.toml",
                   "what each option comes to, and which file, variable or argument says so");
    parser.example("pitot check --explain /etc/pitot/pitot.toml", "what the rules of alerts mean");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (arguments.show && arguments.explain) {
        return parser.misused_here("must be either --show or --explain, got both");
    }
    if (!parser.words().empty()) {
        if (arguments.config_file) return parser.misused_here("must have one file, got two");
        if (parser.words().front().empty()) {
            return parser.misused_here("FILE: must name a file, got nothing");
        }
        arguments.config_file = parser.words().front();
    }
    return arguments;
}

Parsed parse_explain(Words words) {
    ExplainArguments arguments;
    CommandParser parser("explain",
                         "Shows how lines are read, and what they become. Each LINE is read as a "
                         "listener would read it; a refused one is shown with the reason.",
                         "[LINE…]", static_cast<std::size_t>(-1));
    parser.flag("--stdin", "read lines, or JSON objects with \"input\", from standard input",
                arguments.use_stdin);
    parser.choice("--format", {"text", "json"}, "of the answers",
                  [&](std::size_t index) { arguments.json = index == 1; });
    parser.path("--config", "show what lines become in the sinks of this configuration",
                arguments.config_file);
    parser.sets(arguments.sets);
    ReadingOptions reading(parser);
    parser.exits(exit_success, "all lines were accepted");
    parser.exits(exit_failure, "a line was refused (with --format json, that is an answer: 0)");
    parser.example("pitot explain 'page.load:320|ms|@0.1|#region:eu'", "");
    parser.example("pitot explain --dialect statsd -- 'queue:-3|g'",
                   "behind -- all words are lines, whatever they begin with");
    parser.example("pitot explain --config pitot.toml 'hits:1|c'",
                   "the bytes that each sink of this configuration would send");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (!arguments.use_stdin && parser.words().empty()) {
        return parser.misused_here("must have a line, or --stdin, got neither");
    }
    arguments.lines = parser.words();
    arguments.reading = reading.reading();
    return arguments;
}

Parsed parse_once(Words words) {
    OnceArguments arguments;
    CommandParser parser("once",
                         "Aggregates the lines of standard input on a clock of its own, and prints "
                         "each interval, or the bytes that a sink would send. A line "
                         "`{\"flush\": true}` ends an interval, and so does the end of the input.",
                         "", 0);
    parser.path("--config", config_text, arguments.config_file);
    parser.sets(arguments.sets);
    parser.option(
        "--sink", "NAME", "print what this sink of the configuration would send",
        [&](const std::string& text) {
            arguments.sink = text;
            return std::string(text.empty() ? "must name a sink, got nothing" : "");
        },
        Offer::sink);
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
    parser.exits(exit_failure, "a line of the input was an object that says nothing known");
    parser.example("printf 'hits:1|c\\nload:320|ms\\n' | pitot once", "");
    parser.example("pitot once --config pitot.toml --sink push <lines.txt",
                   "the body that [sinks.push] would send");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    arguments.reading = reading.reading();
    return arguments;
}

// The options of commands that show what a running agent says. What they are given must outlive
// the parser.
void asks_an_agent(CommandParser& parser, TargetArguments& target, bool& json) {
    parser.option("--url", "URL", "where it is: http://127.0.0.1:9125, unless configured otherwise",
                  [&target](const std::string& text) {
                      target.url = text;
                      return std::string(text.empty() ? "must be a URL, got nothing" : "");
                  });
    parser.path("--config", "the agent's configuration: its http.address and http.token",
                target.config_file);
    parser.sets(target.sets);
    parser.choice("--format", {"text", "json"}, "a page for people, or the document itself",
                  [&json](std::size_t index) { json = index == 1; });
}

Parsed parse_status(Words words) {
    StatusArguments arguments;
    CommandParser parser("status", "Shows how the agent that runs here is, and what it loses.", "",
                         0);
    asks_an_agent(parser, arguments.target, arguments.json);
    parser.exits(exit_success, "it is well");
    parser.exits(exit_status_degraded,
                 "it is degraded: it works, and something is wrong: some data may be lost");
    parser.exits(exit_status_failing,
                 "it is failing: a part is stuck, waits for the operator, or loses data for want "
                 "of room or all that it is given");
    parser.exits(exit_status_unknown, "nobody answered");
    parser.example("pitot status", "of the agent with the usual address");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    return arguments;
}

// "labels.NAME=VALUE" would be no clearer.
std::string fault_of_label(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos && equals > 0) return {};
    return fmt::format("\"{}\": must be LABEL=VALUE, such as service=pay", printable(word));
}

Parsed parse_alerts(Words words) {
    constexpr std::array<std::string_view, 3> verbs{"list", "explain", "history"};
    AlertsArguments arguments;
    CommandParser parser("alerts",
                         "Shows the alerts of the agent that runs here: those that are pending or "
                         "fire, what a rule reads and why it does or does not fire, or its last "
                         "evaluations. VERB is list, explain or history; the last two take the "
                         "NAME of a rule, and labels of the instances that are meant.",
                         "[VERB] [NAME] [LABEL=VALUE…]", static_cast<std::size_t>(-1));
    parser.offer(0, Offer::word, verbs);
    asks_an_agent(parser, arguments.target, arguments.json);
    parser.exits(exit_success, "nothing fires; explain and history: it is shown");
    parser.exits(exit_alerts_firing, "something fires");
    parser.exits(exit_alerts_unknown_rule, "there is no such rule");
    parser.exits(exit_status_unknown, "nobody answered");
    parser.example("pitot alerts", "all that is pending or fires, and rules that read nothing");
    parser.example("pitot alerts explain slow_checkout service=pay", "");
    parser.example("pitot alerts history slow_checkout", "the last 120 evaluations");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (parser.words().empty()) return arguments;
    const std::string& verb = parser.words().front();
    const auto found = std::ranges::find(verbs, verb);
    if (found == verbs.end()) {
        return parser.misused_here(fmt::format("VERB: must be one of {}, got \"{}\"{}",
                                               fmt::join(verbs, ", "), printable(verb),
                                               did_you_mean(verb, verbs)));
    }
    arguments.verb = static_cast<AlertsArguments::Verb>(found - verbs.begin());
    if (arguments.verb == AlertsArguments::Verb::list) {
        if (parser.words().size() == 1) return arguments;
        return parser.misused_here("list: must stand alone; explain takes the NAME of a rule");
    }
    if (parser.words().size() < 2 || parser.words()[1].empty()) {
        return parser.misused_here(fmt::format("{}: must have the NAME of a rule", verb));
    }
    arguments.rule = parser.words()[1];
    arguments.labels.assign(parser.words().begin() + 2, parser.words().end());
    for (const std::string& label : arguments.labels) {
        const std::string fault = fault_of_label(label);
        if (!fault.empty()) return parser.misused_here(fault);
    }
    return arguments;
}

Parsed parse_test(Words words) {
    TestArguments arguments;
    CommandParser parser("test",
                         "Tests alert rules: each FILE says which lines come when, and what is "
                         "expected of which alert. A clock of its own moves from flush to flush; "
                         "nothing is sent. What a FILE may say is in alert-tests.md, in "
                         "/usr/share/doc/pitot.",
                         "FILE…", static_cast<std::size_t>(-1));
    parser.offer(0, Offer::file);
    parser.path("--junit", "also write the results as JUnit's XML", arguments.junit_file);
    parser.flag("--coverage", "fail if a rule is not expected to fire, and not to, by some test",
                arguments.coverage);
    parser.flag("--verbose", "show every test, and what was told when", arguments.verbose);
    parser.exits(exit_success, "all is as expected");
    parser.exits(exit_failure, "a test failed, or with --coverage a rule is not covered");
    parser.exits(exit_configuration,
                 "a file is wrong: every problem has been told, with its "
                 "place, and no test was run");
    parser.example("pitot test --coverage tests/*.toml", "");
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (parser.words().empty()) return parser.misused_here("must have a FILE");
    for (const std::string& word : parser.words()) {
        if (word.empty()) return parser.misused_here("FILE: must name a file, got nothing");
        arguments.files.emplace_back(word);
    }
    return arguments;
}

Parsed parse_migrate(Words words) {
    MigrateArguments arguments;
    CommandParser parser("migrate",
                         "Prints the configuration of another server as one of pitot, with a "
                         "comment for what has no counterpart. SERVER is etsy (statsd's "
                         "config.js), statsite, telegraf or datadog. Secrets are not copied.",
                         "SERVER FILE", 2);
    parser.offer(0, Offer::word, other_servers());
    parser.offer(1, Offer::file);
    parser.example("pitot migrate telegraf /etc/telegraf/telegraf.conf >pitot.toml",
                   "then read its comments, and `pitot check pitot.toml`");
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

Parsed parse_version(Words words) {
    CommandParser parser("version", "Prints the version.", "", 0);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    return Answer{exit_success, fmt::format("pitot {}\n", version())};
}

Parsed parse_help(Words words);

// Every command there is, in the order in which they are told.
struct CommandEntry {
    std::string_view name;
    Parsed (*parse)(Words words);
};
constexpr std::array entries{
    CommandEntry{"run", parse_run},         CommandEntry{"status", parse_status},
    CommandEntry{"check", parse_check},     CommandEntry{"explain", parse_explain},
    CommandEntry{"once", parse_once},       CommandEntry{"test", parse_test},
    CommandEntry{"alerts", parse_alerts},   CommandEntry{"migrate", parse_migrate},
    CommandEntry{"version", parse_version}, CommandEntry{"help", parse_help},
};

Parsed parse_command(const std::string& command, Words words) {
    const auto entry = std::ranges::find(entries, command, &CommandEntry::name);
    if (entry != entries.end()) return entry->parse(words);
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const CommandEntry& known : entries) names.push_back(known.name);
    return misused("", fmt::format("unknown command `{}`{}", printable(command),
                                   did_you_mean(command, names)));
}

Answer overview() {
    return {exit_success, overview_text(program_description(), describe_commands())};
}

Parsed parse_help(Words words) {
    CommandParser parser("help", "Tells of pitot, or of one of its commands.", "[COMMAND]", 1);
    parser.offer(0, Offer::command);
    if (auto answer = parser.parse(words)) return std::move(*answer);
    if (parser.words().empty()) return overview();
    const std::array<std::string, 1> question{"--help"};
    return parse_command(parser.words().front(), question);
}

}  // namespace

std::vector<CommandDescription> describe_commands() {
    const std::array<std::string, 1> question{"--help"};
    std::vector<CommandDescription> descriptions;
    descriptions.reserve(entries.size());
    for (const CommandEntry& entry : entries) {
        Parsed parsed = entry.parse(question);
        descriptions.push_back(std::get<CommandDescription>(std::move(parsed)));
    }
    return descriptions;
}

Command parse_command_line(std::span<const std::string> words) {
    if (words.empty()) return Answer{exit_usage, overview().text};
    const std::string& command = words.front();
    if (command == "-h" || command == "--help") return overview();
    if (command == "-V" || command == "--version") {
        return std::get<Command>(parse_version(words.subspan(1)));
    }
    if (command.starts_with('-')) {
        constexpr std::array<std::string_view, 2> options{"--help", "--version"};
        return misused("", fmt::format("unknown option `{}`{}", printable(command),
                                       did_you_mean(command, options)));
    }
    Parsed parsed = parse_command(command, words.subspan(1));
    if (const auto* const description = std::get_if<CommandDescription>(&parsed)) {
        return Answer{exit_success, help_text(*description)};
    }
    return std::get<Command>(std::move(parsed));
}

}  // namespace pitot::agent
