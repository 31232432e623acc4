// Which labels the groups of an expression have, as far as the text of the rule tells: what
// decides whether two sides of an operator can be joined, before any series was seen.
//
// Closed labels are known by name ("by (service, zone)"; none at all when everything is
// merged). Open labels are all tags of a series but the named ones ("by (*)", "without
// (host)"), and one more for each `*` in the name of the metric.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace pitot::agent::alerts {

// A label of one group. Of a tag without a value, or one that a series does not have, the
// value is empty.
struct Label {
    std::string name;
    std::string value;

    auto operator<=>(const Label&) const = default;
};
// Sorted.
using GroupLabels = std::vector<Label>;

// The labels as one text, which no other labels have. Not for people.
std::string key_of(const GroupLabels& labels);

struct Labels {
    bool is_open = false;
    std::vector<std::string> names;  // sorted; of open labels: those left out
    std::size_t captures = 0;        // of open labels: how many `*` the name has

    bool operator==(const Labels&) const = default;
    bool is_empty() const { return !is_open && names.empty(); }
};

// Whether each group of `all` belongs to one group of `part`: the labels of `part` are
// among those of `all`.
bool is_subset(const Labels& part, const Labels& all);

// The labels of two joined sides, which are those of the side with more of them; nothing
// where neither side's are among the other's.
std::optional<Labels> joined(const Labels& left, const Labels& right);

// What the labels of a group of the larger side are on the side of `part`.
GroupLabels projected(const GroupLabels& labels, const Labels& part);

// "service, zone", "every tag but host", "no labels": for messages and `--explain`.
std::string to_text(const Labels& labels);

}  // namespace pitot::agent::alerts
