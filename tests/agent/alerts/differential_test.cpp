// The evaluator is what the slow model says, on random rules and random streams, after each
// flush: truths, values, and which instances there are.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/alert_differential.h"
#include "tests/support/sanitized.h"

using namespace pitot;

namespace {

// The fuzzer goes on under the sanitizers for as long as it likes.
constexpr std::uint64_t seeds = tests::is_sanitized ? 4 : 40;

}  // namespace

TEST_CASE("the evaluator equals the slow model") {
    std::size_t compared = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        std::mt19937_64 generator(seed);
        const tests::Choose choose = [&](std::uint32_t below) {
            return static_cast<std::uint32_t>(generator() % below);
        };
        tests::Differential differential(choose, 25);
        REQUIRE(differential.rules() == 25);
        for (int flush = 0; flush < 40; ++flush) {
            const auto difference = differential.flush();
            REQUIRE_MESSAGE(!difference.has_value(), "seed " << seed << ": " << *difference);
        }
        compared += differential.compared();
    }
    CHECK(compared > seeds * 1'000);
}
