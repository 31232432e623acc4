// One HTTP answer, or why there is none, as plain data.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/http/redaction.h"

namespace pitot::sinks::http {

struct Response {
    unsigned status = 0;  // 200 … 999, or 101; other 1xx are not answers
    std::vector<std::pair<std::string, std::string>> headers = {};  // as received
    std::string body = {};
    // The whole answer was read. Otherwise the body is the beginning of one that was longer than
    // allowed, or was cut off, or the header was too long and there are neither fields nor a
    // body; the status is the destination's word all the same.
    bool is_complete = true;
    // Of those credentials that went out with the request; null: there were none.
    std::shared_ptr<const Redaction> redaction = {};

    // The first header of this name, in any case of letters; "" when absent.
    std::string_view header(std::string_view name) const;
    // A web page, which no destination of ours answers with: a proxy's, or of a wrong address.
    bool is_html() const;
    // The body's first line, or what a web page says, fit for a log.
    std::string excerpt() const;
};

// One line without credentials and control bytes, not too long.
std::string fit_for_log(std::string_view text, const Redaction* redaction = nullptr);

enum class FailureKind : std::uint8_t {
    resolve,    // the name has no address
    connect,    // refused, unreachable
    timeout,    // the deadline, or the time to connect, passed
    closed,     // the connection ended before an answer
    protocol,   // what came back is not HTTP
    overlong,   // what came back is larger than is read, and has no status
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
