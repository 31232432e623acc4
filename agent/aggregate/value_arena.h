// Blocks of numbers that live for one interval: the exact values of timers.
//
// Allocation moves an index; reset() forgets everything and keeps the memory, so that in
// the steady state nothing is asked of the system. Blocks are named by 32-bit offsets and
// never move before reset(). One thread at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pitot::agent {

class ValueArena {
public:
    // Names a block; 0 is none.
    using Offset = std::uint32_t;
    static constexpr std::size_t block_values_max = 1'024;

    // `count` numbers, not initialised. At most block_values_max.
    Offset allocate(std::size_t count) {
        assert(count <= block_values_max);
        // A block lies in one chunk.
        if (used_ % values_per_chunk + count > values_per_chunk) {
            used_ = (used_ / values_per_chunk + 1) * values_per_chunk;
        }
        if (used_ + count > chunks_.size() * values_per_chunk) add_chunk();
        const std::size_t at = used_;
        used_ += count;
        return static_cast<Offset>(at);
    }

    double* at(Offset block) noexcept {
        return chunks_[block / values_per_chunk].get() + block % values_per_chunk;
    }

    void reset() noexcept { used_ = 1; }
    std::size_t bytes() const noexcept {
        return chunks_.size() * values_per_chunk * sizeof(double);
    }

private:
    static constexpr std::size_t values_per_chunk = 16'384;  // 128 KiB

    void add_chunk() {
        chunks_.push_back(std::make_unique_for_overwrite<double[]>(values_per_chunk));
    }

    std::vector<std::unique_ptr<double[]>> chunks_;
    std::size_t used_ = 1;  // offset 0 names no block
};

}  // namespace pitot::agent
