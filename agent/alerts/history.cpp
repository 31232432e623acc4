#include "agent/alerts/history.h"

#include <algorithm>
#include <utility>

namespace pitot::agent::alerts {

namespace {

bool has_all(const GroupLabels& labels, const GroupLabels& wanted) {
    return std::ranges::all_of(wanted, [&](const Label& label) {
        return std::ranges::find(labels, label) != labels.end();
    });
}

}  // namespace

std::size_t EvaluationHistory::idle_of(std::size_t rule) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        rules_[rule], [](const auto& entry) { return entry.second.is_idle; }));
}

bool EvaluationHistory::give_up_an_idle_one() {
    // Of the rule with most of them, so that each rule keeps one as long as possible.
    Instances* most = nullptr;
    std::size_t most_idle = 0;
    for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
        const std::size_t idle = idle_of(rule);
        if (idle <= most_idle) continue;
        most_idle = idle;
        most = &rules_[rule];
    }
    if (most == nullptr) return false;
    most->erase(
        std::ranges::find_if(*most, [](const auto& entry) { return entry.second.is_idle; }));
    --instances_;
    return true;
}

bool EvaluationHistory::admit(std::size_t rule, std::string_view key, const GroupLabels& labels,
                              bool is_idle) {
    const auto known = rules_[rule].find(key);
    if (known != rules_[rule].end()) {
        const std::scoped_lock lock(mutex_);
        known->second.is_idle = is_idle;
        return true;
    }
    if (is_idle && (instances_ >= instances_max || idle_of(rule) >= idle_instances_per_rule_max)) {
        return false;
    }
    const std::scoped_lock lock(mutex_);
    if (instances_ >= instances_max && !give_up_an_idle_one()) return false;
    rules_[rule].try_emplace(std::string(key), Instance{.labels = labels, .is_idle = is_idle});
    ++instances_;
    return true;
}

void EvaluationHistory::record(std::size_t rule, std::string_view key,
                               EvaluationRecord evaluation) {
    const auto found = rules_[rule].find(key);
    if (found == rules_[rule].end()) return;
    if (evaluation.leaves.size() > leaves_max) evaluation.leaves.resize(leaves_max);
    const std::scoped_lock lock(mutex_);
    Instance& instance = found->second;
    instance.missing = evaluation.is_there ? 0 : instance.missing + 1;
    if (instance.is_idle && instance.missing >= evaluations_max) {
        rules_[rule].erase(found);
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

std::vector<std::string> EvaluationHistory::keys(std::size_t rule) const {
    std::vector<std::string> keys;
    keys.reserve(rules_[rule].size());
    for (const auto& [key, instance] : rules_[rule]) keys.push_back(key);
    return keys;
}

std::vector<InstanceHistory> EvaluationHistory::find(std::size_t rule, const GroupLabels& labels,
                                                     std::size_t most) const {
    std::vector<InstanceHistory> found;
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, instance] : rules_[rule]) {
        if (found.size() >= most) break;
        if (!has_all(instance.labels, labels)) continue;
        InstanceHistory history{.labels = instance.labels, .evaluations = {}};
        history.evaluations.reserve(instance.ring.size());
        for (std::size_t i = 0; i < instance.ring.size(); ++i) {
            history.evaluations.push_back(instance.ring[(instance.next + i) % instance.ring.size()]);
        }
        found.push_back(std::move(history));
    }
    return found;
}

}  // namespace pitot::agent::alerts
