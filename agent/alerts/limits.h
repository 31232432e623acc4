// The bounds of the alert engine, once each, with the reason for the value.
//
// They make a rule's cost known when it is loaded: how long its text may be bounds the
// parser, how many nodes it has bounds an evaluation, how many slots a window has bounds
// what it remembers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pitot::agent::alerts::limits {

// An expression that needs more no longer fits into a head at three in the morning.
inline constexpr std::size_t expression_bytes_max = 4'096;
// Parentheses and calls within one another: what a recursive parser may stand on.
inline constexpr std::size_t expression_depth_max = 32;
// Of the tree, which evaluation walks once per flush.
inline constexpr std::size_t expression_nodes_max = 256;
// Tags in one grouping, and conditions in one selector. As many labels identify a group.
inline constexpr std::size_t tags_max = 16;
// `*` in one name: each one is a label, $1 to $9.
inline constexpr std::size_t captures_max = 9;
// Of the program that a regular expression becomes; a counted repetition is written out in
// it. A match costs at most so many steps for each byte.
inline constexpr std::size_t regex_instructions_max = 1'024;
// Groups within groups of a regular expression, for the same reason as above.
inline constexpr std::size_t regex_depth_max = 32;

// The longest window, offset included. What is older belongs into a database.
inline constexpr std::int64_t window_max_s = 7LL * 86'400;
// Slots of a window of sums or gauges: an hour of ten-second flushes is exact. Above,
// flushes share slots.
inline constexpr std::uint32_t number_slots_max = 360;
// Slots of a window of sketches or sets, each of which is a hundred times larger.
inline constexpr std::uint32_t sketch_slots_max = 30;
// Buckets on either side of a sketch in a window. At schema 5 they hold a contrast of 1000
// with the error of 1.1 % that the flush itself has, of a million with 2.2 %.
inline constexpr std::size_t sketch_buckets_max = 320;

// Flushes after which an estimate (a rate, an average) from a window that is still filling
// is taken for a value.
inline constexpr std::uint32_t estimate_flushes_min = 3;

// Instances of one rule that are pending, firing, or were so lately. More than this many
// things that are wrong at once are one thing that is wrong.
inline constexpr std::size_t tracked_instances_max = 10'000;

}  // namespace pitot::agent::alerts::limits
