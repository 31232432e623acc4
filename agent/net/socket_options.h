// The few questions to and orders for a socket that need more than one line.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/config/config.h"

namespace pitot::agent {

// Asks for a receive buffer of so many bytes, beyond net.core.rmem_max where we may
// (CAP_NET_ADMIN). Returns what was granted, in the same measure as what was asked: the
// kernel doubles the number for its own bookkeeping, and shows the doubled one.
std::uint64_t ask_receive_buffer(int fd, std::uint64_t bytes) noexcept;

// Lets the kernel choose among the `count` sockets of one port, of which this is one, in the
// order in which they were bound (SO_ATTACH_REUSEPORT_CBPF, since Linux 4.5). `flow` is what it
// does by itself. Needs no privilege.
bool steer(int fd, Steering steering, std::uint32_t count) noexcept;

// Datagrams dropped in front of this socket since it was opened, modulo 2^32 (SO_MEMINFO,
// since Linux 4.12).
std::optional<std::uint32_t> read_kernel_drops(int fd) noexcept;

// Lets nothing more into the queue of a UDP or listening TCP socket, while what is in it
// stays: attaches a packet filter that refuses everything. Datagrams it refuses count as
// kernel drops; handshakes it refuses are tried again by the client. Needs no privilege.
//
// So reading the queue to its end is bounded, however fast senders are, and what comes
// after it can be counted up to the moment before close().
bool stop_internet_input(int fd) noexcept;

// The same for Unix sockets: senders get EPIPE, new connections are refused, and what is
// queued can be read.
bool stop_unix_input(int fd) noexcept;

}  // namespace pitot::agent
