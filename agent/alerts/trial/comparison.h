// Where a stage is not as a test expects it.
//
// Which instances an expectation is about: those that have the labels it gives, among them the
// fixed ones of the rule. Of these, the one that is furthest along (firing, recovering,
// pending, ok) is the state of the alert; an alert without instances is ok. What else is
// expected must be true of each instance in that state.
//
// `instances` counts those in the expected state; without one, those that fire or recover.
// `notified` has what was told of all of them from the start of the test on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/alerts/trial/stage.h"
#include "agent/alerts/trial/trial.h"

namespace pitot::agent::alerts {

// One line of the table that a failure shows.
struct ComparedFact {
    std::string name;  // "state"
    std::string expected;
    std::string got;
    bool is_equal = true;
};

struct Comparison {
    std::vector<ComparedFact> facts;

    bool is_equal() const;
};

// After the last flush. `with_notified`: also what is expected to be told.
Comparison compare(const Expectation& expectation, const Stage& stage, bool with_notified);

// Why the alert is as it is: its instances, what their expressions read, and what matches
// nothing. Lines without indentation.
std::vector<std::string> explain(const Expectation& expectation, const Stage& stage);

// "{service=pay}"; "" without labels. Fit to be shown.
std::string shown(const GroupLabels& labels);

// "1m30s", as people write it.
std::string time_text(std::int64_t time_ns);

}  // namespace pitot::agent::alerts
