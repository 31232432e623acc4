// Reads the numbers of the wire.
//
// A number is what strtod reads in the C locale, without its hexadecimal forms, its
// infinities, its NaNs and its leading blanks: an optional sign, digits with or without
// a point, an optional exponent. The whole text must be one. The result is the double
// nearest to what is written; what is too small becomes a denormal or zero, what is too
// large is refused.
//
// Parser reads values with parse_number(), sample rates with parse_sample_rate(), timestamps,
// inodes and event lengths with parse_whole(). QuickReader tries parse_short_number() first
// (short_number.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/sample.h"

namespace pitot::protocol {

// False, with `out` untouched, if `text` is no finite decimal number.
[[nodiscard]] bool parse_number(std::string_view text, double& out) noexcept;

// A number from sample_rate_min to 1. 0 reads as 1: a client that does not sample sends
// "@0.000000".
[[nodiscard]] bool parse_sample_rate(std::string_view text, double& out) noexcept;

// Whether a value stays finite when it is weighted. A rate has no effect on gauges.
[[nodiscard]] bool is_finite_weighted(Kind kind, double value, double sample_rate) noexcept;

// Digits only: no sign, no blank. False, with `out` untouched, if `text` is anything else
// or does not fit.
[[nodiscard]] bool parse_whole(std::string_view text, std::uint64_t& out) noexcept;

}  // namespace pitot::protocol
