#include "sinks/http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace pitot::sinks::http {
namespace {

// A copy of `text` where `prefix` stands in small letters.
bool has_scheme(std::string_view text, std::string_view scheme) {
    if (text.size() < scheme.size()) return false;
    return std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

bool is_host_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '-' ||
           character == '_';
}

bool is_ipv6_character(char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F') || character == ':' || character == '.';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

std::unexpected<std::string> bad(std::string_view must, std::string_view got) {
    return std::unexpected(fmt::format(R"(must {}, got "{}")", must, got));
}

// "host", "host:port", "[v6]:port" into `url`; the problem, if there is one.
std::optional<std::string> read_authority(std::string_view authority, Url& url) {
    const bool bracketed = authority.starts_with('[');
    const std::size_t close = bracketed ? authority.find(']') : 0;
    if (close == std::string_view::npos) {
        return fmt::format(R"(must close the "[" of its address, got "{}")", authority);
    }
    const std::size_t colon = authority.find(':', close);
    const std::string_view host =
        bracketed ? authority.substr(1, close - 1) : authority.substr(0, colon);
    const bool good = std::ranges::all_of(host, bracketed ? is_ipv6_character : is_host_character);
    const bool glued = bracketed && colon != close + 1 && close + 1 != authority.size();
    if (host.empty() || !good || glued) {
        return fmt::format(R"(must name a host after "http://", got "{}")", authority);
    }
    url.host = host;
    if (colon == std::string_view::npos) return {};
    const auto port = parse_port(authority.substr(colon + 1));
    if (!port) {
        return fmt::format(R"(must have a port between 1 and 65535, got "{}")",
                           authority.substr(colon + 1));
    }
    url.port = *port;
    return {};
}

}  // namespace

std::string Url::authority() const {
    const bool needs_brackets = host.find(':') != std::string::npos;
    return needs_brackets ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::expected<Url, std::string> parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    const bool odd = std::ranges::any_of(text, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte <= 0x20 || byte == 0x7f;
    });
    if (odd) return std::unexpected("must not contain blanks or control characters");
    if (has_scheme(text, "https://")) {
        return std::unexpected("TLS is not built in yet; use http:// or a local proxy");
    }
    if (!has_scheme(text, scheme)) {
        // What stands before an '@' may be a password.
        const bool has_secret = text.find('@') != std::string_view::npos;
        return bad(R"(begin with "http://")", has_secret ? "another text" : text);
    }
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, slash);
    std::string_view path = rest.substr(slash);
    if (authority.find('@') != std::string_view::npos) {
        return std::unexpected(
            "must not contain a user name or password; there are options for them");
    }
    if (path.find_first_of("?#") != std::string_view::npos) {
        return bad(R"(end with its path, without "?" or "#")", path);
    }
    Url url;
    if (auto problem = read_authority(authority, url)) return std::unexpected(*problem);
    while (path.ends_with('/')) path.remove_suffix(1);
    url.path = path;
    return url;
}

}  // namespace pitot::sinks::http
