// The bounds of the process, with the reason for each value.
//
// What the operator can set is in agent/config/config.h; what the wire bounds is in
// protocol/limits.h. A loop, queue or buffer with no bound in one of the three is a bug.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/parser.h"

namespace pitot::agent::limits {

// Values of one timer and interval that are kept as they are before they become a
// histogram. At 32 the exact values (256 bytes) are still smaller than the histogram of
// a typical timer, and percentiles of quiet timers stay exact.
inline constexpr std::size_t exact_values_max = 32;

// Buckets on either side that a histogram may grow to where the memory for values is more
// than half used: 160 are 1280 bytes, and still tell values apart within 1.1 % if the
// largest is 30 times the smallest (within 4.4 % for a million times).
inline constexpr std::size_t coarse_buckets_max = 160;

// Samples with a time of their own that one shard holds in one interval. They are not
// aggregated, so the number of series does not bound them. 100,000 of one series are
// 8 MB; what names and tags take is bounded by limits.value_bytes, with all else.
inline constexpr std::size_t timed_samples_per_interval_max = 100'000;

// Events and service checks that one shard holds in one interval. They are for people to
// read: more than 10,000 in ten seconds is a fault of the sender. Their text is bounded by
// limits.value_bytes.
inline constexpr std::size_t events_per_interval_max = 10'000;

// How much of a refused line a shard keeps to show the operator: enough to know the sender
// by. It keeps one line for each reason and interval, so protocol::reject_count bounds them.
inline constexpr std::size_t rejected_sample_bytes_max = 200;

// Overflow series above a limit: one for each of so many names; what comes under yet other
// names shares one series of each kind. Bounds the table when names, not tags, explode.
// They always get memory for their values, 25 MB at most if all of them are sets.
inline constexpr std::size_t overflow_series_max = 1'000;

// Births of one interval that a page keeps the memory of for the next one: 400 kB. A million
// series that come at once, when an agent starts, would leave 40 MB behind.
inline constexpr std::size_t births_kept_max = 10'000;

// Metrics named in one interval as having passed a limit. More names than fit on a screen
// help nobody, and the search for one is linear.
inline constexpr std::size_t culprits_max = 16;

// Spellings (tag orders, dialects) remembered of one series, besides the canonical one. The
// clients of a service write two or three; one that writes its tags in the order of a hash
// table has any number. A spelling beyond is understood all the same, at the price of a full
// reading of each line.
inline constexpr std::uint8_t aliases_per_series_max = 8;

// What all of them may take of limits.table_bytes: one part in so many. The rest is for
// series, which no spelling of a known one may keep out.
inline constexpr std::uint64_t alias_share = 4;

// Share of the rows that one flush looks at for expiry: all of them in 16 flushes.
inline constexpr std::size_t expiry_sweep_fraction = 16;

}  // namespace pitot::agent::limits
