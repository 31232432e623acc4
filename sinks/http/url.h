// The http:// or https:// address of a destination, as far as this project uses it (RFC 3986).
//
//   http[s]://host[:port][/path]      host: a name, an IPv4 address, or [an IPv6 address]
//
// Refused, with the reason: other schemes, credentials in the text (they would end up in
// logs; there are options for them), a query, a fragment, blanks and control bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

struct Url {
    std::string host = {};    // without brackets
    std::uint16_t port = 80;  // 443 for https
    std::string path = {};    // "" or "/…", without a slash at its end
    bool is_https = false;

    // "host:port", with brackets where the host needs them: for messages and Host headers.
    std::string authority() const;
    // Whether what is sent stays on this machine: localhost, 127.0.0.0/8, ::1.
    bool is_loopback() const;
};

// The error reads on after "url: ": "must …, got …".
std::expected<Url, std::string> parse_url(std::string_view text);

}  // namespace pitot::sinks::http
