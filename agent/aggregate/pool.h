// Objects with memory of their own, reused from interval to interval.
//
// take() hands out a cleared object by its index; reset() takes all of them back. Objects
// keep their memory, so that in the steady state nothing is allocated; what one interval
// had beyond twice the need of the next is given back. Objects never move. One thread at a
// time.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <tuple>
#include <utility>

namespace pitot::agent {

// T has clear(), and is made from `Arguments…` and a memory resource, which the pool uses
// for its objects, too, and which outlives it.
template <typename T, typename... Arguments>
class Pool {
public:
    explicit Pool(std::pmr::memory_resource* memory, Arguments... arguments)
        : arguments_(std::move(arguments)...), items_(memory) {}

    std::uint32_t take() {
        if (used_ == items_.size()) {
            std::apply(
                [this](const Arguments&... arguments) {
                    items_.emplace_back(arguments..., items_.get_allocator().resource());
                },
                arguments_);
        } else {
            items_[used_].clear();
        }
        return static_cast<std::uint32_t>(used_++);
    }

    T& operator[](std::uint32_t index) {
        assert(index < used_);
        return items_[index];
    }
    const T& operator[](std::uint32_t index) const {
        assert(index < used_);
        return items_[index];
    }

    void reset() {
        const std::size_t kept = std::min(items_.size(), 2 * used_ + spare_min);
        while (items_.size() > kept) items_.pop_back();
        used_ = 0;
    }

    // Gives back all memory.
    void release() {
        items_.clear();
        items_.shrink_to_fit();
        used_ = 0;
    }

    std::size_t used() const noexcept { return used_; }

private:
    static constexpr std::size_t spare_min = 16;

    std::tuple<Arguments...> arguments_;
    std::pmr::deque<T> items_;
    std::size_t used_ = 0;
};

}  // namespace pitot::agent
