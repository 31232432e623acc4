#include "agent/aggregate/additions.h"

#include <algorithm>

namespace pitot::agent {

using protocol::Tag;

std::span<const Tag> Adder::with_tags(const Additions& additions, ClientHost host,
                                      std::span<const Tag> tags) {
    tags_.assign(tags.begin(), tags.end());
    for (const auto& [key, value] : additions.tags) {
        if (host == ClientHost::said && key == host_tag_key) continue;
        if (std::ranges::find(tags, key, &Tag::key) == tags.end()) {
            tags_.push_back({.key = key, .value = value, .has_value = true});
        }
    }
    return tags_;
}

protocol::Reject Adder::add(const Additions& additions, ClientHost host,
                            protocol::Identity& identity) {
    const std::span<const Tag> tags = with_tags(additions, host, identity.tags);
    const std::size_t name_bytes = additions.prefix.size() + identity.name.size();
    std::size_t bytes = name_bytes;
    // ',' before and ':' within each tag.
    for (const Tag& tag : tags) bytes += tag.key.size() + tag.value.size() + 2;
    if (bytes > protocol::identity_bytes_max) return protocol::Reject::too_long;

    char* const behind = std::ranges::copy(additions.prefix, name_.data()).out;
    std::ranges::copy(identity.name, behind);
    identity = {.name = {name_.data(), name_bytes}, .tags = tags};
    return protocol::Reject::none;
}

}  // namespace pitot::agent
