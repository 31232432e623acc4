// What is kept of evaluations: a ring for each instance, bounded, and who makes room for whom.
#include "agent/alerts/history.h"

#include <doctest/doctest.h>

#include <string>

using namespace pitot::agent::alerts;

namespace {

GroupLabels host(int number) {
    return {{"host", std::to_string(number)}};
}

bool admit(EvaluationHistory& history, std::size_t rule, int number, bool is_idle) {
    return history.admit(rule, key_of(host(number)), host(number), is_idle);
}

void record(EvaluationHistory& history, int number, bool is_idle, std::int64_t wall_ns,
            bool is_there = true) {
    EvaluationRecord evaluation{.wall_ns = wall_ns, .is_there = is_there};
    history.record(0, key_of(host(number)), is_idle, std::move(evaluation));
}

}  // namespace

TEST_CASE("the last 120 evaluations, the oldest first") {
    EvaluationHistory history(1);
    REQUIRE(admit(history, 0, 1, false));
    for (int i = 0; i < 300; ++i) record(history, 1, false, i);
    const auto found = history.find(0, host(1), 10);
    REQUIRE(found.size() == 1);
    const auto& evaluations = found[0].evaluations;
    REQUIRE(evaluations.size() == EvaluationHistory::evaluations_max);
    for (std::size_t i = 0; i < evaluations.size(); ++i) {
        CHECK(evaluations[i].wall_ns == static_cast<std::int64_t>(180 + i));
    }
}

TEST_CASE("found by labels that they all have") {
    EvaluationHistory history(1);
    for (const int number : {1, 2, 3}) {
        const GroupLabels labels{{"host", std::to_string(number)}, {"zone", "eu"}};
        REQUIRE(history.admit(0, key_of(labels), labels, true));
    }
    CHECK(history.find(0, {{"zone", "eu"}}, 10).size() == 3);
    CHECK(history.find(0, {{"zone", "eu"}}, 2).size() == 2);
    CHECK(history.find(0, {{"host", "2"}, {"zone", "eu"}}, 10).size() == 1);
    CHECK(history.find(0, {{"zone", "us"}}, 10).empty());
    CHECK(history.find(0, {}, 10).size() == 3);
}

TEST_CASE("a rule has a share for instances that are fine; others have what room there is") {
    EvaluationHistory history(64);
    int admitted = 0;
    for (int i = 0; i < 100; ++i) admitted += admit(history, 0, i, true) ? 1 : 0;
    CHECK(admitted == 8);  // 512 / 64
    CHECK_FALSE(history.has_room_for_idle(0));
    CHECK(history.has_room_for_idle(1));
    admitted = 0;
    for (int i = 100; i < 2'000; ++i) admitted += admit(history, 1, i, false) ? 1 : 0;
    // Those that were fine have made room.
    CHECK(admitted == EvaluationHistory::instances_max);
    CHECK(history.find(0, {}, 100).empty());
    CHECK_FALSE(admit(history, 2, 1, false));
}

TEST_CASE("one that is gone is forgotten when its history says nothing else") {
    EvaluationHistory history(1);
    REQUIRE(admit(history, 0, 1, true));
    record(history, 1, true, 1);
    for (std::size_t i = 1; i < EvaluationHistory::evaluations_max; ++i) {
        record(history, 1, true, 1, false);
    }
    CHECK(history.find(0, {}, 1).size() == 1);
    record(history, 1, true, 1, false);
    CHECK(history.find(0, {}, 1).empty());
    CHECK(history.instances(0).empty());
}
