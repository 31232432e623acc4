// The sockets of one UDP or TCP listener: one for each shard, on one address.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "agent/config/config.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/socket_address.h"
#include "agent/net/socket_file.h"

namespace pitot::agent {

struct InternetSockets {
    std::vector<FileDescriptor> descriptors;         // `count` of them; listening if TCP
    SocketAddress address;                           // with the port that was chosen
    std::uint64_t receive_buffer_granted_bytes = 0;  // UDP: the smallest of them
};

std::expected<InternetSockets, OpenFailure> bind_internet_sockets(const ListenerConfig& config,
                                                                  std::uint32_t count);

}  // namespace pitot::agent
