#include "agent/alerts/history.h"

#include <algorithm>
#include <utility>

namespace pitot::agent::alerts {

bool has_all(const GroupLabels& labels, const GroupLabels& wanted) {
    return std::ranges::all_of(wanted, [&](const Label& label) {
        return std::ranges::find(labels, label) != labels.end();
    });
}

EvaluationHistory::EvaluationHistory(std::size_t rules)
    : rules_(rules),
      idle_per_rule_(std::clamp<std::size_t>(instances_max / std::max<std::size_t>(rules, 1), 1,
                                             idle_instances_per_rule_max)) {}

bool EvaluationHistory::give_up_an_idle_one() {
    if (idle_ == 0) return false;
    // Of the rule with most of them, so that each rule keeps one as long as possible.
    const auto most = std::ranges::max_element(rules_, {}, &OfRule::idle);
    most->instances.erase(std::ranges::find_if(
        most->instances, [](const auto& entry) { return entry.second.is_idle; }));
    --most->idle;
    --idle_;
    --instances_;
    return true;
}

bool EvaluationHistory::admit(std::size_t rule, std::string_view key, const GroupLabels& labels,
                              bool is_idle) {
    OfRule& its = rules_[rule];
    if (its.instances.contains(key)) return true;
    if (is_idle && !has_room_for_idle(rule)) return false;
    if (!is_idle && instances_ >= instances_max && idle_ == 0) return false;
    const std::scoped_lock lock(mutex_);
    if (instances_ >= instances_max && !give_up_an_idle_one()) return false;
    its.instances.try_emplace(std::string(key), Instance{.labels = labels, .is_idle = is_idle});
    its.idle += is_idle ? 1U : 0U;
    idle_ += is_idle ? 1U : 0U;
    ++instances_;
    return true;
}

void EvaluationHistory::record(std::size_t rule, std::string_view key, bool is_idle,
                               EvaluationRecord evaluation) {
    OfRule& its = rules_[rule];
    const auto found = its.instances.find(key);
    if (found == its.instances.end()) return;
    if (evaluation.leaves.size() > leaves_max) evaluation.leaves.resize(leaves_max);
    const std::scoped_lock lock(mutex_);
    Instance& instance = found->second;
    its.idle -= instance.is_idle ? 1U : 0U;
    idle_ -= instance.is_idle ? 1U : 0U;
    instance.is_idle = is_idle;
    its.idle += is_idle ? 1U : 0U;
    idle_ += is_idle ? 1U : 0U;
    instance.missing = evaluation.is_there ? 0 : instance.missing + 1;
    if (is_idle && instance.missing >= evaluations_max) {
        its.instances.erase(found);
        --its.idle;
        --idle_;
        --instances_;
        return;
    }
    if (instance.ring.size() < evaluations_max) {
        instance.ring.push_back(std::move(evaluation));
        return;
    }
    instance.ring[instance.next] = std::move(evaluation);
    instance.next = (instance.next + 1) % evaluations_max;
}

std::vector<std::pair<std::string, GroupLabels>> EvaluationHistory::instances(
    std::size_t rule) const {
    std::vector<std::pair<std::string, GroupLabels>> all;
    all.reserve(rules_[rule].instances.size());
    for (const auto& [key, instance] : rules_[rule].instances) {
        all.emplace_back(key, instance.labels);
    }
    return all;
}

std::vector<InstanceHistory> EvaluationHistory::find(std::size_t rule, const GroupLabels& labels,
                                                     std::size_t most) const {
    std::vector<InstanceHistory> found;
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, instance] : rules_[rule].instances) {
        if (found.size() >= most) break;
        if (!has_all(instance.labels, labels)) continue;
        InstanceHistory history{.labels = instance.labels, .evaluations = {}};
        history.evaluations.reserve(instance.ring.size());
        for (std::size_t i = 0; i < instance.ring.size(); ++i) {
            history.evaluations.push_back(
                instance.ring[(instance.next + i) % instance.ring.size()]);
        }
        found.push_back(std::move(history));
    }
    return found;
}

}  // namespace pitot::agent::alerts
