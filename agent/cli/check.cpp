#include "agent/cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "agent/alerts/reach.h"
#include "agent/alerts/rule_text.h"
#include "agent/cli/agent_target.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/series_sample.h"
#include "agent/clock.h"
#include "agent/config/problem.h"
#include "agent/config/show.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// "pitot.toml", "pitot.toml and 2 included files"
std::string names_of(const std::vector<std::filesystem::path>& files) {
    if (files.empty()) return "the built-in configuration";
    const std::string main = printable(files.front().native(), 200);
    return files.size() == 1
               ? main
               : fmt::format("{} and {}", main, counted(files.size() - 1, "included file"));
}

// "4 listeners, 1 sink", and rules where there are any but the built-in ones.
std::string contents_of(const Config& config) {
    std::string text = fmt::format("{}, {}", counted(config.listeners.size(), "listener"),
                                   counted(config.sinks.size(), "sink"));
    const auto rules = std::ranges::count_if(
        config.alerts.rules,
        [](const alerts::RuleDefinition& definition) { return !definition.is_built_in; });
    if (rules > 0) text += ", " + counted(static_cast<std::size_t>(rules), "alert rule");
    if (!config.alerts.derived.empty()) {
        text += fmt::format(", {} derived series", config.alerts.derived.size());
    }
    return text;
}

// Somebody may think that the file of the package is read without being named.
std::string what_was_not_read(const LoadedConfig& loaded, const Environment& environment) {
    const std::filesystem::path& file = environment.packaged_config_file;
    std::error_code ignored;
    if (!loaded.files().empty() || !std::filesystem::exists(file, ignored)) return {};
    return fmt::format("; {0} was not read: pitot check {0}", file.native());
}

int report(std::span<const Problem> problems, const CheckOutput& output) {
    output.err << render(problems, {.excerpts = output.is_terminal, .closing = "."});
    return exit_configuration;
}

struct NoSeries {
    int exit_code = exit_failure;
    std::string why;
};

// The series that rules are held against.
std::expected<SeriesSample, NoSeries> sample_of(const CheckArguments& arguments,
                                                const Config& config,
                                                const Environment& environment) {
    if (arguments.lines_file) {
        auto sample = series_of_lines(*arguments.lines_file, config);
        if (sample) return *std::move(sample);
        return std::unexpected(NoSeries{.why = "pitot check: --lines: " + sample.error()});
    }
    const auto target = find_agent(
        "pitot check",
        {.url = arguments.url, .config_file = arguments.config_file, .sets = arguments.sets},
        environment);
    if (!target) {
        const auto& [exit_code, text] = target.error();
        // 3 is what --strict says of warnings.
        const bool is_unknown = exit_code == exit_status_unknown;
        return std::unexpected(
            NoSeries{.exit_code = is_unknown ? exit_failure : exit_code, .why = text});
    }
    const SystemClock clock;
    auto sample = series_of_agent(*target, config.alerts, clock);
    if (sample) return *std::move(sample);
    return std::unexpected(NoSeries{.why = "pitot check: --live: " + sample.error()});
}

// What it says of series comes before the rules, so that it is not lost below them.
int explain_rules(const CheckArguments& arguments, const Config& config,
                  const Environment& environment, const CheckOutput& output) {
    const std::int64_t interval_ns = config.interval.count();
    if (!arguments.live && !arguments.lines_file) {
        output.out << "\n" << explain(config.alerts, interval_ns);
        return exit_success;
    }
    const auto sample = sample_of(arguments, config, environment);
    if (!sample) {
        const std::string& why = sample.error().why;
        output.err << why << (why.ends_with('\n') ? "" : "\n");
        output.out << "\n" << explain(config.alerts, interval_ns);
        return sample.error().exit_code;
    }
    for (const std::string& remark : sample->remarks) output.err << "warning: " << remark << '\n';
    const alerts::Reach reach(config.alerts, sample->series());
    output.out << "\n" << explain(config.alerts, interval_ns, &reach);
    return exit_success;
}

}  // namespace

int check(const CheckArguments& arguments, const SinkTrial& trial, const Environment& environment,
          const CheckOutput& output) {
    auto loaded = load({.file = arguments.config_file,
                        .sets = arguments.sets,
                        .sink_types = trial.types,
                        .environment = environment,
                        .is_offline = true});
    if (!loaded) return report(loaded.error(), output);
    std::ranges::for_each(loaded->sink_sections, trial.read);
    const std::vector<Problem> problems = loaded->finish();
    const std::vector<Problem> warnings = loaded->warnings();
    output.err << render(warnings, {.prefix = "warning: "});
    if (!problems.empty()) return report(problems, output);

    const std::string summary =
        fmt::format("{}: ok: {}{}\n", names_of(loaded->files()), contents_of(loaded->config),
                    what_was_not_read(*loaded, environment));
    if (arguments.show) {
        // What is shown is a configuration, and its summary a comment in it.
        output.out << "# " << summary << "\n" << show(*loaded);
    } else {
        output.out << summary;
    }
    if (arguments.explain) {
        const int exit_code = explain_rules(arguments, loaded->config, environment, output);
        if (exit_code != exit_success) return exit_code;
    }
    return arguments.strict && !warnings.empty() ? exit_warnings : exit_success;
}

}  // namespace pitot::agent
