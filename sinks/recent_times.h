// How long the newest of some repeated things took, and how many of them there were.
//
// A sink writes it (how long encoding and attempts take) and hands out copies with its
// status. Any number of readers follow it, each by itself: a reader remembers `count`, and
// asks for what came since. Bounded: of more than `kept` in one look, the newest are told,
// and stand for all.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pitot::sinks {

class RecentTimes {
public:
    // More than a flush brings, unless a destination takes what had queued up.
    static constexpr std::size_t kept = 16;

    void add(std::int64_t ns) noexcept { newest_ns_[count_++ % kept] = ns; }

    // Since the start.
    std::uint64_t count() const noexcept { return count_; }

    // The newest of those that came after the first `seen`, in any order; into `out`, whose
    // beginning is returned.
    std::span<const std::int64_t> since(std::uint64_t seen,
                                        std::span<std::int64_t, kept> out) const noexcept {
        const std::size_t news = std::min<std::uint64_t>(count_ - std::min(seen, count_), kept);
        for (std::size_t i = 0; i < news; ++i) out[i] = newest_ns_[(count_ - 1 - i) % kept];
        return out.first(news);
    }

private:
    std::uint64_t count_ = 0;
    std::array<std::int64_t, kept> newest_ns_{};
};

}  // namespace pitot::sinks
