// [alerts], [alerts.NAME], [derive.NAME] and [units]: from the document to rules that an
// engine can run, or to all that is wrong with them.
//
// Beside its options, [alerts] holds a table for each rule, so that no rule can be called as
// one of the options is. Expressions are compiled here: what is wrong inside of one has its
// own line and column. Warnings are what hints.h has to say.
//
// Rules about the agent itself (agent/alerts/built_in_rules.h) are there without being
// written. A table of the same name overrides single options of such a rule, or the whole.
//
// `pitot run` and `pitot check` get theirs by load(), as Config::alerts. load_rules_files()
// is for files that hold rules and nothing else: `pitot test`.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/config/environment.h"
#include "agent/config/options.h"
#include "agent/config/problem.h"

namespace pitot::agent {

// Rules, each with windows of its own; `alerts.max_state` bounds them together. More are
// written by a program, which can write globs and groups instead.
inline constexpr std::size_t alert_rules_max = 1'000;
inline constexpr std::size_t derived_series_max = 1'000;

struct AlertsContext {
    // Between two evaluations: windows are so many flushes long.
    std::chrono::nanoseconds interval = std::chrono::seconds(10);
    // Of the agent's own metrics; nothing: it tells none, and has no rules about itself.
    std::optional<std::string> own_prefix = std::nullopt;
    // Names that a rule's `channels` may have; nothing: any.
    std::optional<std::vector<std::string>> channels = std::nullopt;
};

// Problems and warnings go where `root` puts them; a rule that has a problem is left out.
alerts::AlertsConfig read_alerts(SectionReader& root, const AlertsContext& context);

struct RulesFileArguments {
    std::chrono::nanoseconds interval = std::chrono::seconds(10);
    // Of the built-in rules; nothing: without them.
    std::optional<std::string> own_prefix = std::nullopt;
    Environment environment = system_environment();
};

// Files with the tables above. Whatever else is there, such as channels, listeners and sinks,
// is passed over; channels that rules name are not looked for, and no files are included. The
// order of the rules is that of the files. Fails with all problems; hints are not among them.
std::expected<alerts::AlertsConfig, std::vector<Problem>> load_rules_files(
    std::span<const std::filesystem::path> files, const RulesFileArguments& arguments);

}  // namespace pitot::agent
