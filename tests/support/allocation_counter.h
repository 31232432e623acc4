// Counts calls of operator new in the whole test binary, for tests that claim that a
// steady state allocates nothing.
//
// Add support/allocation_counter.cpp to the sources of the test: it replaces the global
// operators. Usage: const auto before = allocations(); …; CHECK(allocations() == before).
// Test macros may allocate, so measure around the code in question only.
#pragma once

#include <cstdint>

namespace pitot::tests {

std::uint64_t allocations();

}  // namespace pitot::tests
