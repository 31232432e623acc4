#include "sinks/http/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace pitot::sinks::http {
namespace {

constexpr std::string_view must_be =
    R"(must be ADDRESS:PORT, such as "127.0.0.1:9125" or "[::1]:9125")";
// Longer than any address there is; a message does not repeat more of a text.
constexpr std::size_t shown_bytes_max = 60;

// What the operator wrote, fit for a terminal.
std::string shown(std::string_view text) {
    std::string out(text.substr(0, shown_bytes_max));
    std::ranges::replace_if(
        out,
        [](char character) {
            const auto byte = static_cast<unsigned char>(character);
            return byte < 0x20 || byte >= 0x7f;
        },
        '?');
    return out;
}

std::optional<std::string> canonical(int family, const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (::inet_pton(family, host.c_str(), address.data()) != 1) return {};
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return {};
    return text.data();
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (text.empty() || error != std::errc() || stop != end) return {};
    return port;
}

}  // namespace

std::string ListenAddress::text() const {
    if (host.contains(':')) return fmt::format("[{}]:{}", host, port);
    return fmt::format("{}:{}", host, port);
}

bool ListenAddress::is_loopback() const {
    return host == "::1" || host.starts_with("127.") || host.starts_with("::ffff:127.");
}

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
    const auto refuse = [text](std::string_view must, std::string_view hint = "") {
        return std::unexpected(fmt::format("{}, got \"{}\"{}", must, shown(text), hint));
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) return refuse(must_be);
    std::string_view host = text.substr(0, colon);
    const bool in_brackets = host.starts_with('[');
    if (!in_brackets && host.contains(':')) {
        return refuse(R"(must have an IPv6 address in brackets, such as "[::1]:9125")");
    }
    if (in_brackets && !host.ends_with(']')) return refuse(must_be);
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return refuse("must end in a port between 0 and 65535");
    if (host == "*") return ListenAddress{.host = "::", .port = *port};
    if (in_brackets) host = host.substr(1, host.size() - 2);
    const auto address = canonical(in_brackets ? AF_INET6 : AF_INET, std::string(host));
    if (address) return ListenAddress{.host = *address, .port = *port};
    if (host.empty()) return refuse(must_be, fmt::format("; every address is \"*:{}\"", *port));
    if (host == "localhost") {
        return refuse(must_be, fmt::format("; did you mean \"127.0.0.1:{}\"?", *port));
    }
    return refuse(must_be, "; names are not looked up");
}

}  // namespace pitot::sinks::http
