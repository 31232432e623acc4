// One GET, for a command that asks a running agent something: blocking, bounded, over before
// anybody wonders.
//
// It speaks HTTP/1.0, so that an answer has neither chunks nor coding. What a destination needs
// beyond that (TLS, kept connections, deadlines on an event loop) is in sinks/http/client.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "agent/clock.h"
#include "sinks/http/url.h"
#include "sinks/options.h"

namespace pitot::agent {

// From the connection to the last byte: on one machine, a second is long.
inline constexpr std::chrono::nanoseconds http_get_time_max = std::chrono::seconds(5);
// A status of a few hundred listeners and sinks is a tenth of this.
inline constexpr std::size_t http_get_bytes_max = 4U << 20U;

struct HttpReply {
    unsigned status = 0;
    std::string body;
};

// `path` comes behind the URL's own. The token is shown if it is not empty. The error is what
// happened: "Connection refused".
std::expected<HttpReply, std::string> http_get(const sinks::http::Url& url, std::string_view path,
                                               const sinks::Secret& token, const Clock& clock);

}  // namespace pitot::agent
