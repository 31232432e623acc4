// Reads the numbers of the wire.
//
// A number is what strtod reads in the C locale, without its hexadecimal forms, its
// infinities, its NaNs and its leading blanks: an optional sign, digits with or without
// a point, an optional exponent. The whole text must be one. The result is the double
// nearest to what is written; what is too small becomes a denormal or zero, what is too
// large is refused.
//
// Parser reads values with parse_number(), sample rates with parse_sample_rate(), timestamps,
// inodes and event lengths with parse_whole(); read_quickly() tries parse_short_number() first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/sample.h"

namespace pitot::protocol {

// False, with `out` untouched, if `text` is no finite decimal number.
[[nodiscard]] bool parse_number(std::string_view text, double& out) noexcept;

// The number of `size` bytes that `text` ends with, if it is of the plainest form: digits, with
// a point or without, up to short_number_bytes_max in all. False, with `out` untouched, if it is
// not, which says nothing about what parse_number() makes of it. `text` has at least
// short_number_bytes_max bytes, which are all looked at, whatever those before the number are.
inline constexpr std::size_t short_number_bytes_max = 8;
[[nodiscard]] bool parse_short_number(std::string_view text, std::size_t size,
                                      double& out) noexcept;

// A number from sample_rate_min to 1. 0 reads as 1: a client that does not sample sends
// "@0.000000".
[[nodiscard]] bool parse_sample_rate(std::string_view text, double& out) noexcept;

// Whether a value stays finite when it is weighted. A rate has no effect on gauges.
[[nodiscard]] bool is_finite_weighted(Kind kind, double value, double sample_rate) noexcept;

// Digits only: no sign, no blank. False, with `out` untouched, if `text` is anything else
// or does not fit.
[[nodiscard]] bool parse_whole(std::string_view text, std::uint64_t& out) noexcept;

}  // namespace pitot::protocol
