#include "agent/net/listener_counters.h"

namespace pitot::agent {

ListenerCounters& ListenerCounters::operator+=(const ListenerCounters& other) noexcept {
    datagrams += other.datagrams;
    bytes += other.bytes;
    reads += other.reads;
    kernel_drops += other.kernel_drops;
    truncated_datagrams += other.truncated_datagrams;
    receive_errors += other.receive_errors;
    connections_accepted += other.connections_accepted;
    connections_refused_over_cap += other.connections_refused_over_cap;
    connections_closed_idle += other.connections_closed_idle;
    connections_open += other.connections_open;
    accept_errors += other.accept_errors;
    lines_refused += other.lines_refused;
    if (other.last_error != 0) last_error = other.last_error;
    return *this;
}

}  // namespace pitot::agent
