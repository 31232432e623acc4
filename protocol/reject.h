// Why a line was refused: a closed set, small enough to be a label of a metric.
//
// A refused line costs its neighbours nothing. The order is part of no format; the
// names are (metrics, JSON, logs), so renaming one is a visible change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pitot::protocol {

enum class Reject : std::uint8_t {
    none,               // not refused
    no_value,           // no ':' before the first '|', or nothing between them
    empty_name,         // nothing before the first ':', or nothing but tags
    no_type,            // no '|' after the value, or nothing behind it
    unknown_type,       // not one of c g ms h d s
    bad_number,         // not a finite decimal number, or not finite when weighted
    bad_sample_rate,    // not a number, or neither 0 nor in [1e-9, 1]
    bad_timestamp,      // not a positive whole number of seconds, or on a kind that has none
    bad_utf8,           // the line is not UTF-8
    too_long,           // line, or name and tags, above the bound
    too_many_tags,      // above tags_per_line_max (limits.h)
    too_many_values,    // runs of packed samples above parts_per_line_max (limits.h)
    bad_event,          // starts with _e{ and is not an event
    bad_service_check,  // starts with _sc| and is not a service check
    truncated,          // cut off by the end of a stream, or by a datagram too large to receive
    reserved_name,      // the name is one under which the agent tells of itself
};
inline constexpr std::size_t reject_count = 16;

// The name as it stands in metrics and JSON: "bad_number".
std::string_view to_string(Reject reason) noexcept;

// One sentence fragment for people: "the value must be a finite decimal number".
std::string_view describe(Reject reason) noexcept;

}  // namespace pitot::protocol
