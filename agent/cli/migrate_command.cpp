#include "agent/cli/migrate_command.h"

#include <fmt/format.h>

#include <ostream>
#include <string>

#include "agent/cli/exit_codes.h"
#include "agent/config/problem.h"
#include "agent/config/sources.h"
#include "agent/config/text_file.h"
#include "agent/printable.h"

namespace pitot::agent {

int migrate_file(const MigrateArguments& arguments, std::span<const std::string_view> sink_types,
                 std::ostream& out, std::ostream& err) {
    const std::string name = printable(arguments.file.native(), 200);
    const auto file = read_file(arguments.file, config_file_bytes_max);
    if (!file) {
        err << fmt::format("{}: {}\n", name, file.error());
        return exit_configuration;
    }
    const auto migrated = migrate(arguments.server, name, file->text, sink_types);
    if (!migrated) {
        err << render(migrated.error(), {.closing = "; nothing was written."});
        return exit_configuration;
    }
    out << *migrated;
    return exit_success;
}

}  // namespace pitot::agent
