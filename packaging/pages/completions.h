// What bash, zsh and fish offer behind `pitot`: commands, options, words and files, the names
// of the configuration's sinks, and the options that --set knows under fixed names.
//
// Each is one script for the folder where the shell looks it up by itself. The scripts use
// nothing but the shell, sed, and `pitot check --show` for the names of sinks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/cli/command_description.h"
#include "packaging/pages/documented_configuration.h"

namespace pitot::pages {

// "interval", "limits.series": options of the file and of tables that are always there.
std::vector<std::string> fixed_keys(const DocumentedConfiguration& documented);

struct CompletionSource {
    std::span<const agent::CommandDescription> commands;
    std::span<const std::string> keys;  // fixed_keys()
};

std::string bash_completion(const CompletionSource& source);
std::string zsh_completion(const CompletionSource& source);
std::string fish_completion(const CompletionSource& source);

}  // namespace pitot::pages
