// The Scheduler of the running program: timers and turns of a boost::asio::io_context.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "sinks/scheduler.h"

namespace boost::asio {
class io_context;
}

namespace pitot::sinks {

// `wall_ns` and `steady_ns` are called from any thread; `steady_ns` must run as fast as
// std::chrono::steady_clock. The io_context outlives the scheduler, and the scheduler
// everything that holds a timer of it. One thread runs the io_context.
std::unique_ptr<Scheduler> make_io_scheduler(boost::asio::io_context& io,
                                             std::function<std::int64_t()> wall_ns,
                                             std::function<std::int64_t()> steady_ns);

}  // namespace pitot::sinks
