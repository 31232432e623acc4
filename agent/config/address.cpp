#include "agent/config/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <optional>

#include "agent/printable.h"

namespace pitot::agent {

namespace {

constexpr std::string_view must_be =
    R"(must be ADDRESS:PORT, such as "127.0.0.1:8125" or "[::1]:8125")";

std::optional<std::string> canonical(int family, const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (::inet_pton(family, host.c_str(), address.data()) != 1) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) {
        return std::nullopt;
    }
    return std::string(text.data());
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, port);
    if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
    return port;
}

}  // namespace

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
    const std::string shown = fmt::format("got the text \"{}\"", printable(text, 60));
    const auto refuse = [&](std::string_view must, std::string_view hint = "") {
        return std::unexpected(fmt::format("{}, {}{}", must, shown, hint));
    };

    const std::size_t colon = text.rfind(':');
    const bool in_brackets = text.starts_with('[');
    if (colon == std::string_view::npos || text.ends_with(']')) return refuse(must_be);
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    if (!in_brackets && host.contains(':')) {
        return refuse(R"(must have an IPv6 address in brackets, such as "[::1]:8125")");
    }
    if (in_brackets && !host.ends_with(']')) return refuse(must_be);

    const auto port = parse_port(port_text);
    if (!port) return refuse("must end in a port between 0 and 65535");
    if (host.empty()) {
        return refuse(must_be, fmt::format("; every address is \"*:{}\"", port_text));
    }
    if (host == "*") return ListenAddress{"::", *port};

    if (in_brackets) {
        host = host.substr(1, host.size() - 2);
        const std::size_t percent = host.find('%');
        const std::string scope(percent == std::string_view::npos ? "" : host.substr(percent));
        const auto address = canonical(AF_INET6, std::string(host.substr(0, percent)));
        if (!address || scope == "%") return refuse("must have an IPv6 address in its brackets");
        return ListenAddress{*address + scope, *port};
    }
    if (const auto address = canonical(AF_INET, std::string(host))) {
        return ListenAddress{*address, *port};
    }
    if (host == "localhost") {
        return refuse(must_be, fmt::format("; did you mean \"127.0.0.1:{}\"?", port_text));
    }
    return refuse(must_be, "; names are not looked up");
}

bool is_loopback(const ListenAddress& address) {
    return address.host == "::1" || address.host.starts_with("127.") ||
           address.host.starts_with("::ffff:127.");
}

bool overlap(const ListenAddress& a, const ListenAddress& b) {
    if (a.port != b.port || a.port == 0) return false;
    return a.host == b.host || (a.host == "::" && b.host == "0.0.0.0") ||
           (a.host == "0.0.0.0" && b.host == "::");
}

bool excludes(const ListenAddress& a, const ListenAddress& b) {
    if (a.port != b.port || a.port == 0) return false;
    const auto covers = [](const ListenAddress& wide, const ListenAddress& one) {
        return wide.host == "::" || (wide.host == "0.0.0.0" && !one.host.contains(':'));
    };
    return a.host == b.host || covers(a, b) || covers(b, a);
}

}  // namespace pitot::agent
