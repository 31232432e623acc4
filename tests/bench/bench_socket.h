// Sockets of the load generator and of the null receiver: an address as the command line has it,
// "127.0.0.1:8125" or the path of a Unix socket, and a descriptor that closes itself.
//
// Says what failed on standard error and ends the program: these are tools.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace pitot::bench {

[[noreturn]] inline void fail(std::string_view what) {
    fmt::print(stderr, "{}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

class Address {
public:
    // What begins with '/' is a path.
    explicit Address(const std::string& text) {
        const bool is_good = text.starts_with('/') ? take_path(text) : take_internet(text);
        if (is_good) return;
        fmt::print(stderr, "must be ADDRESS:PORT of IPv4 or the path of a socket, got {}\n", text);
        std::exit(64);
    }

    bool is_unix() const { return bytes_.ss_family == AF_UNIX; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
    socklen_t size() const { return size_; }

private:
    bool take_path(const std::string& path) {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        if (path.size() >= sizeof to.sun_path) return false;
        path.copy(to.sun_path, path.size());
        return take(to);
    }
    bool take_internet(const std::string& text) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        const std::size_t colon = text.rfind(':');
        std::uint16_t port = 0;
        if (colon == std::string::npos ||
            std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec !=
                std::errc{} ||
            ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &to.sin_addr) != 1) {
            return false;
        }
        to.sin_port = htons(port);
        return take(to);
    }
    template <typename Kind>
    bool take(const Kind& to) {
        std::memcpy(&bytes_, &to, sizeof to);
        size_ = sizeof to;
        return true;
    }

    sockaddr_storage bytes_{};
    socklen_t size_ = 0;
};

// A datagram socket of the address' family.
class DatagramSocket {
public:
    explicit DatagramSocket(const Address& address)
        : fd_(::socket(address.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) fail("socket");
    }
    ~DatagramSocket() {
        if (fd_ >= 0) ::close(fd_);
    }
    DatagramSocket(DatagramSocket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    DatagramSocket& operator=(DatagramSocket&&) = delete;

    int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace pitot::bench
