// Opens every listener of the configuration, before any thread is started: an address in
// use should stop the agent while there is nothing else to undo.
//
// Who reads what
// --------------
// Of a UDP or TCP listener each shard gets a socket of its own, all bound to one address
// (SO_REUSEPORT); the kernel deals datagrams and connections out by their addresses, so
// that what one client sends stays on one shard and in order. Unix sockets cannot be
// shared like that: each belongs to one shard, taken in turn.
//
// An address that somebody else has is always an error. SO_REUSEPORT alone would let a
// second agent of the same user share our port, and each would see half of the data. So
// the first socket of an address is bound without it, which the kernel refuses while
// anybody else is bound there, and joins its siblings only afterwards; there is no moment
// at which two agents could both succeed.
//
// Nothing is resolved, dropped to, or retried here: rights and moments are the caller's.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/shard_sockets.h"

namespace pitot::agent {

// Datagrams that wait in a Unix socket before its senders block or are refused
// (net.unix.max_dgram_qlen). Below this a listener is reported with advice; the kernel's
// own 10 are gone in one write of a busy client.
inline constexpr std::uint32_t unix_queue_datagrams_wanted = 512;

// What became of one listener.
struct ListenerReport {
    std::string name;
    ListenerType type = ListenerType::udp;
    // "udp 127.0.0.1:8125", with the port the kernel chose if it was 0; "unix /run/a.sock",
    // "unix-stream @b". Empty: not open.
    std::string where;
    std::uint16_t port = 0;     // UDP and TCP
    std::uint32_t sockets = 0;  // over all shards
    // UDP: of each socket; what was asked, 0 for the kernel's default, and what it gave.
    std::uint64_t receive_buffer_asked_bytes = 0;
    std::uint64_t receive_buffer_granted_bytes = 0;
    // Unix datagrams: how many the kernel queues; 0 when it does not say.
    std::uint32_t queue_datagrams_max = 0;
};

struct OpenListeners {
    std::vector<ShardSockets> shards;     // one for each shard, to be moved there
    std::vector<ListenerReport> reports;  // by index of the listener
    // Sentences for the log, each beginning with "listeners.NAME: ".
    std::vector<std::string> warnings;  // default listeners that are left out
    std::vector<std::string> advice;    // what would make losses rarer: sysctls to set
};

struct OpenError {
    std::string listener;  // its name; empty for what concerns all
    // "cannot bind udp 127.0.0.1:8125: address already in use; …"
    std::string what;

    // "listeners.apps: cannot bind …"
    std::string to_string() const;
};

// A socket that was opened by somebody else, such as systemd, for the listener of that
// name. It is used as it is, in place of what the configuration says about its address.
struct InheritedSocket {
    std::string listener;
    FileDescriptor descriptor;
};

// All errors at once. A listener nobody wrote down (ListenerConfig::is_default) that cannot
// be opened is a warning instead, unless its address is in use; it is an error if nothing
// is left to listen on. `shards` is at least 1.
std::expected<OpenListeners, std::vector<OpenError>> open_listeners(
    std::span<const ListenerConfig> listeners, std::uint32_t shards,
    std::vector<InheritedSocket> inherited = {});

}  // namespace pitot::agent
