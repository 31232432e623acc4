// From Notices to Messages: knows the texts of all rules.
//
//     MessageMaker maker(config.rules, host);          // before the rules go to the engine
//     for (const Notice& notice : notices) tell(maker.make(notice, now_unix_ns));
//
// Used by ChannelSet, and by `pitot test` for the texts it compares. Where a rule has no
// summary, one is made of the rule: "slow (service=pay): 312 ms; p95(checkout.time) > 250ms".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/channels/message.h"
#include "agent/alerts/channels/template.h"
#include "agent/alerts/definition.h"

namespace pitot::agent::alerts::channels {

// The labels that templates of this rule may name, and no others where they are known.
TemplateScope scope_of(const RuleDefinition& rule);

// The number that the condition of a level compares its value with, where it is a constant.
std::optional<double> threshold_of(const Program& condition);

class MessageMaker {
public:
    // Takes what it needs out of the rules. A template that does not parse (the loader has
    // refused it before) counts as none.
    MessageMaker(const std::vector<RuleDefinition>& rules, std::string host);

    Message make(const Notice& notice, std::int64_t now_unix_ns) const;
    // The channels that the rule names; null for a rule that is no more.
    const std::vector<std::string>* channels_of(std::string_view rule) const;

private:
    struct LevelTexts {
        std::string severity;
        std::string condition;
        std::optional<double> threshold;
    };
    struct RuleTexts {
        std::optional<Template> summary;
        std::optional<Template> description;
        std::string runbook_url;
        std::map<std::string, std::string> labels;
        std::vector<std::string> channels;
        std::int64_t repeat_ns = 0;
        std::vector<LevelTexts> levels;
    };

    std::map<std::string, RuleTexts, std::less<>> rules_;
    std::string host_;
};

}  // namespace pitot::agent::alerts::channels
