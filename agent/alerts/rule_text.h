// What a rule comes to, for people: `pitot check --explain`.
//
//     slow_checkout (pitot.toml:12)
//       condition   p95(checkout.time[5m]) by (service) > 2s
//       unit        ms: 2s is 2000
//       …
//
// A block for each rule: how series are grouped, in which unit values are compared, what is
// remembered for how long, what that costs at most, when and to whom it is told, and what is
// unlikely to be meant (hints.h). With the series that there are (reach.h), what it reads of
// them. A program is not run.
#pragma once

#include <cstdint>
#include <string>

#include "agent/alerts/definition.h"
#include "agent/alerts/reach.h"

namespace pitot::agent::alerts {

// Blocks for the operator's rules, for derived series, for the built-in rules, and a line
// with what all windows together can take. Fit for a terminal; ends with a line end. `reach`
// is of the same configuration; null: nothing is known of series.
std::string explain(const AlertsConfig& config, std::int64_t interval_ns,
                    const Reach* reach = nullptr);

}  // namespace pitot::agent::alerts
