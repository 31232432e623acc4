// [alerts.NAME]: one rule, from its options to what the engine takes. A part of alerts.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/alerts/program.h"
#include "agent/config/options.h"

namespace pitot::agent {

// What all rules of a file share.
struct RuleContext {
    alerts::CompileSettings compile;
    // Where a rule is told of that names no channels.
    std::vector<std::string> channels;
};

struct ReadRule {
    alerts::RuleDefinition definition;
    bool is_enabled = true;
};

// Nothing where it has a problem. Names of channels and of other rules are not looked up.
std::optional<ReadRule> read_alert_rule(SectionReader& section, const RuleContext& context);

// What a rule reads its expression from: where one of these is written, no other rule's
// expression is meant.
std::span<const std::string_view> expression_keys();

// The expression of one key, compiled; its faults and hints are told with their places.
std::optional<alerts::Program> read_expression(SectionReader& section, std::string_view key,
                                               alerts::Result wanted,
                                               const alerts::CompileSettings& settings);

}  // namespace pitot::agent
