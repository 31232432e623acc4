// Reads the numbers that most lines have: up to eight digits with a point or without, all at
// once and without a loop.
//
// Called by quick_line.cpp for each usual line; it is inline for that. What it does not take is
// for parse_number() (number.h), which reads every number there is.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pitot::protocol {

inline constexpr std::size_t short_number_bytes_max = 8;

// What the eight digits are divided by, by the byte that the point is in; 8 without one.
inline constexpr std::array<double, short_number_bytes_max + 1> short_number_divisors{
    1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0};

// The number of `size` bytes that `text` ends with, if it is of the plainest form: digits, with
// a point or without, up to short_number_bytes_max in all. False, with `out` untouched, if it is
// not, which says nothing about what parse_number() makes of it. `text` has at least
// short_number_bytes_max bytes, which are all looked at, whatever those before the number are.
//
// The eight bytes that end with the number are one word, so that its last byte is the highest.
//
//     "x:12.50"  →  x : 1 2 . 5 0     what is before the number becomes zeros
//                   0 0 1 2 . 5 0     the decimals move down over the point
//                   0 0 1 2 5 0 0     all are digits? then they are worth 12500
//
// Digits in pairs, pairs in fours, fours in eights: three multiplications. No step depends on
// whether there is a point: lines with and without one come in no order that could be guessed.
[[nodiscard]] inline bool parse_short_number(std::string_view text, std::size_t size,
                                             double& out) noexcept {
    if (size - 1 >= short_number_bytes_max) return false;  // also of none
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t high_bits = ones * 0x80;
    constexpr std::uint64_t zeros = ones * '0';
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + text.size() - sizeof word, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);

    // From here on digits are worth what they say.
    const std::size_t bits_before = (0 - 8 * size) % 64;
    word = (word ^ zeros) >> bits_before << bits_before;

    // The highest bit of each byte that equals '.', but for the last byte: "5." is for
    // parse_number(). What is no digit, a second point, too, stays in the word: it moves by a
    // byte at most.
    const std::uint64_t no_point = word ^ (ones * ('.' ^ '0'));
    const std::uint64_t points = ~((no_point + ones * 0x7F) | no_point) & (high_bits >> 8U);
    const std::uint64_t whole = (points >> 7U) - 1;  // all when there is no point
    word = (word & whole) | ((word >> 8U) & ~whole);
    const auto point = static_cast<std::size_t>(std::countr_zero(points)) / 8;

    // Adding 0x76 carries what is above 9 into the highest bit.
    if ((((word + ones * 0x76) | word) & high_bits) != 0) return false;
    word = word * 10 + (word >> 8U);
    constexpr std::uint64_t pairs = 0x000000FF000000FF;
    const std::uint64_t digits =
        (((word & pairs) * (100 + (std::uint64_t{1'000'000} << 32U))) +
         (((word >> 16U) & pairs) * (1 + (std::uint64_t{10'000} << 32U)))) >>
        32U;
    out = static_cast<double>(digits) / short_number_divisors[point];
    return true;
}

}  // namespace pitot::protocol
