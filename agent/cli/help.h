// `pitot help`: descriptions (command_description.h) as text for a terminal of 80 columns.
#pragma once

#include <span>
#include <string>

#include "agent/cli/command_description.h"

namespace pitot::agent {

// `pitot help COMMAND`
std::string help_text(const CommandDescription& command);

// `pitot help`
std::string overview_text(const ProgramDescription& program,
                          std::span<const CommandDescription> commands);

}  // namespace pitot::agent
