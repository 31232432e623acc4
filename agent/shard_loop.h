// The event loop of a shard; only shard.cpp and shard_set.cpp look in here, so that the
// rest of the agent does not pay for Asio's headers.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/shard.h"

namespace pitot::agent {

struct Shard::Loop {
    // One thread runs it: Asio need not lock much.
    boost::asio::io_context io{1};
    // Keeps run() going while no socket has anything to wait for.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
};

}  // namespace pitot::agent
