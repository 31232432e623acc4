// Numbers as text: the shortest that reads back as the same double, never by locale.
//
// Used by every encoder. A flush is mostly this, so numbers as people's programs make them
// (whole, or with up to six decimals) have a way of their own: a third of what the general
// one costs.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pitot::sinks {

// What write_number() and write_integer() need room for.
inline constexpr std::size_t number_bytes_max = 32;

// Writes at `at`; returns the end of what was written.
template <std::integral Integer>
char* write_integer(Integer value, char* at) {
    return std::to_chars(at, at + number_bytes_max, value).ptr;
}

// `value` finite. Whole numbers have no exponent and no point up to 10^15: "100000", where
// the shortest text alone would be "1e+05".
inline char* write_number(double value, char* at) {
    constexpr double whole_max = 1e15;
    constexpr std::int64_t millionths = 1'000'000;
    const double size = std::abs(value);
    if (size < whole_max && std::trunc(value) == value) {
        return write_integer(static_cast<std::int64_t>(value), at);
    }
    // A decimal of at most 15 digits is the shortest text of the double next to it, for no
    // two of them share a double. Below 0.001 the form with an exponent is shorter.
    if (size >= 0.001 && size < 1e9) {
        // Next to a half this may round the wrong way; the comparison then says no.
        // NOLINTNEXTLINE(bugprone-incorrect-roundings)
        const auto scaled = static_cast<std::int64_t>(size * 1e6 + 0.5);
        if (static_cast<double>(scaled) / 1e6 == size) {
            if (value < 0) *at++ = '-';
            at = write_integer(scaled / millionths, at);
            *at++ = '.';
            auto decimals = static_cast<std::uint32_t>(scaled % millionths);
            for (std::uint32_t unit = 100'000; decimals != 0; unit /= 10) {
                *at++ = static_cast<char>('0' + decimals / unit);
                decimals %= unit;
            }
            return at;
        }
    }
    return std::to_chars(at, at + number_bytes_max, value).ptr;
}

template <std::integral Integer>
void append_integer(Integer value, std::string& out) {
    char text[number_bytes_max];
    out.append(text, write_integer(value, text));
}

inline void append_number(double value, std::string& out) {
    char text[number_bytes_max];
    out.append(text, write_number(value, text));
}

}  // namespace pitot::sinks
