// What the process lends to its sinks: the io thread, time, chance, a log, and who we are.
//
// The agent makes one Context for all sinks; it and all it refers to outlive them. Nothing
// in sinks/ asks the system for time or randomness in any other way, so that tests bring
// their own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sinks/net/look_up.h"
#include "sinks/scheduler.h"

namespace boost::asio {
class io_context;
}
namespace spdlog {
class logger;
}

namespace pitot::sinks {

struct Context {
    // Run by one thread, the io thread, on which every delivery happens. That thread (or
    // the process) must ignore SIGPIPE: a closed pipe is an outcome, not a death.
    boost::asio::io_context& io;
    Scheduler& time;
    // Used from the flush and the io thread: its outputs must be of the locking (_mt) kind.
    spdlog::logger& log;
    std::function<double()> random;  // uniform in [0, 1); called on the io thread only
    std::string user_agent;          // "pitot/0.1.0"
    std::string host_name;           // of this machine: the default for `instance`
    std::vector<double> quantiles;   // in (0, 1], ascending, of the agent's configuration
    // Drawn at each start of the agent, so that what two starts send can be told apart; 0 where
    // output must be the same each time (`pitot once`, tests).
    std::uint64_t run = 0;
    // How hosts are looked up; may block, and is called on threads of its own.
    net::LookUp look_up = net::look_up_by_system;
};

}  // namespace pitot::sinks
