#include "agent/alerts/trial/trial_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "agent/config/alerts.h"
#include "agent/config/load.h"
#include "agent/config/units.h"

namespace pitot::agent::alerts {

namespace {

// The defaults, whatever this machine has in its environment.
Config default_config(std::chrono::nanoseconds interval) {
    Environment bare;
    bare.variable = [](const std::string&) { return std::nullopt; };
    const auto loaded = load({.sets = {fmt::format("interval=\"{}\"", format_duration(interval))},
                              .environment = std::move(bare)});
    assert(loaded && "the defaults are a configuration");
    return loaded->config;
}

}  // namespace

std::unique_ptr<TrialRules> load_trial_rules(std::span<const std::filesystem::path> files,
                                             std::int64_t interval_ns,
                                             const Environment& environment,
                                             std::vector<Problem>& problems) {
    const std::chrono::nanoseconds interval(interval_ns);
    auto alerts = load_rules_files(
        files, {.interval = interval, .own_prefix = std::nullopt, .environment = environment});
    if (!alerts) {
        problems.insert(problems.end(), alerts.error().begin(), alerts.error().end());
        return nullptr;
    }
    return std::make_unique<TrialRules>(
        TrialRules{.alerts = *std::move(alerts), .config = default_config(interval)});
}

const RuleDefinition* find_rule(const TrialRules& rules, std::string_view name) {
    const auto found = std::ranges::find(rules.alerts.rules, name, [](const RuleDefinition& rule) {
        return std::string_view(rule.rule.name);
    });
    return found == rules.alerts.rules.end() ? nullptr : &*found;
}

}  // namespace pitot::agent::alerts
