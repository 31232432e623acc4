// Counts what the kernel dropped in front of a UDP socket.
//
// The kernel keeps one 32-bit number per socket, which only grows and wraps around. It
// tells it in two ways: with each datagram (SO_RXQ_OVFL) as it was when that datagram was
// queued, and at any time on request (SO_MEMINFO). The first is free and may lag by a
// whole queue; the second costs a system call and is exact, also when the drops of a
// burst are the last thing that happened. Readings of both kinds may come in any order.
#pragma once

#include <cstdint>

namespace pitot::agent {

class KernelDrops {
public:
    // `start` is the number before the first datagram that is ours to count: 0 for a new
    // socket, what it says already for one that was handed to us.
    explicit KernelDrops(std::uint32_t start = 0) noexcept : last_(start) {}

    // Takes a reading; returns how many datagrams were dropped since the newest one so far.
    // Right as long as fewer than 2^31 are dropped between two readings: a reading that
    // seems to be that far ahead is one from the past.
    std::uint32_t observe(std::uint32_t reading) noexcept {
        const std::uint32_t ahead = reading - last_;
        if (ahead > UINT32_MAX / 2) return 0;
        last_ = reading;
        return ahead;
    }

private:
    std::uint32_t last_;
};

}  // namespace pitot::agent
