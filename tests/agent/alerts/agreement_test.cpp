// Labels that agree with those of others, and what it costs to find them among many.
#include "agent/alerts/agreement.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pitot::agent::alerts;

namespace {

bool agrees(const std::vector<GroupLabels>& added, const GroupLabels& labels) {
    AgreementIndex index;
    for (const GroupLabels& each : added) index.add(each);
    return index.has_one_for(labels);
}

}  // namespace

TEST_CASE("labels that both have must be equal") {
    const GroupLabels a{{"host", "a"}};
    const GroupLabels b{{"host", "b"}};
    const GroupLabels a_x{{"host", "a"}, {"path", "x"}};
    const GroupLabels a_y{{"host", "a"}, {"path", "y"}};
    CHECK(agrees({a}, a));
    CHECK_FALSE(agrees({a}, b));
    CHECK(agrees({b, a}, a_x));
    CHECK(agrees({a_x}, a));
    CHECK_FALSE(agrees({a_x}, a_y));
    CHECK(agrees({a_x, a_y}, a_y));
    // Of different names, one of them enough.
    CHECK(agrees({b, a_x}, a_x));
    CHECK_FALSE(agrees({b, a_x}, a_y));
}

TEST_CASE("without a label in common nothing contradicts") {
    CHECK(agrees({{}}, {{"host", "a"}}));
    CHECK(agrees({{{"zone", "z"}}}, {{"host", "a"}}));
    CHECK(agrees({{{"host", "a"}}}, {}));
    CHECK_FALSE(agrees({}, {}));
}

TEST_CASE("values that run into each other are not equal") {
    CHECK_FALSE(agrees({{{"a", "x1:y"}, {"b", ""}}}, {{"a", "x"}, {"b", "y"}}));
}

TEST_CASE("the same names and values agree, also where a name is there twice") {
    const GroupLabels twice{{"host", "a"}, {"host", "b"}};
    CHECK(agrees({twice}, twice));
}

TEST_CASE("many with many") {
    constexpr std::size_t many = 2'000;
    std::vector<GroupLabels> labels;
    for (std::size_t i = 0; i < many; ++i) labels.push_back({{"id", std::to_string(i)}});
    AgreementIndex index;
    for (std::size_t i = 0; i < many; i += 2) index.add(labels[i]);
    std::size_t found = 0;
    for (const GroupLabels& each : labels) found += index.has_one_for(each) ? 1U : 0U;
    CHECK(found == many / 2);
    CHECK(index.looks() == many / 2);  // each one once, and not for each of the others
}
