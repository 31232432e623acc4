// Rules of alerts for tests, from their expressions.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/program.h"

namespace pitot::tests {

inline agent::alerts::Program compiled_expression(
    const std::string& text, agent::alerts::Result wanted = agent::alerts::Result::condition) {
    using namespace agent::alerts;
    auto expression = parse_expression(SourceText(text));
    REQUIRE_MESSAGE(expression.has_value(), text);
    auto program = compile(std::move(*expression), wanted, {});
    REQUIRE_MESSAGE(program.has_value(), program.error().what);
    return std::move(*program);
}

inline agent::alerts::RuleDefinition rule_definition(const std::string& name,
                                                     const std::string& condition) {
    agent::alerts::RuleDefinition definition;
    definition.rule.name = name;
    definition.rule.levels.push_back({"critical", compiled_expression(condition), std::nullopt});
    definition.where = "pitot.toml:3";
    return definition;
}

inline agent::alerts::AlertsConfig alerts_of(std::vector<agent::alerts::RuleDefinition> rules) {
    agent::alerts::AlertsConfig config;
    config.rules = std::move(rules);
    return config;
}

}  // namespace pitot::tests
