#include "agent/net/peer.h"

#include "agent/net/socket_address.h"

namespace pitot::agent {

std::string Peer::to_string() const {
    std::string text{transport_};
    const std::string address = SocketAddress::copy_of(address_, address_bytes_).to_string();
    if (!address.empty()) text += " " + address;
    if (pid_ > 0) text += " pid " + std::to_string(pid_);
    return text;
}

}  // namespace pitot::agent
