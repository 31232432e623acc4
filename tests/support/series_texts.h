// Series without an agent: keeps the texts that they refer to.
//
//     SeriesTexts texts;
//     series.push_back(texts.make(Kind::counter, "page.views", "env:prod,shell", 1));
//
// Tags are canonical: sorted by their bytes, without duplicates.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "protocol/series.h"

namespace pitot::tests {

// A series without tags, on its own, for functions that look at nothing else. `name` outlives it.
inline protocol::Series series_of(protocol::Kind kind, std::string_view name) {
    return {.text = name.data(),
            .name_bytes = static_cast<std::uint16_t>(name.size()),
            .kind = kind,
            .name_hash = protocol::name_hash_of(name, kind),
            .birth = 1};
}

class SeriesTexts {
public:
    protocol::Series make(protocol::Kind kind, std::string_view name, std::string_view tags,
                          std::uint64_t birth, std::int64_t born_unix_ns = 0) {
        const std::string& text = texts_.emplace_back(std::string(name).append(tags));
        return {.text = text.data(),
                .name_bytes = static_cast<std::uint16_t>(name.size()),
                .tags_bytes = static_cast<std::uint16_t>(tags.size()),
                .kind = kind,
                .name_hash = protocol::name_hash_of(name, kind),
                .birth = birth,
                .born_unix_ns = born_unix_ns};
    }

private:
    std::deque<std::string> texts_;  // stay where they are
};

}  // namespace pitot::tests
