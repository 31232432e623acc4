// How a fuzz target says what it found: one line, then abort(), which libFuzzer and the
// replay test both report with the input that caused it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace pitot::tests {

inline void require(bool holds, const std::string& what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what.c_str());
    std::abort();
}

}  // namespace pitot::tests
