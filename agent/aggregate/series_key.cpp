#include "agent/aggregate/series_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pitot::agent {

std::uint64_t hash_of_member(std::string_view member, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(member.data(), member.size(), seed);
}

}  // namespace pitot::agent
