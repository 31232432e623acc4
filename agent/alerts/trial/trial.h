// Tests of alert rules, as a file of them says: which lines come when, and what is expected
// of which alert at which time.
//
// A trial is one [[test]] of a test file. trial_file.h reads the file, stage.h acts a trial
// out on a clock of its own, comparison.h says where it is not as expected, and `pitot test`
// (agent/cli/test_command.h) tells of it. README.md beside this file has the language.
//
// Times count from the beginning of the test, which is the beginning of the first interval.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/instance.h"
#include "agent/alerts/unit.h"
#include "protocol/sample.h"

namespace pitot::agent::alerts {

// More flushes and lines than any rule needs, and few enough to be over in seconds.
inline constexpr std::uint64_t trial_flushes_max = 200'000;
inline constexpr std::uint64_t trial_lines_max = 5'000'000;
inline constexpr std::int64_t trial_time_max_ns = 31LL * 86'400'000'000'000;

// Lines that come at `from`, and again after each `every`, `steps` times in all.
struct TrialInput {
    std::int64_t from_ns = 0;
    std::int64_t every_ns = 0;  // above 0
    std::uint64_t steps = 0;
    std::int64_t end_ns = 0;  // nothing comes at it or later
    // Datagrams of each step; or the one of every step, "" for a gap.
    std::vector<std::string> lines;
    std::vector<std::string> series;
};

// "0.1 +- 0.001", "250ms", or that there is none.
struct ExpectedNumber {
    bool is_none = false;
    double number = 0;
    double tolerance = 0;
    Unit unit = {};    // of number and tolerance; none: that of the value
    std::string text;  // as written
};

// What is to be true of an alert after one flush, or after every one.
struct Expectation {
    Position position;
    std::string where;                  // "db_test.toml:14:3"
    std::optional<std::int64_t> at_ns;  // none: after every flush, "*"
    std::string at;                     // as written
    std::string alert;
    std::map<std::string, std::string> labels;  // of the instances that are meant; empty: all
    // Each that is there is checked.
    std::vector<Phase> states;  // one of them
    std::optional<ExpectedNumber> value;
    std::optional<ExpectedNumber> peak;
    std::optional<std::string> severity;
    std::optional<std::string> reason;
    std::optional<std::string> summary;
    std::optional<std::string> description;
    std::optional<std::uint64_t> instances;
    std::optional<std::uint64_t> suppressed;
    std::optional<bool> stale;
    std::optional<bool> flapping;
    std::optional<bool> inhibited;
    // "firing", "resolved critical", …, from the start on: by channel, or in all.
    std::map<std::string, std::vector<std::string>> notified;
    std::optional<std::vector<std::string>> notices;
};

struct Trial {
    std::string name;
    std::string where;  // "db_test.toml:5"
    std::vector<TrialInput> input;
    std::vector<Expectation> expect;
    std::int64_t end_ns = 0;  // of the last flush
};

struct TrialFile {
    std::string name;  // as it was named, fit to be shown
    std::vector<std::filesystem::path> rules;
    std::int64_t interval_ns = 0;
    protocol::Reading reading;
    std::vector<Trial> trials;
};

}  // namespace pitot::agent::alerts
