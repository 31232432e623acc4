// pitot: which command was meant, and its exit code. Nothing else.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "agent/app.h"
#include "agent/cli/alerts_command.h"
#include "agent/cli/check.h"
#include "agent/cli/command_line.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/explain.h"
#include "agent/cli/migrate_command.h"
#include "agent/cli/once.h"
#include "agent/cli/status.h"
#include "agent/cli/test_command.h"
#include "agent/clock.h"
#include "agent/config/environment.h"
#include "agent/sink_set.h"

namespace {

using namespace pitot::agent;

// On a terminal that has any, unless the user wants none (https://no-color.org).
bool wants_colours(const Environment& environment) {
    const std::string unwanted = environment.variable("NO_COLOR").value_or("");
    const std::string terminal = environment.variable("TERM").value_or("dumb");
    return isatty(STDOUT_FILENO) != 0 && unwanted.empty() && terminal != "dumb";
}

struct Dispatch {
    int operator()(const Answer& answer) const {
        (answer.exit_code == exit_success ? std::cout : std::cerr) << answer.text;
        return answer.exit_code;
    }
    int operator()(const RunArguments& arguments) const { return run(arguments); }
    int operator()(const CheckArguments& arguments) const {
        return check(arguments, sink_trial(), system_environment(),
                     {std::cout, std::cerr, isatty(STDERR_FILENO) != 0});
    }
    int operator()(const ExplainArguments& arguments) const {
        return explain(arguments, std::cin, std::cout, std::cerr);
    }
    int operator()(const OnceArguments& arguments) const {
        return once(arguments, std::cin, std::cout, std::cerr);
    }
    int operator()(const StatusArguments& arguments) const {
        const Environment environment = system_environment();
        return status(arguments, environment, SystemClock(),
                      {std::cout, std::cerr, wants_colours(environment)});
    }
    int operator()(const AlertsArguments& arguments) const {
        const Environment environment = system_environment();
        return alerts_command(arguments, environment, SystemClock(),
                              {std::cout, std::cerr, wants_colours(environment)});
    }
    int operator()(const TestArguments& arguments) const {
        return test_rules(arguments, system_environment(),
                          {std::cout, std::cerr, isatty(STDERR_FILENO) != 0});
    }
    int operator()(const MigrateArguments& arguments) const {
        return migrate_file(arguments, sink_type_names(), std::cout, std::cerr);
    }
};

// A process may be started without them, and the first sockets and files would get their
// numbers: what is said on standard error would go to a client.
void open_standard_descriptors() {
    int opened = 0;
    while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR);
    if (opened >= 0) ::close(opened);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        open_standard_descriptors();
        const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
        const int exit_code = std::visit(Dispatch{}, parse_command_line(words));
        std::cout.flush();
        return std::cout ? exit_code : exit_failure;
    } catch (const std::exception& error) {
        std::cerr << "pitot: " << error.what() << "\n";
        return exit_failure;
    }
}
