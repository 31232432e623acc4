// How much data a benchmark works on: all of it where figures are taken, a part of it where
// only its answers are checked.
//
// A build with assertions measures nothing worth quoting, and under a sanitizer a hundred
// thousand series take minutes; what the answers are compared with depends on no size.
#pragma once

#include <cstddef>

namespace pitot::bench {

#ifdef NDEBUG
inline constexpr std::size_t scale_divisor = 1;
#else
inline constexpr std::size_t scale_divisor = 50;
#endif

constexpr std::size_t scaled(std::size_t count) {
    return count / scale_divisor;
}

}  // namespace pitot::bench
