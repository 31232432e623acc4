// One HTTP request, as plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks::http {

enum class Method : std::uint8_t { get, head, put, post, remove };

// "GET", …; remove is DELETE.
std::string_view to_string(Method method) noexcept;

// The answer's body is read up to this; enough for any error text.
inline constexpr std::size_t response_body_bytes_max = 64 * std::size_t{1024};

struct Request {
    Method method = Method::get;
    std::string target = "/";  // path and query, encoded already
    // Besides Host, User-Agent, Authorization and the lengths, which the client writes.
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string_view body = {};  // the caller keeps it until the answer
    bool gzip = false;           // send the body compressed
    // Whether the destination may be asked twice: then a kept connection that turns out to
    // be closed is opened again and the request repeated, without an error in between.
    bool repeatable = true;
    std::size_t body_bytes_max = response_body_bytes_max;  // of the answer
};

}  // namespace pitot::sinks::http
