// Open files: what the process may have, and what connections may take of it.
//
// A process that is out of file descriptors can neither accept a client nor reach a
// destination, and any local user can bring it there by connecting. So the limit is raised
// as far as the system allows without privileges, and the connections of all listeners
// together stay below it by what everything else needs.
//
// Called once by App, before the listeners are opened.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/config/config.h"

namespace pitot::agent {

// For everything but connections of clients: listening sockets of up to 64 shards, event
// loops, destinations, files that are being written.
inline constexpr std::uint64_t descriptors_reserved = 512;

// Raises the soft limit of open files to the hard one; returns what holds now.
std::uint64_t raise_descriptor_limit();

// Lowers the caps of connections until all of them fit, each by the same share and to no
// less than one. Returns a sentence for the log where that was necessary.
std::optional<std::string> fit_connections(std::span<ListenerConfig> listeners,
                                           std::uint64_t descriptors_max);

}  // namespace pitot::agent
