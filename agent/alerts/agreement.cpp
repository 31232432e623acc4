#include "agent/alerts/agreement.h"

#include <algorithm>
#include <iterator>

namespace pitot::agent::alerts {

AgreementIndex::Names AgreementIndex::names_of(const GroupLabels& labels) {
    Names names;
    names.reserve(labels.size());
    for (const Label& label : labels) names.emplace_back(label.name);
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return names;
}

// Of a label that is there more than once the first value counts.
std::string AgreementIndex::values_of(const GroupLabels& labels, const Names& names) {
    std::string values;
    for (const std::string_view name : names) {
        const std::string& value = std::ranges::find(labels, name, &Label::name)->value;
        values += std::to_string(value.size());
        values += ':';
        values += value;
    }
    return values;
}

void AgreementIndex::add(const GroupLabels& labels) {
    alike_[names_of(labels)].all.push_back(&labels);
}

bool AgreementIndex::has_one_for(const GroupLabels& labels) {
    const Names names = names_of(labels);
    return std::ranges::any_of(alike_, [&](auto& entry) {
        Names common;
        std::ranges::set_intersection(names, entry.first, std::back_inserter(common));
        std::string wanted = values_of(labels, common);
        auto [values, is_new] = entry.second.values.try_emplace(std::move(common));
        if (is_new) {
            looks_ += entry.second.all.size();
            for (const GroupLabels* const each : entry.second.all) {
                values->second.insert(values_of(*each, values->first));
            }
        }
        return values->second.contains(wanted);
    });
}

}  // namespace pitot::agent::alerts
