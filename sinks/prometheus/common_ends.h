// How much two texts have in common at their ends: neighbours in an order mostly differ in their
// middle ("host="web-1",region="eu"" and "host="web-2",region="eu"").
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pitot::sinks::prometheus {

namespace common_ends {

inline std::uint64_t eight_bytes(const char* at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
}
// Of two times eight bytes that differ: how many are the same before the first, and after the
// last that does.
inline std::size_t same_before(std::uint64_t difference) {
    const bool is_little = std::endian::native == std::endian::little;
    return static_cast<std::size_t>(is_little ? std::countr_zero(difference)
                                              : std::countl_zero(difference)) /
           8;
}
inline std::size_t same_after(std::uint64_t difference) {
    const bool is_little = std::endian::native == std::endian::little;
    return static_cast<std::size_t>(is_little ? std::countl_zero(difference)
                                              : std::countr_zero(difference)) /
           8;
}

}  // namespace common_ends

// Bytes at the begin that are the same in both.
inline std::size_t common_prefix(std::string_view a, std::string_view b) {
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t same = 0;
    for (; same + 8 <= most; same += 8) {
        const std::uint64_t difference =
            common_ends::eight_bytes(a.data() + same) ^ common_ends::eight_bytes(b.data() + same);
        if (difference != 0) return same + common_ends::same_before(difference);
    }
    while (same < most && a[same] == b[same]) ++same;
    return same;
}

// Bytes at the end that are the same in both.
inline std::size_t common_suffix(std::string_view a, std::string_view b) {
    const std::size_t most = std::min(a.size(), b.size());
    const char* const a_end = a.data() + a.size();
    const char* const b_end = b.data() + b.size();
    std::size_t same = 0;
    for (; same + 8 <= most; same += 8) {
        const std::uint64_t difference =
            common_ends::eight_bytes(a_end - same - 8) ^ common_ends::eight_bytes(b_end - same - 8);
        if (difference != 0) return same + common_ends::same_after(difference);
    }
    while (same < most && a_end[-1 - static_cast<std::ptrdiff_t>(same)] ==
                              b_end[-1 - static_cast<std::ptrdiff_t>(same)]) {
        ++same;
    }
    return same;
}

}  // namespace pitot::sinks::prometheus
