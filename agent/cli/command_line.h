// From the words behind `pitot` to the arguments of one command, or to an answer.
//
// main() dispatches on the result. Nothing is read, opened or printed here, and values
// that belong to the configuration are checked where it is read (agent/config): `--set`
// texts are passed on as they stand.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "agent/cli/arguments.h"
#include "agent/cli/command_description.h"

namespace pitot::agent {

// Help, the version, or what is wrong with the words: nothing else is to be done.
struct Answer {
    int exit_code = 0;
    std::string text;  // for standard output if the code is 0, else for standard error
};

using Command = std::variant<Answer, RunArguments, CheckArguments, ExplainArguments, OnceArguments,
                             StatusArguments, AlertsArguments, TestArguments, MigrateArguments>;

// `words` are argv without the program's name.
Command parse_command_line(std::span<const std::string> words);

// Every command, in the order in which `pitot help` tells of them.
std::vector<CommandDescription> describe_commands();

}  // namespace pitot::agent
