// An open file descriptor, as the event loop of a shard watches it. Used inside
// agent/net only: whoever includes this pays for Asio.
//
// Asio is asked one thing, "is there something to read?"; reading is done with system
// calls of our own, many datagrams at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace pitot::agent {

// With the executor spelled out, a wake-up costs no type erasure.
using Descriptor =
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>,
                                                boost::asio::io_context::executor_type>;

// Reads of one wake-up, of a datagram socket or of a stream. With 32 one-line datagrams
// each it is about half a millisecond before timers and commands get their turn, and with
// the largest datagrams a few.
inline constexpr int reads_per_wake_up_max = 16;

// A socket that cannot be read or accepted from (too many open files, no memory) stays
// readable; looking again at once would only burn the processor.
inline constexpr std::chrono::milliseconds pause_after_error{100};

}  // namespace pitot::agent
