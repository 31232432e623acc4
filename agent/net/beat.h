// A steady beat: a timer of the kernel that goes on by itself, for a reader that looks at its
// socket by the clock (read_pace.h).
//
// A timer of the event loop is set anew for each wait, and once more when it has expired: two
// system calls that program the clock's hardware, which in a virtual machine leaves it. A beat is
// set once; what is left of a look is to be woken and to read.
//
// Beats that pass while nobody waits count as one. Used by DatagramReader, on its shard's thread.
#pragma once

#include <sys/timerfd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include <boost/asio/buffer.hpp>

#include "agent/net/descriptor.h"
#include "agent/net/file_descriptor.h"

namespace pitot::agent {

class Beat {
public:
    explicit Beat(boost::asio::io_context& io) : descriptor_(io) {}

    bool is_on() const noexcept { return is_on_; }

    // The first beat comes after one period. False when the kernel gives no timer.
    [[nodiscard]] bool start(std::chrono::nanoseconds period) {
        if (!descriptor_.is_open()) {
            FileDescriptor timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
            boost::system::error_code error;
            if (timer.is_open()) descriptor_.assign(timer.get(), error);
            if (!timer.is_open() || error) return false;
            static_cast<void>(timer.release());
        }
        is_on_ = set(period);
        return is_on_;
    }
    void stop() noexcept {
        if (std::exchange(is_on_, false)) set(std::chrono::nanoseconds(0));
    }

    // Calls `then` once, with an error_code: at the next beat, or now if one has passed. Not
    // after close().
    template <typename Then>
    void wait(Then then) {
        descriptor_.async_read_some(
            boost::asio::buffer(passed_),
            [then = std::move(then)](const boost::system::error_code& error,
                                     std::size_t /*bytes*/) { then(error); });
    }

    void close() {
        is_on_ = false;
        boost::system::error_code ignored;
        descriptor_.close(ignored);
    }

private:
    bool set(std::chrono::nanoseconds period) noexcept {
        constexpr std::int64_t second_ns = 1'000'000'000;
        const timespec each{.tv_sec = period.count() / second_ns,
                            .tv_nsec = period.count() % second_ns};
        const itimerspec times{.it_interval = each, .it_value = each};
        return ::timerfd_settime(descriptor_.native_handle(), 0, &times, nullptr) == 0;
    }

    Descriptor descriptor_;
    bool is_on_ = false;
    std::array<std::uint64_t, 1> passed_{};  // beats since the last read; nobody asks
};

}  // namespace pitot::agent
