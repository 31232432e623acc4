// One socket of a listener, opened and bound, on its way to the shard that will read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "agent/config/config.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/socket_file.h"

namespace pitot::agent {

struct OpenSocket {
    FileDescriptor descriptor;   // non-blocking, closed on exec; listening if it is a stream
    std::uint16_t listener = 0;  // index in Config::listeners
    ListenerType type = ListenerType::udp;
    SocketFile file;                          // Unix sockets with a path that we made
    bool inherited = false;                   // handed to us, and open in another process too
    std::uint32_t kernel_drops_before = 0;    // inherited UDP: not ours to count
    std::chrono::nanoseconds read_pause{};    // UDP: see read_pace.h; 0: none
    std::uint64_t buffer_bytes = 0;           // UDP: receive buffer, as the kernel counts it
    std::uint32_t connections_max = 0;        // streams: of this socket
    std::chrono::nanoseconds idle_timeout{};  // streams; 0: never
};

// "udp", "tcp" or "unix": how a Peer of such a listener is introduced.
constexpr std::string_view transport_name(ListenerType type) noexcept {
    switch (type) {
        case ListenerType::udp:
            return "udp";
        case ListenerType::tcp:
            return "tcp";
        case ListenerType::unix_datagram:
        case ListenerType::unix_stream:
            break;
    }
    return "unix";
}

constexpr bool is_stream(ListenerType type) noexcept {
    return type == ListenerType::tcp || type == ListenerType::unix_stream;
}

}  // namespace pitot::agent
