// The tags of a series, taken apart while they are walked over.
//
//     for (const Tag tag : series.tags()) …       key and value, in their order
//
// The text is the canonical one: tags sorted by their bytes, without duplicates or empty ones,
// joined by ','. It takes a third of what split tags would, and a series is asked for its tags
// at its birth, seldom later. Views into the text live as long as it does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <vector>

#include "protocol/sample.h"

namespace pitot::protocol {

class TagList {
public:
    class Iterator {
    public:
        using value_type = Tag;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::forward_iterator_tag;

        Iterator() = default;
        explicit Iterator(std::string_view rest) : rest_(rest) {}

        Tag operator*() const noexcept {
            const std::string_view text = first();
            const std::size_t colon = text.find(':');
            if (colon == std::string_view::npos) return {.key = text, .value = {}};
            return {
                .key = text.substr(0, colon), .value = text.substr(colon + 1), .has_value = true};
        }
        Iterator& operator++() noexcept {
            rest_.remove_prefix(std::min(rest_.size(), first().size() + 1));
            return *this;
        }
        Iterator operator++(int) noexcept {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator& other) const noexcept {
            return rest_.size() == other.rest_.size() && rest_.data() == other.rest_.data();
        }
        bool operator==(std::default_sentinel_t /*end*/) const noexcept { return rest_.empty(); }

    private:
        std::string_view first() const noexcept { return rest_.substr(0, rest_.find(',')); }

        std::string_view rest_;
    };

    TagList() = default;
    explicit TagList(std::string_view canonical) : text_(canonical) {}

    Iterator begin() const noexcept { return Iterator(text_); }
    static std::default_sentinel_t end() noexcept { return {}; }
    bool empty() const noexcept { return text_.empty(); }

    std::string_view text() const noexcept { return text_; }
    // For who needs them more than once; the views are on the same text.
    std::vector<Tag> split() const {
        std::vector<Tag> tags;
        for (const Tag tag : *this) tags.push_back(tag);
        return tags;
    }

private:
    std::string_view text_;
};

}  // namespace pitot::protocol
