// Reads the numbers of the wire.
//
// A number is what strtod reads in the C locale, without its hexadecimal forms, its
// infinities, its NaNs and its leading blanks: an optional sign, digits with or without
// a point, an optional exponent. The whole text must be one. The result is the double
// nearest to what is written; what is too small becomes a denormal or zero, what is too
// large is refused.
//
// Parser reads values and sample rates with parse_number(), timestamps, inodes and event
// lengths with parse_whole().
#pragma once

#include <cstdint>
#include <string_view>

namespace pitot::protocol {

// False, with `out` untouched, if `text` is no finite decimal number.
[[nodiscard]] bool parse_number(std::string_view text, double& out) noexcept;

// Digits only: no sign, no blank. False, with `out` untouched, if `text` is anything else
// or does not fit.
[[nodiscard]] bool parse_whole(std::string_view text, std::uint64_t& out) noexcept;

}  // namespace pitot::protocol
