// Reads the numbers that most lines have: up to eight digits with a point or without, all at
// once and without a loop.
//
// Called by read_quickly() (quick_line.h), for each line; it is inline for that. What it does
// not take is for parse_number() (number.h), which reads every number there is.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pitot::protocol {

inline constexpr std::size_t short_number_bytes_max = 8;

// The number of `size` bytes that `text` ends with, if it is of the plainest form: digits, with
// a point or without, up to short_number_bytes_max in all. False, with `out` untouched, if it is
// not, which says nothing about what parse_number() makes of it. `text` has at least
// short_number_bytes_max bytes, which are all looked at, whatever those before the number are.
//
// The eight bytes that end with the number are one word, so that its last byte is the highest.
//
//     "x:12.50"  →  x : 1 2 . 5 0     what is before the number becomes zeros
//                   0 0 1 2 . 5 0     the digits before the point move up over it
//                   0 0 0 1 2 5 0     all are digits? then they are worth 1250
//
// Digits in pairs, pairs in fours, fours in eights: three multiplications.
[[nodiscard]] inline bool parse_short_number(std::string_view text, std::size_t size,
                                             double& out) noexcept {
    if (size == 0) return false;
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t high_bits = ones * 0x80;
    constexpr std::uint64_t zeros = ones * '0';
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + text.size() - sizeof word, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);

    const std::uint64_t number = ~std::uint64_t{0} << (8 * (sizeof word - size));
    word = (word & number) | (zeros & ~number);

    // Of the bytes that equal '.', the first one's bit is right whatever follows.
    const std::uint64_t no_point = word ^ (ones * '.');
    const std::uint64_t point = (no_point - ones) & ~no_point & high_bits;
    std::size_t decimals = 0;
    if (point != 0) {
        if (size == 1) return false;
        const std::uint64_t up_to_point = point ^ (point - 1);
        word = (word & ~up_to_point) | ((word << 8U | '0') & up_to_point);
        decimals = sizeof word - 1 - static_cast<std::size_t>(std::countr_zero(point)) / 8;
    }

    // Adding 0x46 carries what is above '9' into the highest bit, taking '0' away what is below.
    if ((((word + ones * 0x46) | (word - zeros)) & high_bits) != 0) return false;
    word -= zeros;
    word = word * 10 + (word >> 8U);
    constexpr std::uint64_t pairs = 0x000000FF000000FF;
    const std::uint64_t digits =
        (((word & pairs) * (100 + (std::uint64_t{1'000'000} << 32U))) +
         (((word >> 16U) & pairs) * (1 + (std::uint64_t{10'000} << 32U)))) >>
        32U;
    constexpr std::array<double, 8> units{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    out = static_cast<double>(digits) / units[decimals];
    return true;
}

}  // namespace pitot::protocol
