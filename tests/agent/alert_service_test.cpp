// The folder of the state: told of when it is made, and when nothing can be written there,
// before anything has to be.
#include "agent/alert_service.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

struct Opened {
    std::string said;
    std::string problem;  // of the first channel
};

Opened opened(const std::filesystem::path& state_directory) {
    const LoadedConfig loaded = loaded_of(
        config_arguments(std::nullopt, {"state_directory=\"" + state_directory.native() + "\""}));
    std::ostringstream out;
    spdlog::logger log("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    const SystemClock clock;
    AlertService service(loaded.config, 0, clock, log);
    service.open();
    const auto channels = service.channels();
    REQUIRE_FALSE(channels.empty());
    return {out.str(), channels.front().file_problem};
}

}  // namespace

TEST_CASE("a folder of the state that is not there is made, and told of") {
    const ConfigDirectory directory;
    const std::filesystem::path state = directory.path() / "a" / "b";
    const Opened first = opened(state);
    CHECK(first.said.contains("state_directory: " + state.native() +
                              " was not there, and has been made"));
    CHECK(first.problem == "");
    const Opened again = opened(state);
    CHECK_FALSE(again.said.contains("has been made"));
}

TEST_CASE("a folder of the state that cannot be written is told of from the start") {
    const ConfigDirectory directory;
    const std::filesystem::path state = directory.write("file", "") / "state";
    const Opened none = opened(state);
    const std::string problem =
        "state_directory: cannot write to " + state.native() + ": Not a directory";
    CHECK(none.said.contains(problem));
    CHECK_FALSE(none.problem.empty());
}
