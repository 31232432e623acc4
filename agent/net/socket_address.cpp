#include "agent/net/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "agent/printable.h"

namespace pitot::agent {
namespace {

// One byte of sun_path is the terminating zero of a path, or the leading one of a name.
constexpr std::size_t unix_name_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t unix_name_offset = offsetof(sockaddr_un, sun_path);

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

// "::1" or "fe80::1%eth0". The zone names an interface of this host.
bool parse_ipv6(std::string_view text, sockaddr_in6& out) {
    const std::size_t percent = text.find('%');
    if (percent != std::string_view::npos) {
        const std::string zone{text.substr(percent + 1)};
        out.sin6_scope_id = ::if_nametoindex(zone.c_str());
        if (out.sin6_scope_id == 0) return false;
    }
    const std::string host{text.substr(0, percent)};
    return ::inet_pton(AF_INET6, host.c_str(), &out.sin6_addr) == 1;
}

std::string unix_to_string(const sockaddr_un& address, std::size_t bytes) {
    if (bytes <= unix_name_offset) return {};
    const std::string_view name(address.sun_path, bytes - unix_name_offset);
    if (name.front() == '\0') return "@" + printable(name.substr(1), unix_name_bytes_max);
    // The kernel counts the terminating zero, and so do most callers of bind().
    return printable(name.substr(0, name.find('\0')), unix_name_bytes_max);
}

std::string ipv6_to_string(const sockaddr_in6& address) {
    std::array<char, INET6_ADDRSTRLEN> host{};
    const unsigned port = ntohs(address.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
        ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], host.data(), host.size());
        return fmt::format("{}:{}", host.data(), port);
    }
    ::inet_ntop(AF_INET6, &address.sin6_addr, host.data(), host.size());
    if (address.sin6_scope_id == 0) return fmt::format("[{}]:{}", host.data(), port);
    return fmt::format("[{}%{}]:{}", host.data(), address.sin6_scope_id, port);
}

}  // namespace

std::expected<SocketAddress, std::string> SocketAddress::parse_internet(std::string_view text) {
    const auto refuse = [text] {
        return std::unexpected(
            fmt::format("must be an IP address and a port, such as "
                        "127.0.0.1:8125, [::1]:8125 or *:8125, got \"{}\"",
                        printable(text)));
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse();
    std::string_view host = text.substr(0, colon);
    const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
    if (!port) return refuse();

    SocketAddress result;
    if (host == "*") host = "[::]";
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        if (!parse_ipv6(host.substr(1, host.size() - 2), address)) return refuse();
        std::memcpy(&result.storage_, &address, sizeof address);
        result.bytes_ = sizeof address;
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (::inet_pton(AF_INET, std::string{host}.c_str(), &address.sin_addr) != 1) {
            return refuse();
        }
        std::memcpy(&result.storage_, &address, sizeof address);
        result.bytes_ = sizeof address;
    }
    result.set_port(*port);
    return result;
}

std::expected<SocketAddress, std::string> SocketAddress::parse_unix(std::string_view path) {
    const bool is_abstract = path.starts_with('@');
    const std::string_view name = is_abstract ? path.substr(1) : path;
    if (name.empty() || name.find('\0') != std::string_view::npos) {
        return std::unexpected(std::string(
            "must be a path such as /run/pitot/dsd.sock, or @name in the abstract namespace"));
    }
    if (name.size() > unix_name_bytes_max) {
        return std::unexpected(
            fmt::format("must be at most {} bytes long, as the kernel keeps no more of a socket's "
                        "name, got {} bytes: \"{}\"",
                        unix_name_bytes_max, name.size(), printable(path)));
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // An abstract name begins with a zero byte and ends where the address does; a path
    // ends with one.
    std::ranges::copy(name, address.sun_path + (is_abstract ? 1 : 0));
    return copy_of(reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(unix_name_offset + 1 + name.size()));
}

SocketAddress SocketAddress::copy_of(const sockaddr* address, socklen_t bytes) {
    SocketAddress result;
    result.bytes_ = std::min<socklen_t>(bytes, sizeof result.storage_);
    if (result.bytes_ > 0) std::memcpy(&result.storage_, address, result.bytes_);
    return result;
}

SocketAddress SocketAddress::of_socket(int fd) {
    SocketAddress result;
    socklen_t bytes = sizeof result.storage_;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&result.storage_), &bytes) == 0) {
        result.bytes_ = std::min<socklen_t>(bytes, sizeof result.storage_);
    }
    return result;
}

const sockaddr* SocketAddress::data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
}

int SocketAddress::family() const noexcept {
    return storage_.ss_family;
}

// The port is at the same place in both families (RFC 3493, section 3.3).
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

std::uint16_t SocketAddress::port() const noexcept {
    if (family() != AF_INET && family() != AF_INET6) return 0;
    sockaddr_in address{};
    std::memcpy(&address, &storage_, sizeof address);
    return ntohs(address.sin_port);
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
    if (family() != AF_INET && family() != AF_INET6) return;
    const std::uint16_t wire = htons(port);
    char* bytes = reinterpret_cast<char*>(&storage_);
    std::memcpy(bytes + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
}

bool SocketAddress::is_any_of_both_families() const noexcept {
    if (family() != AF_INET6) return false;
    sockaddr_in6 address{};
    std::memcpy(&address, &storage_, sizeof address);
    return IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr);
}

std::string SocketAddress::to_string() const {
    if (bytes_ < sizeof(sa_family_t)) return {};
    switch (family()) {
        case AF_INET: {
            sockaddr_in address{};
            std::memcpy(&address, &storage_, sizeof address);
            std::array<char, INET_ADDRSTRLEN> host{};
            ::inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
            return fmt::format("{}:{}", host.data(), unsigned{ntohs(address.sin_port)});
        }
        case AF_INET6: {
            sockaddr_in6 address{};
            std::memcpy(&address, &storage_, sizeof address);
            return ipv6_to_string(address);
        }
        case AF_UNIX: {
            sockaddr_un address{};
            std::memcpy(&address, &storage_, std::min<std::size_t>(bytes_, sizeof address));
            return unix_to_string(address, std::min<std::size_t>(bytes_, sizeof address));
        }
        default:
            return {};
    }
}

}  // namespace pitot::agent
