// One HTTP/1.1 request at a time to one destination, each with a deadline.
//
// Used by transports, on the io thread. What it promises:
//
//   * The answer, or the failure, comes once and by the deadline, whatever the other side
//     does: silence, endless headers, a name look-up that hangs.
//   * Whatever is thrown on the way is a failure like others (FailureKind::internal), so that
//     nobody waits for ever. That holds for `done` too: when it throws, it is called once more,
//     with that.
//   * The connection is kept between requests. The name is looked up at each connect (net/
//     look_up.h), and each of its addresses has a share of the time to connect. When
//     a kept connection turns out to be closed before any byte of an answer, a repeatable
//     request is sent again on a new one, once.
//   * It reads while it writes: a destination that refuses early (413, 401) and stops
//     reading is understood, not reported as a broken pipe.
//   * Headers are read up to 16 KiB, the body up to Request::body_bytes_max; what is beyond
//     costs the connection, not the status.
//   * Redirects are not followed: a 3xx is an answer like others.
//   * Credentials leave only in the Authorization header and in ClientSettings::headers.
//   * Over https, nothing is sent before the handshake has succeeded (tls.h says what is
//     checked), and an answer that ends without TLS's own end is incomplete.
//   * A large body is compressed in steps, between which other sinks have their turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/context.h"
#include "sinks/http/request.h"
#include "sinks/http/response.h"
#include "sinks/http/tls.h"
#include "sinks/http/url.h"
#include "sinks/options.h"

namespace pitot::sinks::http {

struct ClientSettings {
    Url url;
    Secret authorization = {};  // the header's value: "Basic …", "Bearer …"; empty: none
    std::vector<std::pair<std::string, Secret>> headers = {};  // further ones, with each request
    TlsSettings tls = {};                                      // where the url is https
    // For the look-up of the name, again for the connection, and for the handshake of TLS.
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
};

inline constexpr std::uint32_t response_header_bytes_max = 16 * 1024;

class Client {
public:
    using Done = std::function<void(Result)>;

    // `context` outlives the client.
    Client(ClientSettings settings, const Context& context);
    // Drops a request that is under way; its `done` is not called any more.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Not while another is under way. `done` is not called from inside this call.
    void send(Request request, std::int64_t deadline_steady_ns, Done done);
    // Ends the request under way, if any: `done` is called with `cancelled`, from a turn of
    // its own.
    void cancel();

    const ClientSettings& settings() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Values for ClientSettings::authorization.
Secret basic_authorization(std::string_view user, const Secret& password);
// "Bearer", "Token", "ApiKey", …
Secret token_authorization(std::string_view scheme, const Secret& token);

}  // namespace pitot::sinks::http
