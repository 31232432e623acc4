#include "sinks/http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace pitot::sinks::http {
namespace {

constexpr std::string_view http_scheme = "http://";
constexpr std::string_view https_scheme = "https://";

// Whether `text` begins with `scheme`, in letters of any case.
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
        return fmt::format(R"(must name a host after "{}", got "{}")",
                           url.is_https ? https_scheme : http_scheme, authority);
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

bool Url::is_loopback() const {
    const bool is_dotted =
        host.find_first_not_of("0123456789.") == std::string::npos && host.starts_with("127.");
    return is_dotted || host == "::1" || host == "localhost" || host.ends_with(".localhost");
}

std::expected<Url, std::string> parse_url(std::string_view text) {
    const bool odd = std::ranges::any_of(text, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte <= 0x20 || byte == 0x7f;
    });
    if (odd) return std::unexpected("must not contain blanks or control characters");
    Url url;
    url.is_https = has_scheme(text, https_scheme);
    url.port = url.is_https ? 443 : 80;
    if (!url.is_https && !has_scheme(text, http_scheme)) {
        // What stands before an '@', or behind a "?", may be a password.
        const bool has_secret = text.find_first_of("@?") != std::string_view::npos;
        return bad(R"(begin with "http://" or "https://")", has_secret ? "another text" : text);
    }
    const std::string_view rest =
        text.substr(url.is_https ? https_scheme.size() : http_scheme.size());
    const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, slash);
    std::string_view path = rest.substr(slash);
    if (authority.find('@') != std::string_view::npos) {
        return std::unexpected(
            "must not contain a user name or password; there are options for them");
    }
    // What stands behind a "?" may be a password.
    if (const std::size_t end = path.find_first_of("?#"); end != std::string_view::npos) {
        return std::unexpected(fmt::format(
            R"(must end with its path, without "?" or "#", got "{}…")", path.substr(0, end + 1)));
    }
    if (auto problem = read_authority(authority, url)) return std::unexpected(*problem);
    while (path.ends_with('/')) path.remove_suffix(1);
    url.path = path;
    return url;
}

}  // namespace pitot::sinks::http
