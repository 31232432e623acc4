// The addresses a UDP or TCP listener can have.
//
// "127.0.0.1:8125", "[::1]:8125", "[fe80::1%eth0]:8125"; "[::]:8125" and "*:8125" are
// both families at once. Port 0 lets the kernel choose. Names are not addresses: nothing
// is looked up. This checks and compares; agent/net opens.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pitot::agent {

struct ListenAddress {
    std::string host;  // as the system writes it, without brackets; "::" for "*"
    std::uint16_t port = 0;

    bool operator==(const ListenAddress&) const = default;
};

// The error is "must …", ready to be shown.
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);

// Whether only this host can reach it.
bool is_loopback(const ListenAddress& address);

// Whether two listeners of one type would take each other's packets: the same address and
// port, or both families on one and every IPv4 address on the other. A port that the
// kernel chooses is in nobody's way, and a single address beside a wildcard is legal: the
// kernel prefers it.
bool overlap(const ListenAddress& a, const ListenAddress& b);

// Whether a server at one keeps another one from listening at the other: also where only one of
// them is a wildcard.
bool excludes(const ListenAddress& a, const ListenAddress& b);

}  // namespace pitot::agent
