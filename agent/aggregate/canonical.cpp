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

}  // namespace pitot::agent
