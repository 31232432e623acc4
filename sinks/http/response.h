// One HTTP answer, or why there is none, as plain data.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks::http {

struct Response {
    unsigned status = 0;  // 200 … 999, or 101; other 1xx are not answers
    std::vector<std::pair<std::string, std::string>> headers = {};  // as received
    std::string body = {};
    // The whole body was read. Otherwise it is the beginning of one that was longer than
    // allowed, or was cut off; the status is the destination's word all the same.
    bool is_complete = true;

    // The first header of this name, in any case of letters; "" when absent.
    std::string_view header(std::string_view name) const;
    // The body's first line, without control bytes, up to a length fit for a log line.
    std::string excerpt() const;
};

enum class FailureKind : std::uint8_t {
    resolve,    // the name has no address
    connect,    // refused, unreachable
    timeout,    // the deadline, or the time to connect, passed
    closed,     // the connection ended before an answer
    protocol,   // what came back is not HTTP
    overlong,   // the header of what came back is larger than is read
    tls,        // certificates, versions, or one side speaks TLS and the other does not: until
                // an operator mends it
    cancelled,  // by us
    internal,   // something was thrown here: no memory, or a bug
};

struct Failure {
    FailureKind kind = FailureKind::closed;
    std::string what;  // a sentence for the operator, with host and port, no credentials
};

using Result = std::expected<Response, Failure>;

}  // namespace pitot::sinks::http
