// Who sent some bytes. Made for every datagram, so it only points at what the kernel
// said; the text is made when somebody wants to read it (a sample of a refused line).
//
// What a Peer points to lives no longer than the batch it came with (intake.h): keep
// to_string() instead.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <string>
#include <string_view>

namespace pitot::agent {

class Peer {
public:
    Peer() noexcept = default;
    // A sender without an address, such as "standard input".
    explicit Peer(std::string_view name) noexcept : transport_(name) {}

    // `transport` is "udp", "tcp" or "unix". `bytes` is 0 where the kernel named nobody, as
    // for most clients of Unix sockets; `pid` is 0 where it is not known.
    Peer(std::string_view transport, const sockaddr* address, socklen_t bytes,
         pid_t pid = 0) noexcept
        : transport_(transport), address_(address), address_bytes_(bytes), pid_(pid) {}

    // "udp 127.0.0.1:4711", "tcp [::1]:4711", "unix pid 42", "unix @worker-7", "unix".
    std::string to_string() const;

private:
    std::string_view transport_;
    const sockaddr* address_ = nullptr;
    socklen_t address_bytes_ = 0;
    pid_t pid_ = 0;
};

}  // namespace pitot::agent
