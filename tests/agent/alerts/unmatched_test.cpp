// Names that a rule may have meant: near ones only, the nearest first.
#include "agent/alerts/unmatched.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace pitot::agent::alerts;

TEST_CASE("names near a mistyped one") {
    const std::vector<std::string_view> names{"request",      "http.requests", "temperature",
                                              "errors",       "error",         "checkout.time",
                                              "checkout.tme", "cpu",           "queue.depth"};
    using Names = std::vector<std::string>;
    CHECK(nearest_metrics("requests", names) == Names{"request", "http.requests"});
    CHECK(nearest_metrics("erors", names) == Names{"errors"});
    CHECK(nearest_metrics("checkout.tim", names) == Names{"checkout.time", "checkout.tme"});
    CHECK(nearest_metrics("depth.queue", names) == Names{"queue.depth"});
    CHECK(nearest_metrics("zzz", names).empty());
    CHECK(nearest_metrics("", {}).empty());
}

TEST_CASE("what is compared is bounded") {
    const std::string huge(100'000, 'a');
    const std::string other = std::string(100'000, 'a') + "b";
    CHECK(nearest_metrics(huge, {other}) == std::vector<std::string>{other});
}
