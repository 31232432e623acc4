#include "agent/aggregate/series_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pitot::agent {

std::uint32_t hash_of(const SeriesKey& key, std::uint64_t seed) noexcept {
    const auto flavour = static_cast<std::uint64_t>(std::to_underlying(key.kind)) |
                         static_cast<std::uint64_t>(std::to_underlying(key.spelling)) << 8U;
    std::uint64_t hash = XXH3_64bits_withSeed(key.name.data(), key.name.size(), seed + flavour);
    if (!key.tags.empty()) hash = XXH3_64bits_withSeed(key.tags.data(), key.tags.size(), hash);
    return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

std::uint64_t hash_of_member(std::string_view member, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(member.data(), member.size(), seed);
}

}  // namespace pitot::agent
