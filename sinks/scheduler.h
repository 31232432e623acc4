// Time and turns for what runs on the io thread: clocks, timers, and a way onto the thread.
//
// Delivery and the HTTP client take all their time from here. io_scheduler.h implements it
// on a boost::asio::io_context; tests implement it with a clock they move by hand, and so
// see thirty seconds of back-off without waiting for them.
#pragma once

#include <cstdint>
#include <functional>

namespace pitot::sinks {

class Scheduler {
public:
    using TimerId = std::uint64_t;  // never 0

    virtual ~Scheduler() = default;

    // Nanoseconds since 1970, UTC; can jump. Any thread.
    virtual std::int64_t wall_ns() const = 0;
    // Nanoseconds since some moment; never goes back. Any thread.
    virtual std::int64_t steady_ns() const = 0;

    // Runs `task` on the io thread, after what was posted before it. Any thread.
    virtual void post(std::function<void()> task) = 0;
    // Runs `task` on the io thread once steady_ns() has reached `due`. Io thread only.
    virtual TimerId at(std::int64_t due_steady_ns, std::function<void()> task) = 0;
    // After this the task does not run; a timer that has fired is no error. Io thread only.
    virtual void cancel(TimerId timer) = 0;
};

}  // namespace pitot::sinks
