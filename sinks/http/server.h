// A small HTTP/1.1 server on a thread of its own: for /metrics, and whatever else the process
// shows of itself.
//
//     Server server({.address = *parse_listen_address("127.0.0.1:9125"), .wall_ns = …},
//                   {{"/metrics", [&](const ServerRequest& request) { return page(request); }}});
//     if (const auto error = server.start()) …      // a sentence: the address is in use
//     server.address()                              // "127.0.0.1:9125", with the port it got
//
// It has its own thread, so that compressing a large page holds up no delivery, and so that it
// answers whatever the sinks do. Routes are plain functions from a request to an answer; they
// are called on that thread and must not wait.
//
// What it promises:
//
//   * An answer's body is sent from where it is, in pieces, and never copied as a whole: a
//     hundred connections read one page of 200 MB.
//   * Everything is bounded (ServerLimits and the constants below): connections, the bytes of a
//     request, the time to send one, to read an answer, and to say nothing.
//   * GET and HEAD, keep-alive, pipelining, gzip where it is accepted, HTTP/1.0 clients.
//   * Whatever comes, the answer is well-formed; nothing of a request is repeated in one.
//   * With a token, a request without it is answered by 401 and reaches no route but those
//     that are public.
//   * Where only local names are taken, a page of another site that a browser on this host was
//     lured to cannot read ours by giving its own name our address (DNS rebinding).
//
// What it refuses to do: bodies of requests (read up to a small bound, and thrown away), other
// methods, upgrades, TLS, looking up names.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/http/listen_address.h"
#include "sinks/http/route.h"
#include "sinks/options.h"

namespace pitot::sinks::http {

// Of a request's line and headers; four times what the longest Accept of a scraper needs.
inline constexpr std::uint32_t request_header_bytes_max = 8 * 1024;
// Of a request's body, which nobody reads: room for a client that sends one out of habit.
inline constexpr std::size_t request_body_bytes_max = 4 * std::size_t{1024};
// A shorter body is not compressed: the answer would not fit in fewer packets.
inline constexpr std::size_t gzip_bytes_min = 1024;

struct ServerLimits {
    // A connection costs 30 KiB, and up to 350 KiB while it is sent a compressed page.
    std::size_t connections = 64;
    // For all of a request's headers: a person's typing in telnet, not much more.
    std::chrono::nanoseconds header = std::chrono::seconds(10);
    // Between requests: four intervals of a scraper that scrapes every 15 s.
    std::chrono::nanoseconds idle = std::chrono::seconds(60);
    // For all of an answer to be taken: six times the time a Prometheus gives a scrape. Who is
    // slower holds memory that a page's successor needs.
    std::chrono::nanoseconds answer = std::chrono::seconds(60);
    // How often connections are looked at: all of the above are rounded up to it.
    std::chrono::nanoseconds tick = std::chrono::milliseconds(250);
};

struct ServerSettings {
    ListenAddress address;
    Secret bearer_token = Secret();         // empty: whoever can connect is answered
    std::function<std::int64_t()> wall_ns;  // for Date; called on the server's thread
    // Answers 403 to requests whose Host is neither an address nor "localhost".
    bool local_names_only = false;
    ServerLimits limits = {};
};

// Since the server was made; any thread.
struct ServerCounters {
    std::uint64_t connections = 0;  // accepted
    std::uint64_t refused = 0;      // of those: turned away because there were too many
    std::uint64_t requests = 0;     // answered, whatever the status
    std::uint64_t cut_off = 0;      // connections closed because a time had passed
    std::size_t open = 0;           // connections, now
};

class Server {
public:
    // Opens nothing yet. Each path once.
    Server(ServerSettings settings, std::vector<Route> routes);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds, listens, and starts the thread; once. A sentence when that is not possible.
    std::optional<std::string> start();
    // Closes every connection, in the middle of what it is sent, and ends the thread. Any
    // thread but the server's; a second call does nothing.
    void stop();

    // Where it listens, with the port the kernel chose; "" before start().
    const std::string& address() const;
    std::uint16_t port() const;
    ServerCounters counters() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pitot::sinks::http
