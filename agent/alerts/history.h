// The last evaluations of each instance, so that "why did it fire?" and "why did it not?" have
// an answer at any time: what each place of the expression read, from how many series, what
// came of it, and in which state the instance was then.
//
// Alerting records on the flush thread, once per flush; the server's thread copies one
// instance out at a time. Both hold the lock for as long as that takes, which is microseconds.
//
// Not every instance has a history: a rule over a hundred thousand series has as many. Those
// that are pending or firing come first. What room is left, each rule fills with the first
// instances that it meets, so that a rule over a few series can be asked about all of them.
// An instance that is fine makes room for one that is not; one that is not fine stays. One
// whose series are gone is forgotten when all that is left of it says so. Of those without a
// history Alerting knows the last evaluation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/instance.h"
#include "agent/alerts/labels.h"
#include "agent/alerts/value.h"

namespace pitot::agent::alerts {

struct LeafRecord {
    Value value = {};
    std::uint32_t series = 0;
};

// One evaluation of one instance.
struct EvaluationRecord {
    std::int64_t wall_ns = 0;
    Value value = {};  // that the rule shows
    LevelTruth levels[levels_max] = {};
    Phase phase = Phase::ok;  // after it
    std::uint8_t level = 0;   //
    bool is_there = true;     // false: the group had no series any more
    std::vector<LeafRecord> leaves = {};
};

// A copy. `evaluations`: the oldest first.
struct InstanceHistory {
    GroupLabels labels = {};
    std::vector<EvaluationRecord> evaluations = {};
    bool is_kept = true;  // false: it has no history, this is the last evaluation alone
};

// Whether labels have all of those that are wanted.
bool has_all(const GroupLabels& labels, const GroupLabels& wanted);

class EvaluationHistory {
public:
    // Evaluations kept of an instance: twenty minutes of ten-second flushes.
    static constexpr std::size_t evaluations_max = 120;
    // Instances with a history, of all rules. With evaluations of two leaves, the usual
    // number, they take 10 MB.
    static constexpr std::size_t instances_max = 512;
    // Of them, how many of one rule may be there while they are fine. Fewer where rules are
    // many: each gets its share.
    static constexpr std::size_t idle_instances_per_rule_max = 16;
    // Of a rule, how many leaves are recorded, those of all levels and clear conditions together
    // (leaves_of()). More would fit on no screen.
    static constexpr std::size_t leaves_max = 8;

    explicit EvaluationHistory(std::size_t rules);

    // Of one rule that may be there while they are fine, as long as there is room.
    std::size_t idle_per_rule() const { return idle_per_rule_; }

    // The flush thread. Whether an instance is to be recorded: it is then, or has room made
    // for it. `is_idle`: it is just ok.
    bool admit(std::size_t rule, std::string_view key, const GroupLabels& labels, bool is_idle);
    bool has_room_for_idle(std::size_t rule) const {
        return instances_ < instances_max && rules_[rule].idle < idle_per_rule_;
    }
    // Of one that was admitted.
    void record(std::size_t rule, std::string_view key, bool is_idle, EvaluationRecord evaluation);
    // Those of a rule that have a history.
    std::vector<std::pair<std::string, GroupLabels>> instances(std::size_t rule) const;

    // Any thread. Instances whose labels have all of those given: at most `most`.
    std::vector<InstanceHistory> find(std::size_t rule, const GroupLabels& labels,
                                      std::size_t most) const;

private:
    struct Instance {
        GroupLabels labels = {};
        std::vector<EvaluationRecord> ring = {};
        std::size_t next = 0;  // where the next one goes, once the ring is full
        bool is_idle = true;
        std::uint32_t missing = 0;  // evaluations in a row that it was not there
    };
    struct OfRule {
        std::map<std::string, Instance, std::less<>> instances = {};  // by key
        std::size_t idle = 0;                                         // of these
    };

    // Makes room by giving up an idle instance of any rule; false if there is none.
    bool give_up_an_idle_one();

    mutable std::mutex mutex_;
    // Changed by the flush thread only, with the lock held; so it reads without.
    std::vector<OfRule> rules_ = {};
    const std::size_t idle_per_rule_;
    std::size_t instances_ = 0;
    std::size_t idle_ = 0;  // of these
};

}  // namespace pitot::agent::alerts
