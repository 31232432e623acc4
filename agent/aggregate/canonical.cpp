#include "agent/aggregate/canonical.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace pitot::agent {
namespace {

bool by_bytes(const protocol::Tag& left, const protocol::Tag& right) {
    return std::tie(left.key, left.has_value, left.value) <
           std::tie(right.key, right.has_value, right.value);
}

}  // namespace

std::span<const protocol::Tag> Canonicalizer::tags_of(const protocol::Identity& identity) {
    sorted_.assign(identity.tags.begin(), identity.tags.end());
    std::ranges::sort(sorted_, by_bytes);
    const auto doubled = std::ranges::unique(sorted_);
    sorted_.erase(doubled.begin(), doubled.end());
    return sorted_;
}

SeriesKey Canonicalizer::key_of(const protocol::Identity& identity, protocol::Kind kind) {
    char* end = text_.data();
    for (const protocol::Tag& tag : tags_of(identity)) {
        if (end != text_.data()) *end++ = ',';
        end = std::ranges::copy(tag.key, end).out;
        if (!tag.has_value) continue;
        *end++ = ':';
        end = std::ranges::copy(tag.value, end).out;
    }
    assert(end <= text_.data() + text_.size());
    return {.name = identity.name,
            .tags = {text_.data(), static_cast<std::size_t>(end - text_.data())},
            .kind = kind,
            .spelling = Spelling::plain};
}

void split_canonical_tags(std::string_view tags, std::vector<protocol::Tag>& out) {
    out.clear();
    while (!tags.empty()) {
        const std::string_view tag = tags.substr(0, tags.find(','));
        tags.remove_prefix(std::min(tags.size(), tag.size() + 1));
        const std::size_t colon = tag.find(':');
        const bool has_value = colon != std::string_view::npos;
        out.push_back({.key = tag.substr(0, colon),
                       .value = has_value ? tag.substr(colon + 1) : std::string_view(),
                       .has_value = has_value});
    }
}

}  // namespace pitot::agent
