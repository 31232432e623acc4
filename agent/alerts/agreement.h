// Finds labels that agree: where both sides have a label, its values are equal.
//
//     AgreementIndex firing;
//     firing.add(labels);                      // of each instance that fires
//     if (firing.has_one_for(other)) …         // is inhibited
//
// Groups of one rule mostly have labels of the same names, so that what is common to both
// sides is the same for all of them: those that were added are looked at once for each set of
// common names, and every question after that is one look-up. Clients make up the values of
// tags, and as many as the limits allow: each one with each other would be too many.
//
// For one thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "agent/alerts/labels.h"

namespace pitot::agent::alerts {

class AgreementIndex {
public:
    // Before the first question. `labels` outlive the index.
    void add(const GroupLabels& labels);

    bool has_one_for(const GroupLabels& labels);

    // How often one that was added was looked at: what the answers so far have cost.
    std::size_t looks() const { return looks_; }

private:
    using Names = std::vector<std::string_view>;
    // Those whose labels have the same names.
    struct Alike {
        std::vector<const GroupLabels*> all;
        std::map<Names, std::unordered_set<std::string>> values;  // by the names in common
    };

    static Names names_of(const GroupLabels& labels);
    static std::string values_of(const GroupLabels& labels, const Names& names);

    std::map<Names, Alike> alike_;  // by names
    std::size_t looks_ = 0;
};

}  // namespace pitot::agent::alerts
