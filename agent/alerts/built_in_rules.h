// Rules about the agent itself, which are there without being written.
//
// They read the agent's own metrics (agent/self_metrics/catalogue.h), as any rule could, and
// are text as an operator's rules are: what is in here can be copied and changed, and the
// loader (agent/config/alerts.h) knows no second kind of rule. A table [alerts.NAME] of the
// same name overrides what it says, `enabled = false` switches one off, and
// `alerts.built_in = false` all of them.
#pragma once

#include <string>
#include <string_view>

namespace pitot::agent::alerts {

// That a channel does not deliver. It goes to the log besides the channels of [alerts], of
// which that one may be the only one.
inline constexpr std::string_view channel_failing_rule = "pitot_channel_failing";

// A table [alerts.NAME] for each. `prefix` is that of the agent's own metrics.
std::string built_in_rules(std::string_view prefix);

}  // namespace pitot::agent::alerts
