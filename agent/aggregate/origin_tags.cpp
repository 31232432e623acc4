#include "agent/aggregate/origin_tags.h"

#include <algorithm>
#include <array>

namespace pitot::agent {
namespace {

using protocol::Tag;

constexpr std::array<std::string_view, 3> internal_keys{"dd.internal.entity_id", "dd.internal.card",
                                                        "dd.internal.jmx_check_name"};

bool is_host(const Tag& tag) {
    return tag.has_value && tag.key == host_tag_key;
}

bool is_of_origin(const Tag& tag) {
    return is_host(tag) ||
           (tag.has_value && std::ranges::find(internal_keys, tag.key) != internal_keys.end());
}

}  // namespace

void OriginTags::read(std::span<const Tag> tags) {
    host_.reset();
    others_ = with_host_ = tags;
    if (std::ranges::none_of(tags, is_of_origin)) return;
    room_.clear();
    Tag host;
    for (const Tag& tag : tags) {
        if (is_host(tag)) {
            host = tag;
            host_ = tag.value;
        } else if (!is_of_origin(tag)) {
            room_.push_back(tag);
        }
    }
    const std::size_t others = room_.size();
    if (host_ && !host_->empty()) room_.push_back(host);
    with_host_ = room_;
    others_ = with_host_.first(others);
}

}  // namespace pitot::agent
