// Blocks of numbers that live for one interval: the exact values of timers.
//
// Allocation moves an index; reset() forgets everything and keeps the memory, so that in
// the steady state nothing is asked of the system; release() gives it back. Blocks are named
// by 32-bit offsets and never move before either. One thread at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace pitot::agent {

class ValueArena {
public:
    // Names a block; 0 is none.
    using Offset = std::uint32_t;
    static constexpr std::size_t block_values_max = 1'024;

    // `memory` outlives the arena.
    explicit ValueArena(std::pmr::memory_resource* memory) : chunks_(memory) {}

    // `count` numbers, of any value. At most block_values_max.
    Offset allocate(std::size_t count) {
        assert(count <= block_values_max);
        // A block lies in one chunk.
        if (used_ % values_per_chunk + count > values_per_chunk) {
            used_ = (used_ / values_per_chunk + 1) * values_per_chunk;
        }
        if (used_ + count > chunks_.size() * values_per_chunk) {
            chunks_.emplace_back().reserve(values_per_chunk);
        }
        // There is room, so nothing moves; what is never used is never touched.
        std::pmr::vector<double>& chunk = chunks_[used_ / values_per_chunk];
        const std::size_t end = used_ % values_per_chunk + count;
        if (chunk.size() < end) chunk.resize(end);
        const std::size_t at = used_;
        used_ += count;
        return static_cast<Offset>(at);
    }

    double* at(Offset block) noexcept {
        return &chunks_[block / values_per_chunk][block % values_per_chunk];
    }

    void reset() noexcept { used_ = 1; }
    void release() {
        chunks_.clear();
        chunks_.shrink_to_fit();
        used_ = 1;
    }

private:
    static constexpr std::size_t values_per_chunk = 16'384;  // 128 KiB

    // A chunk keeps its numbers where they are when the list of chunks grows.
    std::pmr::vector<std::pmr::vector<double>> chunks_;
    std::size_t used_ = 1;  // offset 0 names no block
};

}  // namespace pitot::agent
