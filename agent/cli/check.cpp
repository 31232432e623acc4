#include "agent/cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>

#include "agent/cli/exit_codes.h"
#include "agent/config/problem.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

int report(std::span<const Problem> problems, const CheckOutput& output) {
    output.err << render(problems, {.excerpts = output.is_terminal, .closing = "."});
    return exit_configuration;
}

}  // namespace

int check(const CheckArguments& arguments, const SinkTrial& trial, const Environment& environment,
          const CheckOutput& output) {
    auto loaded = load({.file = arguments.config_file,
                        .sets = arguments.sets,
                        .sink_types = trial.types,
                        .environment = environment});
    if (!loaded) return report(loaded.error(), output);
    std::ranges::for_each(loaded->sink_sections, trial.read);
    const std::vector<Problem> problems = loaded->finish();
    output.err << render(loaded->warnings(), {.prefix = "warning: "});
    if (!problems.empty()) return report(problems, output);

    const std::string name = arguments.config_file ? printable(arguments.config_file->native(), 200)
                                                   : "the built-in configuration";
    output.out << fmt::format("{}: ok: {}, {}\n", name,
                              counted(loaded->config.listeners.size(), "listener"),
                              counted(loaded->config.sinks.size(), "sink"));
    return exit_success;
}

}  // namespace pitot::agent
