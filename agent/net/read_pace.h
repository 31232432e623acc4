// When to look at a datagram socket next: as soon as something comes, or after a short pause.
//
// To be woken costs several times what it costs to read a datagram. Under a steady trickle, a
// sidecar's every day, nearly all of its processor time would be wake-ups for one datagram
// each. So when they follow each other closely, the reader stops waiting to be woken and looks
// at the socket by the clock instead, and each look finds several. A datagram waits in the
// receive buffer for that long at the most; while there are few of them, or none, each is
// still read at once.
//
// A pause is never longer than what the buffer can take of a burst (pause_that_fits), and when
// a look finds a good part of it filled, the reader goes back to being woken for a while.
//
// DatagramReader asks; this has no clock, no socket and no timer.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pitot::agent {

// What the kernel takes from the receive buffer for a datagram beside its bytes: its head, and
// what the sizes of memory are rounded up by. 832 bytes were measured for 60, 2.3 kB for 1432.
inline constexpr std::size_t datagram_overhead_bytes = 800;

// The longest pause, up to `wanted`, in which a burst cannot fill more than half of a buffer
// of `buffer_bytes`, as the kernel counts it (SO_RCVBUF as read back). A burst is 500 MB of
// buffer a second: 600,000 short datagrams, or 300 MB of long ones.
constexpr std::chrono::nanoseconds pause_that_fits(std::uint64_t buffer_bytes,
                                                   std::chrono::nanoseconds wanted) {
    constexpr std::uint64_t burst_bytes_per_us = 500;
    const auto fits = std::chrono::microseconds(buffer_bytes / 2 / burst_bytes_per_us);
    return std::min<std::chrono::nanoseconds>(wanted, fits);
}

class ReadPace {
public:
    enum class Next : std::uint8_t {
        wait,   // until something comes
        pause,  // for pause()
    };

    // A pause of 0: each datagram is read at once.
    ReadPace(std::chrono::nanoseconds pause, std::uint64_t buffer_bytes) noexcept
        : pause_ns_(pause.count()), crowded_bytes_(buffer_bytes / 4) {}

    std::chrono::nanoseconds pause() const noexcept { return std::chrono::nanoseconds(pause_ns_); }

    // After a look that emptied the queue and brought so many datagrams of so many bytes.
    Next after(std::size_t datagrams, std::size_t bytes, std::int64_t now_ns) noexcept {
        const bool is_soon = now_ns - last_ns_ < pause_ns_ / looks_per_pause;
        last_ns_ = now_ns;
        if (bytes + datagrams * datagram_overhead_bytes > crowded_bytes_) {
            wait_until_ns_ = now_ns + rest_ns;
            pausing_ = false;
        }
        if (now_ns < wait_until_ns_) return Next::wait;
        // A trend, and not one look, decides: in both directions.
        const bool speaks_for_other = pausing_ ? datagrams <= 1 : is_soon;
        looks_ = speaks_for_other ? looks_ + 1 : 0;
        if (looks_ == looks_to_change) {
            looks_ = 0;
            pausing_ = !pausing_;
        }
        return pausing_ ? Next::pause : Next::wait;
    }

private:
    // Wake-ups within a pause from which on it is worth it: a timer costs one, too.
    static constexpr std::int64_t looks_per_pause = 3;
    static constexpr int looks_to_change = 4;
    // After a look that found the buffer crowded.
    static constexpr std::int64_t rest_ns = 100'000'000;

    std::int64_t pause_ns_;
    std::uint64_t crowded_bytes_;
    std::int64_t last_ns_ = INT64_MIN / 2;
    std::int64_t wait_until_ns_ = INT64_MIN;
    int looks_ = 0;  // in a row that spoke for the other way
    bool pausing_ = false;
};

}  // namespace pitot::agent
