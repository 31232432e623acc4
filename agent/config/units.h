// Durations and sizes as people write them, and back.
//
// A duration is a number and a unit, or several in a row: "10s", "250ms", "1.5s",
// "1h30m". Units: ns us ms s m h d. A size is a whole number of bytes or a number and a
// unit: "4MiB", "64KiB", "1.5GiB"; KiB MiB GiB TiB are powers of 1024, kB MB GB TB powers
// of 1000, B is a byte. Letters alone ("4M") and other cases ("4mb") are refused, because
// nobody can tell which of the two was meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::agent {

inline constexpr std::string_view duration_units = "ns, us, ms, s, m, h, d";
inline constexpr std::string_view size_units = "B, KiB, MiB, GiB, TiB, kB, MB, GB, TB";

// Nothing for texts that are not durations, and for more than 292 years. "0" needs no unit.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// Nothing for texts that are not sizes, and for 2^63 bytes and more.
std::optional<std::uint64_t> parse_size(std::string_view text);

// A number without a unit, such as "10" or "2.5".
bool is_bare_number(std::string_view text);

// In the largest unit that leaves a whole number: "90s", "1h", "8MiB", "1000B", "0s".
std::string format_duration(std::chrono::nanoseconds duration);
std::string format_size(std::uint64_t bytes);

}  // namespace pitot::agent
