// The bounds of the process, with the reason for each value.
//
// What the operator can set is in agent/config/config.h; what the wire bounds is in
// protocol/parser.h. A loop, queue or buffer with no bound in one of the three is a bug.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/parser.h"

namespace pitot::agent::limits {

// Values of one timer and interval that are kept as they are before they become a
// histogram. At 32 the exact values (256 bytes) are still smaller than the histogram of
// a typical timer, and percentiles of quiet timers stay exact.
inline constexpr std::size_t exact_values_max = 32;

// Samples with a time of their own that one shard holds in one interval. They are not
// aggregated, so nothing else bounds them; 100,000 are about 10 MB.
inline constexpr std::size_t timed_samples_per_interval_max = 100'000;

// Events and service checks that one shard holds in one interval. They are for people to
// read: more than 10,000 in ten seconds is a fault of the sender.
inline constexpr std::size_t events_per_interval_max = 10'000;

// How much of a refused line a shard keeps to show the operator: enough to know the sender
// by. It keeps one line for each reason and interval, so protocol::reject_count bounds them.
inline constexpr std::size_t rejected_sample_bytes_max = 200;

// Overflow series above the series limit: one for each of so many names; what comes
// under yet other names shares one series of each kind. Bounds the table when names, not
// tags, explode.
inline constexpr std::size_t overflow_series_max = 1'000;

// Metrics named in one interval as having passed a limit. More names than fit on a screen
// help nobody, and the search for one is linear.
inline constexpr std::size_t culprits_max = 16;

// Spellings of series (tag orders, dialects) remembered per series allowed. A spelling
// beyond is understood all the same, at the price of a full reading of each line.
inline constexpr std::size_t spellings_per_series = 4;

// Share of the rows that one flush looks at for expiry: all of them in 16 flushes.
inline constexpr std::size_t expiry_sweep_fraction = 16;

}  // namespace pitot::agent::limits
