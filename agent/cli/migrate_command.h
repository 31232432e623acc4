// pitot migrate SERVER FILE: the other server's configuration, as ours, on standard output.
#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

#include "agent/cli/arguments.h"

namespace pitot::agent {

// Returns exit_success, or exit_configuration for a file that cannot be read.
int migrate_file(const MigrateArguments& arguments, std::span<const std::string_view> sink_types,
                 std::ostream& out, std::ostream& err);

}  // namespace pitot::agent
