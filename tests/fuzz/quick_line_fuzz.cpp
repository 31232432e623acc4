// Any bytes → the quick reading with every set of vectors, against the plain one
// (tests/support/quick_reading.h).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/quick_reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string broken = pitot::tests::broken_quick_reading(
        std::string_view(reinterpret_cast<const char*>(data), size));
    pitot::tests::require(broken.empty(), broken);
    return 0;
}
