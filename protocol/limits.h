// The bounds of the wire, once each, with the reason for the value.
//
// parser.h and framing.h build on them, and agent/limits.h fits its own bounds to them.
// A loop or a buffer of this layer that has no bound here is a bug.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pitot::protocol {

// The longest line there is: what a UDP datagram can carry, rounded up.
inline constexpr std::size_t line_bytes_max = 65'535;
// Name and tags together; every destination refuses longer ones sooner or later.
inline constexpr std::size_t identity_bytes_max = 4'096;
// Tags of one line. Datadog documents no limit; its intake drops tags beyond 100.
inline constexpr std::size_t tags_per_line_max = 256;
// Shortest packed value is two bytes, so no line can hold more values.
inline constexpr std::size_t values_per_line_max = (line_bytes_max + 1) / 2;
// The least sample rate. No client samples that rarely (what prints rates with six digits
// ends at 1e-6), and with it a sample weighs 10^9 at most: no number of samples that a
// process could ever see adds up to a weight that leaves the range of doubles.
inline constexpr double sample_rate_min = 1e-9;
// Runs of samples of different kinds in one line (StatsD packing).
inline constexpr std::size_t parts_per_line_max = 256;
// The last second of the year 9999, the last one RFC 3339 can write. Later ones are
// milliseconds taken for seconds, and overflow once a destination wants nanoseconds.
inline constexpr std::int64_t timestamp_s_max = 253'402'300'799;
// What a stream connection buffers: the longest line and its line feed.
inline constexpr std::size_t stream_buffer_bytes_default = line_bytes_max + 1;
// Below this a buffer could not even hold the prefix of a frame and a short line.
inline constexpr std::size_t stream_buffer_bytes_min = 16;

}  // namespace pitot::protocol
