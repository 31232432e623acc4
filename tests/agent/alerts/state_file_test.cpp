// The file that alerts survive a restart in: what is written is what is read, and whatever
// else is found under its name is set aside with a message.
#include "agent/alerts/state_file.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include "agent/alerts/saved_file.h"
#include "tests/support/config_rig.h"

using namespace pitot::agent::alerts;
using pitot::tests::ConfigDirectory;
using pitot::tests::content_of;

namespace {

SavedState sample() {
    SavedState saved{.saved_wall_ns = 1'785'542'400'000'000'000, .instances = {}};
    SavedInstance firing{.rule = "load", .labels = {{"host", "a"}, {"zone", ""}}, .state = {}};
    firing.state.phase = Phase::firing;
    firing.state.level = 2;
    firing.state.told_level = 1;
    firing.state.value = 7.5;
    firing.state.peak = -9;
    firing.state.started_ns = -60'000'000'000;
    firing.state.started_wall_ns = 1'785'542'340'000'000'000;
    firing.state.held_ns[1] = 5;
    firing.state.evaluations[0] = 0xF0F0'F0F0'F0F0'F0F0;
    firing.state.changes = {-3, -2};
    saved.instances.push_back(firing);
    SavedInstance pending{.rule = "\"x\"\n", .labels = {}, .state = {}};
    pending.state.phase = Phase::pending;
    pending.state.is_flapping = true;
    pending.state.stale_since_ns = -100;
    saved.instances.push_back(pending);
    saved.memory.known.push_back({"heartbeat by worker", {{{"worker", "a"}}, 7, 2.5}});
    saved.memory.smoothed.push_back({"ewma(load, 0.5) > 1", 1, "key", 0.25});
    return saved;
}

}  // namespace

TEST_CASE("what is written is what is read") {
    const ConfigDirectory directory;
    const std::filesystem::path path = directory.path() / "alerts.state";
    CHECK_FALSE(read_state(path).state.has_value());
    CHECK(read_state(path).problem == "");
    REQUIRE(write_state(path, {}).has_value());
    REQUIRE(write_state(path, sample()).has_value());
    CHECK_FALSE(std::filesystem::exists(directory.path() / "alerts.state.new"));

    const ReadState read = read_state(path);
    CHECK(read.problem == "");
    REQUIRE(read.state.has_value());
    REQUIRE(read.state->instances.size() == 2);
    CHECK(read.state->saved_wall_ns == sample().saved_wall_ns);
    const SavedInstance& firing = read.state->instances[0];
    CHECK(firing.rule == "load");
    CHECK(firing.labels == sample().instances[0].labels);
    REQUIRE(read.state->memory.known.size() == 1);
    const EvaluatorMemory::Known& known = read.state->memory.known[0];
    CHECK(known.feed == "heartbeat by worker");
    CHECK(known.group.labels == GroupLabels{{"worker", "a"}});
    CHECK(known.group.silent_flushes == 7);
    CHECK(known.group.silent_s == 2.5);
    REQUIRE(read.state->memory.smoothed.size() == 1);
    CHECK(read.state->memory.smoothed[0].expression == "ewma(load, 0.5) > 1");
    CHECK(read.state->memory.smoothed[0].value == 0.25);
    CHECK(firing.state.phase == Phase::firing);
    CHECK(firing.state.level == 2);
    CHECK(firing.state.told_level == 1);
    CHECK(firing.state.peak == -9);
    CHECK(firing.state.changes == sample().instances[0].state.changes);
    const SavedInstance& pending = read.state->instances[1];
    CHECK(pending.rule == "\"x\"\n");
    CHECK(pending.state.is_flapping);
    CHECK(pending.state.stale_since_ns != 0);
    CHECK(encode(*read.state).size() == encode(sample()).size());
}

TEST_CASE("a file that is cut anywhere is set aside") {
    const ConfigDirectory directory;
    const std::string whole = encode(sample());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        REQUIRE_FALSE(decode(std::string_view(whole).substr(0, length)).has_value());
        // The disk has to see only some of them.
        constexpr std::size_t every = 41;
        if (length % every != 0) continue;
        const auto path = directory.write("alerts.state", whole.substr(0, length));
        const ReadState read = read_state(path);
        CHECK_FALSE(read.state.has_value());
        CHECK(read.problem.contains("; alerts begin anew, the file is kept as "));
        CHECK_FALSE(std::filesystem::exists(path));
        CHECK(content_of(directory.path() / "alerts.state.bad") == whole.substr(0, length));
    }
}

TEST_CASE("a file with a bit turned is found out") {
    const std::string whole = encode(sample());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        CAPTURE(at);
        CHECK_FALSE(decode(damaged).has_value());
    }
}

TEST_CASE("what is wrong is said") {
    const std::string whole = encode(sample());
    CHECK(decode("").error() == "must begin with \"pitot-alerts\"");
    CHECK(decode("pitot-alerts").error() == "must be whole, is cut in its header");
    CHECK(decode(whole + "x").error().starts_with("must be whole: "));
    std::string other = whole;
    other[12] = 9;
    CHECK(decode(other).error() == "must be of version 2, is of 9");
    other = whole;
    other.back() = static_cast<char>(other.back() + 1);
    CHECK(decode(other).error() == "must match its checksum, is damaged");
}

TEST_CASE("what cannot be is damage, whatever its checksum says") {
    SavedState state = sample();
    state.instances[0].state.level = 0;  // and firing
    CHECK(decode(encode(state)).error() == "must hold what its header says, is damaged");
    state = sample();
    state.instances[1].state.level = 1;  // and pending
    CHECK(decode(encode(state)).error() == "must hold what its header says, is damaged");
}

TEST_CASE("times are as far away as can be reckoned with, and no further") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    SavedState state = sample();
    state.saved_wall_ns = least;
    state.instances[0].state.started_wall_ns = most;
    state.instances[0].state.started_ns = least;
    state.instances[0].state.kept_ns = most;
    const auto read = decode(encode(state));
    REQUIRE(read.has_value());
    CHECK(read->saved_wall_ns == 0);
    CHECK(read->instances[0].state.started_wall_ns == unix_ns_max);
    CHECK(read->instances[0].state.started_ns == -span_ns_max);
    CHECK(read->instances[0].state.kept_ns == span_ns_max);
}

TEST_CASE("a directory that cannot be written to is a message") {
    const auto written = write_state("/nowhere/at/all/alerts.state", sample());
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error() ==
          "the state of alerts is not saved: cannot open "
          "/nowhere/at/all/alerts.state.new: No such file or directory");
}
