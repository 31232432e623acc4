// Where a server listens, as text: "127.0.0.1:9125", "[::1]:9125", "*:9125".
//
//   host   an IPv4 address, an IPv6 address in brackets, or "*": every address of either family
//   port   0 to 65535; 0 lets the kernel choose
//
// Names are not looked up: what a name means may change, and who may reach us with it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

struct ListenAddress {
    std::string host;  // in canonical form, without brackets; "::" is both families
    std::uint16_t port = 0;

    // "host:port", with brackets where the host needs them.
    std::string text() const;
    // Whether only this machine can reach it.
    bool is_loopback() const;
};

// The error reads on after "address: ": "must be …, got …".
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);

}  // namespace pitot::sinks::http
