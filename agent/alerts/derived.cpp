#include "agent/alerts/derived.h"

#include <algorithm>
#include <utility>

namespace pitot::agent::alerts {

std::vector<std::pair<std::string, std::string>> tags_of(const GroupLabels& labels) {
    std::vector<std::pair<std::string, std::string>> tags;
    tags.reserve(labels.size());
    for (const Label& label : labels) {
        if (label.value.empty()) continue;
        std::string key = label.name;
        if (key.starts_with('$')) key.front() = '_';
        // A part of a name may have what a tag cannot.
        std::string value = label.value;
        std::ranges::replace(value, ',', '_');
        tags.emplace_back(std::move(key), std::move(value));
    }
    return tags;
}

DerivedSet::DerivedSet(std::vector<DerivedSeries> series, EvaluatorSettings settings)
    : evaluator_(std::move(settings)) {
    for (DerivedSeries& one : series) {
        evaluator_.add(std::move(one.expression));
        names_.push_back(std::move(one.name));
    }
}

void DerivedSet::evaluate(const protocol::Snapshot& snapshot, std::vector<MadeGauge>& out) {
    if (is_empty()) return;
    evaluator_.take(snapshot);
    std::size_t made = 0;
    for (ProgramId program = 0; program < names_.size(); ++program) {
        evaluator_.each_instance(program, [&](const Instance& instance) {
            if (!instance.value.is_exact()) return;
            if (made >= gauges_max) {
                ++left_out_;
                return;
            }
            ++made;
            out.push_back({.name = names_[program],
                           .tags = tags_of(instance.group.labels),
                           .value = instance.value.low});
        });
    }
}

}  // namespace pitot::agent::alerts
