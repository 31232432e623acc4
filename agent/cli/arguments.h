// What each command of pitot was told: the result of command_line.h, and the parameter of
// the function that carries the command out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/migrate/migrate.h"
#include "protocol/sample.h"

namespace pitot::agent {

// pitot run
struct RunArguments {
    std::optional<std::filesystem::path> config_file;  // none: the defaults
    std::vector<std::string> sets;                     // --set, in order
    // Written once listeners are open: their addresses, one a line. For scripts and tests.
    std::optional<std::filesystem::path> ready_file;
    // Written on stop: the final counts.
    std::optional<std::filesystem::path> ledger_file;
};

// pitot check
struct CheckArguments {
    std::optional<std::filesystem::path> config_file = {};
    std::vector<std::string> sets = {};
    bool show = false;     // print the final configuration
    bool strict = false;   // a warning is a failure
    bool explain = false;  // print what each rule of alerts comes to
    // And what it reads of series that there are: of a running agent, or of lines in a file.
    bool live = false;
    std::optional<std::string> url = {};  // of that agent; none: where the configuration has it
    std::optional<std::filesystem::path> lines_file = {};
};

// pitot explain
struct ExplainArguments {
    std::vector<std::string> lines = {};  // each is a datagram: it may hold several lines
    bool json = false;
    bool use_stdin = false;  // --stdin: read datagrams there too, one a line
    protocol::Reading reading = {};
    // Whose sinks to show; with neither, a Pushgateway with its defaults.
    std::optional<std::filesystem::path> config_file = {};
    std::vector<std::string> sets = {};
};

// Where a running agent is asked.
struct TargetArguments {
    std::optional<std::string> url = {};  // none: where the configuration has the agent
    std::optional<std::filesystem::path> config_file = {};
    std::vector<std::string> sets = {};
};

// pitot status
struct StatusArguments {
    TargetArguments target = {};
    bool json = false;
};

// pitot alerts
struct AlertsArguments {
    enum class Verb : std::uint8_t { list, explain, history };
    Verb verb = Verb::list;
    std::string rule = {};                 // of explain and history
    std::vector<std::string> labels = {};  // "service=pay": instances that have all of them
    TargetArguments target = {};
    bool json = false;
};

// pitot test
struct TestArguments {
    std::vector<std::filesystem::path> files = {};
    std::optional<std::filesystem::path> junit_file = {};
    bool coverage = false;  // a rule that is not covered is a failure
    bool verbose = false;   // every test, and what it was told of
};

// pitot migrate
struct MigrateArguments {
    OtherServer server = OtherServer::etsy;
    std::filesystem::path file;
};

// Some years before 64-bit nanoseconds since 1970 run out (in 2262).
inline constexpr std::int64_t once_start_s_max = 9'000'000'000;

// pitot once
struct OnceArguments {
    std::optional<std::filesystem::path> config_file;
    std::vector<std::string> sets;    // --interval is one of them: interval="10s"
    std::optional<std::string> sink;  // of the configuration; none: the intervals as JSON
    std::int64_t start_s = 0;         // where the virtual clock starts, since 1970
    protocol::Reading reading;
};

}  // namespace pitot::agent
