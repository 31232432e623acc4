// How many different members a set has seen: exact while small, then a HyperLogLog.
//
// Members come as 64-bit hashes, made by the caller with one keyed hash for all, so that
// two counts can be merged. Up to exact_members_max hashes are kept as they are; beyond,
// 2^14 registers estimate within 0.81 % (standard error; Flajolet et al., "HyperLogLog",
// 2007, with Ertl's estimator, 2017). Merging is exact: the merged count is what one
// count would have been that had seen both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pitot::protocol {

class UniqueCount {
public:
    static constexpr std::size_t exact_members_max = 256;
    static constexpr int precision_bits = 14;

    void add(std::uint64_t hash);
    void merge(const UniqueCount& other);
    // Keeps memory for the next use.
    void clear();

    bool empty() const;
    bool is_exact() const;
    double estimate() const;
};

}  // namespace pitot::protocol
