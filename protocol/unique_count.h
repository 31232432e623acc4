// How many different members a set has seen: exact while small, then a HyperLogLog.
//
// Members come as 64-bit hashes, made by the caller with one keyed hash for all, so that
// two counts can be merged. Up to exact_members_max hashes are kept as they are; beyond,
// 2^14 registers estimate within 0.81 % (standard error; Flajolet et al., "HyperLogLog",
// 2007, with the improved estimator of Ertl, "New cardinality estimation algorithms for
// HyperLogLog sketches", 2017, section 2, which needs no tables of corrections).
//
// Merging is exact: the merged count is what one count would have been that had seen
// both, and is_exact() says whether the union has at most exact_members_max members, in
// whatever order it came together. Members themselves cannot be asked for.
//
// Not safe to share between threads. Allocates while it grows (up to 4 KiB for members,
// and 16 KiB for registers at once), from the memory resource it is made with; after
// clear() it holds on to its memory. Copies use the default resource.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace pitot::protocol {

class UniqueCount {
public:
    static constexpr std::size_t exact_members_max = 256;
    static constexpr int precision_bits = 14;

    explicit UniqueCount(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
        : members_(memory), registers_(memory) {}

    // Any value may be a hash, all 64 bits of it equally likely and independent.
    void add(std::uint64_t hash);
    void merge(const UniqueCount& other);
    // Keeps memory for the next use.
    void clear();

    bool empty() const { return is_exact() && member_count_ == 0; }
    bool is_exact() const { return !estimating_; }
    // Whether the next member may take memory.
    bool may_grow() const;
    // The number itself while exact. Finite; reads all registers otherwise.
    double estimate() const;

private:
    void add_exact(std::uint64_t hash);
    bool needs_more_slots() const;
    void grow_members();
    void start_estimating();
    void raise_register(std::uint64_t hash);

    // Open addressing with linear probing, half full at most; 0 marks a free slot.
    std::pmr::vector<std::uint64_t> members_;
    // Of each register the highest rank seen, 0 for none; empty before they are needed,
    // all zero while is_exact().
    std::pmr::vector<std::uint8_t> registers_;
    std::uint16_t member_count_ = 0;  // including the member 0
    bool has_member_zero_ = false;    // the hash that cannot stand in a slot
    bool estimating_ = false;
};

}  // namespace pitot::protocol
