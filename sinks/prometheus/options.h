// The settings of every sink that writes Prometheus names.
//
//   prefix          ""         before every name
//   counter_suffix  "_total"   or ""
//   [sinks.NAME.rules.RULE]    how timers, histograms and distributions are shown
//     match    "*"             glob on the StatsD name; the first rule that matches decides
//     form     "histogram"     or "summary", which is what they are without a rule
//     buckets  [0.005, …, 10]  upper bounds; in seconds for timers
#pragma once

#include "sinks/options.h"
#include "sinks/prometheus/family.h"

namespace pitot::sinks::prometheus {

// Leaves quantiles and what is reserved to the caller. Problems go to `options`.
ExpositionSettings read_exposition_options(Options& options);

}  // namespace pitot::sinks::prometheus
