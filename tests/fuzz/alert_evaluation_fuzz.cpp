// Bytes → rules and a stream: after each flush the evaluator of alert rules is what the slow
// model says. The same comparison as in tests/agent/alerts/differential_test.cpp, led by the
// fuzzer instead of a generator.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/alert_differential.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pitot;
    constexpr std::size_t bytes_max = 4'096;
    if (size > bytes_max) return 0;
    std::size_t at = 0;
    const tests::Choose choose = [&](std::uint32_t below) {
        return at < size ? data[at++] % below : 0;
    };
    constexpr std::size_t rules = 4;
    tests::Differential differential(choose, rules);
    constexpr int flushes_max = 40;
    for (int flush = 0; flush < flushes_max && at < size; ++flush) {
        const auto difference = differential.flush();
        tests::require(!difference.has_value(), difference.value_or(""));
    }
    return 0;
}
