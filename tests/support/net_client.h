// A client of a listener under test: a plain blocking socket, connected.
//
//     NetClient client = NetClient::udp("127.0.0.1:4711");
//     client.send("a:1|c");
//
// On loopback, what send() returned from has reached the queue of the listener (or was
// dropped in front of it, for UDP), so a test need not wait for it to arrive.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "agent/net/file_descriptor.h"
#include "agent/net/socket_address.h"

namespace pitot::tests {

class NetClient {
public:
    static NetClient udp(const std::string& address) {
        return {SOCK_DGRAM, agent::SocketAddress::parse_internet(address).value()};
    }
    static NetClient tcp(const std::string& address) {
        return {SOCK_STREAM, agent::SocketAddress::parse_internet(address).value()};
    }
    static NetClient unix_datagram(const std::string& path) {
        return {SOCK_DGRAM, agent::SocketAddress::parse_unix(path).value()};
    }
    static NetClient unix_stream(const std::string& path) {
        return {SOCK_STREAM, agent::SocketAddress::parse_unix(path).value()};
    }

    bool is_connected() const { return connected_; }
    int fd() const { return socket_.get(); }

    // All of it, or false with errno set.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // As much as goes without waiting; returns the bytes sent.
    std::size_t send_some(std::string_view bytes) const {
        const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }

    // An orderly end of what we send, while we could still receive.
    void half_close() const { ::shutdown(fd(), SHUT_WR); }

    // An end without goodbye: the listener reads "connection reset".
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.reset();
    }

    // Whether the listener has closed its end. Does not wait.
    bool is_hung_up() const {
        char byte = 0;
        const ssize_t received = ::recv(fd(), &byte, 1, MSG_DONTWAIT);
        return received == 0 || (received < 0 && errno != EAGAIN);
    }

    std::string own_address() const { return agent::SocketAddress::of_socket(fd()).to_string(); }

private:
    NetClient(int kind, const agent::SocketAddress& address)
        : socket_(::socket(address.family(), kind | SOCK_CLOEXEC, 0)) {
        REQUIRE(socket_.is_open());
        connected_ = ::connect(fd(), address.data(), address.size()) == 0;
    }

    agent::FileDescriptor socket_;
    bool connected_ = false;
};

}  // namespace pitot::tests
