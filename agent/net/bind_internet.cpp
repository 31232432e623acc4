#include "agent/net/bind_internet.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string_view>
#include <utility>

#include "agent/net/error_text.h"
#include "agent/net/open_socket.h"
#include "agent/net/socket_options.h"

namespace pitot::agent {
namespace {

using Failure = std::unexpected<OpenFailure>;

// The ports a process without privileges may bind begin here.
constexpr std::uint16_t unprivileged_port_min = 1024;

Failure cannot(std::string_view verb, ListenerType type, const SocketAddress& address, int error) {
    const std::string_view transport = transport_name(type);
    std::string advice;
    switch (error) {
        case EADDRINUSE:
            advice = fmt::format("; another StatsD agent may be running (ss -{}lpn 'sport = {}')",
                                 type == ListenerType::udp ? 'u' : 't', address.port());
            break;
        case EADDRNOTAVAIL:
            advice = "; must be an address of this host (ip address)";
            break;
        case EACCES:
            if (address.port() < unprivileged_port_min) {
                advice = fmt::format("; ports below {} need CAP_NET_BIND_SERVICE",
                                     unprivileged_port_min);
            }
            break;
        case EAFNOSUPPORT:
            if (address.family() == AF_INET6) advice = "; this host has no IPv6";
            break;
        default:
            break;
    }
    return std::unexpected(OpenFailure{fmt::format("cannot {} {} {}: {}{}", verb, transport,
                                                   address.to_string(), error_text(error), advice),
                                       error == EADDRINUSE});
}

bool set(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Which of the sockets of one address is being opened. The first is bound alone, so that
// the kernel refuses it where anybody else is; then it lets its siblings join.
enum class Place : std::uint8_t { only, first_of_several, sibling };

std::expected<FileDescriptor, OpenFailure> open_one(ListenerType type, const SocketAddress& address,
                                                    Place place) {
    const int kind = type == ListenerType::tcp ? SOCK_STREAM : SOCK_DGRAM;
    FileDescriptor descriptor{::socket(address.family(), kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int fd = descriptor.get();
    if (!descriptor.is_open()) return cannot("open", type, address, errno);
    if (address.family() == AF_INET6 &&
        !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.is_any_of_both_families() ? 0 : 1)) {
        return cannot("set IPV6_V6ONLY on", type, address, errno);
    }
    // Connections of an agent that has just ended linger on our port, harmlessly. For UDP
    // the same option would mean sharing the port with anybody.
    if (type == ListenerType::tcp) set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (type == ListenerType::udp) set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);

    if (place == Place::sibling && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return cannot("share", type, address, errno);
    }
    if (::bind(fd, address.data(), address.size()) != 0) {
        return cannot("bind", type, address, errno);
    }
    if (place == Place::first_of_several && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return cannot("share", type, address, errno);
    }
    return descriptor;
}

}  // namespace

std::expected<InternetSockets, OpenFailure> bind_internet_sockets(const ListenerConfig& config,
                                                                  std::uint32_t count) {
    const std::expected<SocketAddress, std::string> parsed =
        SocketAddress::parse_internet(config.address);
    if (!parsed) return std::unexpected(OpenFailure{"address " + parsed.error()});

    InternetSockets sockets;
    sockets.address = *parsed;
    sockets.receive_buffer_granted_bytes = std::numeric_limits<std::uint64_t>::max();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Place place =
            i > 0 ? Place::sibling : (count == 1 ? Place::only : Place::first_of_several);
        std::expected<FileDescriptor, OpenFailure> opened =
            open_one(config.type, sockets.address, place);
        if (!opened) return std::unexpected(opened.error());
        // The kernel chooses a port once; the siblings join it there.
        sockets.address.set_port(SocketAddress::of_socket(opened->get()).port());
        if (config.type == ListenerType::udp) {
            const std::uint64_t granted =
                ask_receive_buffer(opened->get(), config.receive_buffer_bytes);
            sockets.receive_buffer_granted_bytes =
                std::min(sockets.receive_buffer_granted_bytes, granted);
        }
        sockets.descriptors.push_back(std::move(*opened));
    }
    // Two agents may both have got past bind() here; listen() lets only one of them on.
    if (config.type == ListenerType::tcp) {
        sockets.receive_buffer_granted_bytes = 0;
        for (const FileDescriptor& descriptor : sockets.descriptors) {
            if (::listen(descriptor.get(), SOMAXCONN) != 0) {
                return cannot("listen on", config.type, sockets.address, errno);
            }
        }
    }
    if (count > 1 && !steer(sockets.descriptors.front().get(), config.steering, count)) {
        return cannot("steer", config.type, sockets.address, errno);
    }
    return sockets;
}

}  // namespace pitot::agent
