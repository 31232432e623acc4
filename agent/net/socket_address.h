// An address a socket is bound to, or that a datagram came from: IPv4, IPv6 or Unix.
//
// Used by open_listeners.cpp to read the addresses of the configuration, and by Peer to
// show who sent a line. It resolves no host names: an agent that has to ask a name
// server before it can listen does not start when the network is down.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pitot::agent {

class SocketAddress {
public:
    // "127.0.0.1:8125", "[::1]:8125", "[fe80::1%eth0]:8125", and "*:8125" or "[::]:8125" for
    // every address of both families. The error is what would be right, to stand behind the
    // key: `must be …, got "…"`.
    static std::expected<SocketAddress, std::string> parse_internet(std::string_view text);

    // A path of up to 107 bytes, or "@name" in the abstract namespace. Same kind of error.
    static std::expected<SocketAddress, std::string> parse_unix(std::string_view path);

    // Copies what the kernel filled in. `bytes` of 0 is an unnamed Unix socket.
    static SocketAddress copy_of(const sockaddr* address, socklen_t bytes);

    // The address the socket has; meaningful after bind().
    static SocketAddress of_socket(int fd);

    const sockaddr* data() const noexcept;
    socklen_t size() const noexcept { return bytes_; }
    int family() const noexcept;

    // 0 for Unix addresses.
    std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;

    // [::], which a socket of ours takes as "IPv4 too".
    bool is_any_of_both_families() const noexcept;

    // "127.0.0.1:8125", "[::1]:8125", "/run/pitot/dsd.sock", "@name"; "" for an unnamed
    // socket. IPv4 senders seen through a dual-stack socket are shown as IPv4. Fit
    // for a log, whatever the bytes.
    std::string to_string() const;

private:
    sockaddr_storage storage_{};
    socklen_t bytes_ = 0;
};

}  // namespace pitot::agent
