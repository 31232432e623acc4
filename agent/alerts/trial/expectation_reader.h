// One entry of a test's `expect`: what can be expected, and whether the rules have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/trial/trial.h"
#include "agent/alerts/trial/trial_rules.h"
#include "agent/config/options.h"

namespace pitot::agent::alerts {

class ExpectationReader {
public:
    // `rules` may be null: names are not looked up then.
    ExpectationReader(ReadContext& context, const TrialRules* rules, std::int64_t interval_ns)
        : context_(context), rules_(rules), interval_ns_(interval_ns) {}

    // Problems go where `section` has them.
    Expectation read(SectionReader& section);

private:
    void read_time(SectionReader& section, Expectation& expectation) const;
    const RuleDefinition* read_rule(SectionReader& section, Expectation& expectation) const;
    static void read_labels(SectionReader& section, const RuleDefinition* rule,
                            Expectation& expectation);
    void read_states(SectionReader& section, Expectation& expectation);
    static void read_severity(SectionReader& section, const RuleDefinition* rule,
                              Expectation& expectation);
    void read_notified(SectionReader& section, const RuleDefinition* rule,
                       Expectation& expectation);
    // The elements of a list of notices, such as "firing" or "resolved critical".
    std::vector<std::string> notices_in(const Node& node, const std::string& path,
                                        const RuleDefinition* rule);
    // A text, or a list of texts; nothing but problems where it is neither.
    std::vector<std::pair<std::string, Position>> words_in(const Node& node,
                                                           const std::string& path,
                                                           std::string_view must);

    ReadContext& context_;
    const TrialRules* rules_;
    std::int64_t interval_ns_;
};

// "0.1 +- 0.001", "250ms", "80% ± 1%", "none"; nothing for all else.
std::optional<ExpectedNumber> read_expected_number(std::string_view text);

}  // namespace pitot::agent::alerts
