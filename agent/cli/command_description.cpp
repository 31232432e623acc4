#include "agent/cli/command_description.h"

#include <array>

#include "agent/cli/exit_codes.h"

namespace pitot::agent {

namespace {

constexpr std::array environment{
    Term{"PITOT_CONFIG", "The configuration, where the command line names none."},
    Term{"PITOT_…",
         "Any option of the configuration, with two underscores between the parts of its key: "
         "`PITOT_INTERVAL=1s`, `PITOT_SINKS__PUSH__URL=http://127.0.0.1:9091`. It comes before the "
         "file, and `--set` before it. A variable that names no option is an error."},
    Term{"CREDENTIALS_DIRECTORY",
         "Where `{ credential = \"NAME\" }` of the configuration is looked up. systemd sets it for "
         "a service with LoadCredential=."},
    Term{"RUNTIME_DIRECTORY",
         "Where the default listener's dsd.sock is made; else in /run/pitot, if that is there to "
         "be written to, or in $XDG_RUNTIME_DIR/pitot."},
    Term{"NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS, LISTEN_FDNAMES",
         "As systemd sets them: whom `pitot run` tells that it is ready and well, and which "
         "sockets it is handed."},
};

constexpr std::array files{
    Term{"/etc/pitot/pitot.toml",
         "The configuration of the service. Other runs read the file that they are told to."},
    Term{"/etc/pitot/conf.d/*.toml",
         "Read with it, as are files in conf.d beside any configuration."},
    Term{"/run/pitot/dsd.sock", "Where the service takes datagrams of local clients by default."},
};

constexpr std::array signals{
    Term{"SIGTERM, SIGINT",
         "What the sockets hold is read, the open interval is flushed and delivered, within "
         "`shutdown_deadline`. A second one ends the process at once."},
    Term{"SIGHUP",
         "Files that it writes are opened anew, so that they may be moved away. It is no "
         "reason to end."},
};

constexpr std::array exits{
    Term{"0", "Done."},
    Term{"1", "It could not do, or go on doing, its work."},
    Term{"3", "There are warnings, and `check --strict` was asked for."},
    Term{"64", "The command line is wrong."},
    Term{"78", "The configuration is wrong; trying again will not help."},
};
static_assert(exit_success == 0 && exit_failure == 1 && exit_warnings == 3 && exit_usage == 64 &&
              exit_configuration == 78);

}  // namespace

ProgramDescription program_description() {
    return {.title = "a StatsD and DogStatsD aggregation agent",
            .purpose =
                "Takes StatsD and DogStatsD lines over UDP, TCP and Unix sockets, "
                "aggregates them, and sends the result of each interval on.",
            .environment = environment,
            .files = files,
            .signals = signals,
            .exits = exits};
}

std::string usage(const CommandDescription& command) {
    std::string text = command.name;
    if (!command.options.empty()) text += " [OPTIONS]";
    for (const OperandDescription& operand : command.operands) text += " " + operand.name;
    return text;
}

std::string summary(const CommandDescription& command) {
    return command.purpose.substr(
        0, std::min(command.purpose.find(". "), command.purpose.find_last_not_of('.') + 1));
}

}  // namespace pitot::agent
