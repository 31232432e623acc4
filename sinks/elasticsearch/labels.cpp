#include "sinks/elasticsearch/labels.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "sinks/json_writer.h"

namespace pitot::sinks::elasticsearch {
namespace {

struct Label {
    std::string field;
    std::string_view key;
    std::string_view value;
};

// What the server takes for white space: that of java.lang.Character.isWhitespace().
constexpr std::array<std::string_view, 26> blanks{
    " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",   "\x1e",
    "\x1f",   "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u205f", "\u3000", "\u00a0"};

bool is_blank(std::string_view key) {
    while (!key.empty()) {
        const auto* const blank = std::ranges::find_if(
            blanks, [key](std::string_view one) { return key.starts_with(one); });
        if (blank == blanks.end()) return false;
        key.remove_prefix(blank->size());
    }
    return true;
}

std::string field_of(std::string_view key) {
    if (is_blank(key)) return "_";
    std::string field(key);
    std::ranges::replace(field, '.', '_');
    return field;
}

std::vector<Label> labels_of(std::span<const protocol::Tag> tags) {
    std::vector<Label> labels;
    labels.reserve(tags.size());
    for (const protocol::Tag& tag : tags) {
        labels.push_back({.field = field_of(tag.key),
                          .key = tag.key,
                          .value = tag.has_value ? tag.value : std::string_view("true")});
    }
    // The same whatever order they were sent in.
    std::ranges::sort(labels, {}, [](const Label& label) {
        return std::tie(label.field, label.value, label.key);
    });
    return labels;
}

// How many of these labels, all of one field, are not of the field's first key.
std::uint32_t count_merged(std::span<const Label> labels) {
    return static_cast<std::uint32_t>(std::ranges::count_if(
        labels, [&](const Label& label) { return label.key != labels.front().key; }));
}

void append_values(std::span<const Label> labels, JsonWriter& json) {
    const bool is_one = std::ranges::all_of(
        labels, [&](const Label& label) { return label.value == labels.front().value; });
    if (is_one) {
        json.text(labels.front().value);
        return;
    }
    json.begin_array();
    const Label* before = nullptr;
    for (const Label& label : labels) {
        if (before == nullptr || before->value != label.value) json.text(label.value);
        before = &label;
    }
    json.end_array();
}

}  // namespace

LabelText label_text(std::span<const protocol::Tag> tags) {
    LabelText out;
    if (tags.empty()) return out;
    const std::vector<Label> labels = labels_of(tags);
    out.json = ",\"labels\":";
    JsonWriter json(out.json);
    json.begin_object();
    for (auto first = labels.begin(); first != labels.end();) {
        const auto last = std::find_if(
            first, labels.end(), [&](const Label& label) { return label.field != first->field; });
        const std::span<const Label> same(first, last);
        json.key(first->field);
        append_values(same, json);
        out.merged += count_merged(same);
        first = last;
    }
    json.end_object();
    return out;
}

}  // namespace pitot::sinks::elasticsearch
