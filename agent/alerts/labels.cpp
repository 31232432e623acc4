#include "agent/alerts/labels.h"

#include <algorithm>
#include <iterator>

namespace pitot::agent::alerts {

namespace {

bool is_capture(const std::string& name) {
    return name.size() == 2 && name[0] == '$';
}

bool has_label(const Labels& open, const std::string& name) {
    if (is_capture(name)) return static_cast<std::size_t>(name[1] - '0') <= open.captures;
    return !std::ranges::binary_search(open.names, name);
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

void append_counted(std::string& key, const std::string& text) {
    key += std::to_string(text.size());
    key += ':';
    key += text;
}

}  // namespace

std::string key_of(const GroupLabels& labels) {
    std::string key;
    for (const Label& label : labels) {
        append_counted(key, label.name);
        append_counted(key, label.value);
    }
    return key;
}

GroupLabels projected(const GroupLabels& labels, const Labels& part) {
    GroupLabels out;
    if (part.is_open) {
        std::ranges::copy_if(labels, std::back_inserter(out),
                             [&](const Label& label) { return has_label(part, label.name); });
        return out;
    }
    for (const std::string& name : part.names) {
        const auto found = std::ranges::find(labels, name, &Label::name);
        out.push_back({name, found == labels.end() ? std::string{} : found->value});
    }
    return out;
}

bool is_subset(const Labels& part, const Labels& all) {
    if (!part.is_open && !all.is_open) return std::ranges::includes(all.names, part.names);
    if (!part.is_open) {
        return std::ranges::all_of(part.names,
                                   [&](const std::string& name) { return has_label(all, name); });
    }
    // What is left out of `all` must be left out of `part`.
    return all.is_open && part.captures <= all.captures &&
           std::ranges::includes(part.names, all.names);
}

std::optional<Labels> joined(const Labels& left, const Labels& right) {
    if (is_subset(right, left)) return left;
    if (is_subset(left, right)) return right;
    return std::nullopt;
}

std::string to_text(const Labels& labels) {
    if (!labels.is_open) return labels.names.empty() ? "no labels" : listed(labels.names);
    std::string out = "every tag";
    if (!labels.names.empty()) out += " but " + listed(labels.names);
    if (labels.captures == 1) out += " and $1";
    if (labels.captures > 1) out += " and $1 to $" + std::to_string(labels.captures);
    return out;
}

}  // namespace pitot::agent::alerts
