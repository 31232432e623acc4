// Any bytes → Parser, in every reading a listener can have: no crash, and what
// tests/support/parser_invariants.h says of any line.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/parser.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/parser_invariants.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::vector<pitot::protocol::Parser> parsers = [] {
        std::vector<pitot::protocol::Parser> all;
        for (const auto& reading : pitot::tests::all_readings()) all.emplace_back(reading);
        return all;
    }();
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    for (pitot::protocol::Parser& parser : parsers) {
        const std::string broken = pitot::tests::broken_invariant(parser, line);
        pitot::tests::require(broken.empty(), broken);
    }
    return 0;
}
