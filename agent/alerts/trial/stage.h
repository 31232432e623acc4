// The agent that a test is acted out on: parser, table, merger and engine of the running one,
// on a clock that moves from flush to flush and nothing that waits.
//
//     Stage stage(file, rules);
//     while (stage.elapsed_ns() < trial.end_ns) { stage.flush(lines); … }
//
// Flush n ends the interval from (n - 1) times the interval on, at n times the interval, and
// has the lines that came from its beginning on and before its end. The wall clock starts at
// the beginning of 2026 in UTC, the host is called "test-host": messages are the same on every
// desk. Nothing is sent; what would have been is kept.
//
// References that it hands out are good until the next flush.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/channels/message_maker.h"
#include "agent/alerts/derived.h"
#include "agent/alerts/engine.h"
#include "agent/alerts/trial/trial.h"
#include "agent/alerts/trial/trial_rules.h"
#include "agent/flush/made_gauge.h"
#include "agent/flush/rehearsal.h"

namespace pitot::agent::alerts {

// One instance of a rule after a flush; one that is fine is there as long as it has series.
struct SeenInstance {
    GroupLabels labels;
    InstanceState state;
    bool is_inhibited = false;
    bool is_suppressed = false;
    std::string severity;  // of its level; "" unless it fires or recovers
    Value value;           // of this flush; of one that fires without data, the last one
};

// A notice, and the message that is made of it.
struct ToldMessage {
    std::int64_t at_ns = 0;
    GroupLabels labels;
    NoticeType type = NoticeType::firing;
    channels::Message message;
};

class Stage {
public:
    // Both outlive the stage.
    Stage(const TrialFile& file, const TrialRules& rules);

    // Ends an interval in which these datagrams came, in this order.
    void flush(std::span<const std::string_view> datagrams);

    std::int64_t elapsed_ns() const { return elapsed_ns_; }
    const TrialRules& rules() const { return rules_; }
    const AlertEngine& engine() const { return engine_; }

    // The number of a rule in the engine.
    std::size_t number_of(std::string_view rule) const;
    // Sorted by their labels.
    std::vector<SeenInstance> instances(std::size_t rule) const;
    // From the start on; those of one flush sorted by their labels.
    const std::vector<ToldMessage>& told(std::size_t rule) const { return told_[rule]; }
    // What a message would say of the instance now, if it fires or recovers.
    channels::Message message_now(std::size_t rule, const SeenInstance& instance) const;
    // The selectors of the rule which no series matches, as "`requests` matches no series, …".
    std::vector<std::string> unmatched(std::size_t rule) const;

private:
    const TrialRules& rules_;
    std::int64_t interval_ns_;
    channels::MessageMaker messages_;
    Rehearsal rehearsal_;
    DerivedSet derived_;
    std::vector<MadeGauge> made_;
    AlertEngine engine_;
    std::int64_t elapsed_ns_ = 0;
    Moment now_;
    std::vector<std::vector<ToldMessage>> told_;  // by rule
    std::optional<protocol::Snapshot> snapshot_;  // the last one
};

}  // namespace pitot::agent::alerts
