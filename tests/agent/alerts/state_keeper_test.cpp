// Writing the state on a thread of its own: the newest of several, never ahead of the
// channels, and the last one at the stop.
#include "agent/alerts/state_keeper.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/config_rig.h"

using namespace pitot::agent::alerts;
using pitot::tests::ConfigDirectory;

namespace {

SavedState state_of(const std::string& rule) {
    SavedState state{.saved_wall_ns = 1, .instances = {}};
    state.instances.push_back({rule, {}, {}});
    return state;
}

std::string rule_in(const std::filesystem::path& path) {
    const ReadState read = read_state(path);
    return read.state ? read.state->instances.at(0).rule : "";
}

spdlog::logger quiet_log() {
    return spdlog::logger("test", std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace

TEST_CASE("what was saved last is on the disk after the stop") {
    const ConfigDirectory directory;
    const std::filesystem::path path = directory.path() / "alerts.state";
    spdlog::logger log = quiet_log();
    StateKeeper keeper(path, [] { return true; }, log);
    for (int i = 0; i < 100; ++i) keeper.save(state_of(std::to_string(i)));
    keeper.stop();
    CHECK(rule_in(path) == "99");
    CHECK(keeper.problem() == "");
}

TEST_CASE("nothing is written before the channels have, but at the stop") {
    const ConfigDirectory directory;
    const std::filesystem::path path = directory.path() / "alerts.state";
    spdlog::logger log = quiet_log();
    std::atomic<int> asked = 0;
    StateKeeper keeper(
        path,
        [&asked] {
            ++asked;
            asked.notify_all();
            return false;
        },
        log, std::chrono::nanoseconds(0));
    keeper.save(state_of("a"));
    // Asked twice: it was not taken for a yes.
    for (int seen = asked; seen < 2; seen = asked) asked.wait(seen);
    CHECK_FALSE(std::filesystem::exists(path));
    keeper.stop();
    CHECK(rule_in(path) == "a");
}

TEST_CASE("a directory that is not there is a problem to be told") {
    const ConfigDirectory directory;
    spdlog::logger log = quiet_log();
    StateKeeper keeper(directory.path() / "no" / "alerts.state", [] { return true; }, log);
    keeper.save(state_of("a"));
    keeper.stop();
    CHECK(keeper.problem().contains("the state of alerts is not saved"));
}
