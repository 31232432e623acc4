// Objects with memory of their own, reused from interval to interval.
//
// take() hands out a cleared object by its index; reset() takes all of them back. Objects
// keep their memory, so that in the steady state nothing is allocated; what one interval
// had beyond twice the need of the next is given back. One thread at a time.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace pitot::agent {

// T has clear(), and is made from `const T&` (the pattern).
template <typename T>
class Pool {
public:
    explicit Pool(T pattern) : pattern_(std::move(pattern)) {}

    std::uint32_t take() {
        if (used_ == items_.size()) {
            items_.push_back(std::make_unique<T>(pattern_));
        } else {
            items_[used_]->clear();
        }
        return static_cast<std::uint32_t>(used_++);
    }

    T& operator[](std::uint32_t index) {
        assert(index < used_);
        return *items_[index];
    }
    const T& operator[](std::uint32_t index) const {
        assert(index < used_);
        return *items_[index];
    }

    void reset() {
        items_.resize(std::min(items_.size(), 2 * used_ + spare_min));
        used_ = 0;
    }

    std::size_t used() const noexcept { return used_; }

private:
    static constexpr std::size_t spare_min = 16;

    T pattern_;
    std::vector<std::unique_ptr<T>> items_;
    std::size_t used_ = 0;
};

}  // namespace pitot::agent
