// Counts the memory that one kind of thing holds, and says when it is time to save.
//
// A memory resource (std::pmr) over the process's heap: what takes memory asks it, so that
// bytes are counted where they are taken and never for a line that takes none. It refuses
// nothing by itself. Who is about to take memory asks is_full() first and has something to
// do then that keeps totals (timer_cell.h, series_table.h); is_tight() comes earlier and
// asks for coarser histograms.
//
// One thread at a time. Outlives all that took memory from it.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory_resource>
#include <new>

namespace pitot::agent {

class MemoryMeter final : public std::pmr::memory_resource {
public:
    // `reserve_bytes` of the budget are kept back until spend_reserve().
    explicit MemoryMeter(std::size_t budget_bytes, std::size_t reserve_bytes = 0)
        : budget_bytes_(budget_bytes), reserve_bytes_(reserve_bytes) {}
    ~MemoryMeter() override = default;
    MemoryMeter(const MemoryMeter&) = delete;
    MemoryMeter& operator=(const MemoryMeter&) = delete;

    bool is_tight() const noexcept { return used_bytes_ >= budget_bytes_ / 2; }
    bool is_full() const noexcept { return used_bytes_ + reserve_bytes_held_ >= budget_bytes_; }
    // For who takes much at once: whether it would not be full before all of it is taken.
    bool has_room_for(std::size_t bytes) const noexcept {
        return used_bytes_ + reserve_bytes_held_ + bytes <= budget_bytes_;
    }
    std::size_t used_bytes() const noexcept { return used_bytes_; }

    void spend_reserve() noexcept { reserve_bytes_held_ = 0; }
    void restore_reserve() noexcept { reserve_bytes_held_ = reserve_bytes_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        assert(alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
        static_cast<void>(alignment);
        void* memory = ::operator new(bytes);
        used_bytes_ += bytes;
        return memory;
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
        ::operator delete(memory, bytes);
        used_bytes_ -= bytes;
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::size_t budget_bytes_;
    std::size_t reserve_bytes_;
    std::size_t reserve_bytes_held_ = reserve_bytes_;
    std::size_t used_bytes_ = 0;
};

// Whether a value may be turned away when there is no memory. The overflow series take what
// they need: there are few of them (limits.h), and somebody must keep the totals.
enum class Memory : bool { limited, granted };

}  // namespace pitot::agent
