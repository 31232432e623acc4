// Sockets that the service manager opened for us and keeps open between our runs.
//
// Worth having for a receiver of datagrams: what clients send while we restart waits in the
// kernel, and the manager may set receive buffers that an unprivileged process may not.
//
// Each passed socket becomes that of one listener:
//
//   1. the listener of its name (FileDescriptorName= in the socket unit);
//   2. else the listener of its type and address, so that one unit with several sockets,
//      which all have the unit's name, needs no more;
//   3. else, where the configuration names no listeners, a listener of its own with the
//      defaults: the socket unit is then the list of listeners;
//   4. else it is an error: a socket that nobody reads would eat what is sent to it.
//
// Source: sd_listen_fds(3), systemd.socket(5). App calls this before open_listeners().
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/environment.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/open_listeners.h"

namespace pitot::agent {

// The first descriptor that is passed, by the protocol.
inline constexpr int passed_descriptors_first = 3;
// More sockets than any service has; a larger count is a mistake.
inline constexpr int passed_descriptors_max = 1024;

struct PassedSocket {
    std::string name;  // as LISTEN_FDNAMES has it; "unknown" without
    FileDescriptor descriptor;
};

// Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Empty where nothing was passed, or to
// another process. The error is a sentence on what is wrong with the variables. Takes the
// descriptors over: to be called once.
std::expected<std::vector<PassedSocket>, std::string> take_passed_sockets(
    const Environment& environment, pid_t pid);

// Finds each socket its listener; adds listeners (case 3) or drops the default ones, which
// nobody asked for. All errors at once.
std::expected<std::vector<InheritedSocket>, std::vector<OpenError>> assign_passed_sockets(
    std::vector<PassedSocket> passed, std::vector<ListenerConfig>& listeners);

}  // namespace pitot::agent
