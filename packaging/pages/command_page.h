// pitot(1): what `pitot help` says of every command, as one page.
#pragma once

#include <span>
#include <string>

#include "agent/cli/command_description.h"
#include "packaging/pages/roff.h"

namespace pitot::pages {

std::string command_page(const Heading& heading, const agent::ProgramDescription& program,
                         std::span<const agent::CommandDescription> commands);

}  // namespace pitot::pages
