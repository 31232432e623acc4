// Numbers as text: the shortest that reads back as the same double, never by locale.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>

namespace pitot::sinks {

template <std::integral Integer>
void append_integer(Integer value, std::string& out) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, end);
}

// `value` finite. Whole numbers have no exponent and no point up to 10^15: "100000", where
// the shortest text alone would be "1e+05". Most counts are whole, and this is faster too.
inline void append_number(double value, std::string& out) {
    constexpr double plain_max = 1e15;
    if (std::abs(value) < plain_max && std::trunc(value) == value) {
        append_integer(static_cast<std::int64_t>(value), out);
        return;
    }
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, end);
}

}  // namespace pitot::sinks
