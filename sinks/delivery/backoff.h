// How long to wait before the next attempt. Pure functions; chance and time are passed in.
//
// Exponential with full jitter: uniform between nothing and a ceiling that doubles with each
// failure in a row, so that a fleet of agents does not return to a restarted destination in
// one stampede. What the destination asks for (Retry-After, RFC 9110 section 10.2.3) wins.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pitot::sinks {

struct Backoff {
    std::chrono::nanoseconds base = std::chrono::milliseconds(500);
    std::chrono::nanoseconds cap = std::chrono::seconds(30);
};

// A destination may ask for time, but not stop us for good.
inline constexpr std::chrono::nanoseconds retry_after_max = std::chrono::minutes(15);

// `failures` in a row, at least 1. `random` uniform in [0, 1).
std::chrono::nanoseconds backoff_delay(const Backoff& backoff, std::uint32_t failures,
                                       double random);

// The value of a Retry-After header: whole seconds, or a date as of RFC 9110 section 5.6.7
// (its preferred form: "Sun, 06 Nov 1994 08:49:37 GMT"). Clamped to [0, retry_after_max];
// empty when it is neither.
std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view value,
                                                          std::int64_t now_unix_ns);

}  // namespace pitot::sinks
