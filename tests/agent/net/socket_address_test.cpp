// What addresses of listeners may look like, and how senders are shown.

#include "agent/net/socket_address.h"

#include <doctest/doctest.h>
#include <sys/un.h>

#include <cstddef>
#include <string>

#include "agent/net/peer.h"

namespace pitot::agent {
namespace {

TEST_CASE("an address is an IP address and a port") {
    struct Row {
        const char* written;
        const char* shown;
        bool both_families;
    };
    constexpr Row rows[] = {
        {"127.0.0.1:8125", "127.0.0.1:8125", false},
        {"0.0.0.0:0", "0.0.0.0:0", false},
        {"[::1]:8125", "[::1]:8125", false},
        {"[::]:8125", "[::]:8125", true},
        {"*:65535", "[::]:65535", true},
        {"[2001:DB8::1]:1", "[2001:db8::1]:1", false},
        {"[fe80::1%lo]:8125", "[fe80::1%1]:8125", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.written);
        const auto address = SocketAddress::parse_internet(row.written);
        REQUIRE(address.has_value());
        CHECK(address->to_string() == row.shown);
        CHECK(address->is_any_of_both_families() == row.both_families);
    }
}

TEST_CASE("anything else is refused with what would be right") {
    constexpr const char* rows[] = {
        "",       "8125",          ":8125",         "127.0.0.1",        "127.0.0.1:",
        "::1:80", "localhost:80",  "[::1]",         "127.0.0.1:65536",  "127.0.0.1:-1",
        "[]:80",  "127.0.0.1:80 ", "127.1:8125",    "[127.0.0.1]:8125", "[::1%nosuchif]:80",
        "*",      "[*]:80",        "127.0.0.1:0x5", "127.0.0.1:+80",
    };
    for (const char* row : rows) {
        CAPTURE(row);
        const auto address = SocketAddress::parse_internet(row);
        REQUIRE_FALSE(address.has_value());
        CHECK(address.error() ==
              "must be an IP address and a port, such as 127.0.0.1:8125, [::1]:8125 or *:8125, "
              "got \"" +
                  std::string{row} + "\"");
    }
}

TEST_CASE("a Unix address is a path that fits, or an abstract name") {
    const std::string longest(107, 'x');
    CHECK(SocketAddress::parse_unix("/run/a.sock")->to_string() == "/run/a.sock");
    CHECK(SocketAddress::parse_unix(longest)->to_string() == longest);
    CHECK(SocketAddress::parse_unix("@" + longest)->to_string() == "@" + longest);

    CHECK_FALSE(SocketAddress::parse_unix("").has_value());
    CHECK_FALSE(SocketAddress::parse_unix("@").has_value());
    CHECK_FALSE(SocketAddress::parse_unix(std::string{"a\0b", 3}).has_value());
    const auto too_long = SocketAddress::parse_unix(longest + "y");
    REQUIRE_FALSE(too_long.has_value());
    CHECK(too_long.error().find("must be at most 107 bytes long") == 0);
    CHECK(too_long.error().find("got 108 bytes") != std::string::npos);
}

TEST_CASE("a peer says who sent a line") {
    const auto ipv4 = SocketAddress::parse_internet("127.0.0.1:4711").value();
    const auto ipv6 = SocketAddress::parse_internet("[::1]:4711").value();
    const auto mapped = SocketAddress::parse_internet("[::ffff:192.0.2.1]:4711").value();
    const auto named = SocketAddress::parse_unix("@worker-7").value();

    CHECK(Peer("udp", ipv4.data(), ipv4.size()).to_string() == "udp 127.0.0.1:4711");
    CHECK(Peer("tcp", ipv6.data(), ipv6.size()).to_string() == "tcp [::1]:4711");
    CHECK(Peer("udp", mapped.data(), mapped.size()).to_string() == "udp 192.0.2.1:4711");
    CHECK(Peer("unix", named.data(), named.size()).to_string() == "unix @worker-7");
    CHECK(Peer("unix", nullptr, 0, 42).to_string() == "unix pid 42");
    CHECK(Peer("unix", nullptr, 0).to_string() == "unix");
    CHECK(Peer("standard input").to_string() == "standard input");
}

TEST_CASE("names that do not print reach no log") {
    const auto forged = SocketAddress::parse_unix("@a\nlevel=error\x1b[31m").value();
    CHECK(forged.to_string() == R"(@a\nlevel=error\x1b[31m)");

    // The kernel names an unbound socket like this when it sends: a family and no name.
    sockaddr_un unnamed{};
    unnamed.sun_family = AF_UNIX;
    const auto* address = reinterpret_cast<const sockaddr*>(&unnamed);
    CHECK(SocketAddress::copy_of(address, sizeof(sa_family_t)).to_string().empty());
}

}  // namespace
}  // namespace pitot::agent
