// A connection to a destination, plain or TLS, and how it comes to be.
//
// A part of client.cpp, and with it the only place that includes Asio's sockets and streams.
// Everything here runs on the io thread, in coroutines that return errors as values.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/http/response.h"
#include "sinks/http/tls.h"
#include "sinks/http/url.h"
#include "sinks/net/look_up.h"
#include "sinks/scheduler.h"

namespace pitot::sinks::http {

// Errors come back as values: nothing here throws.
inline constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);

struct Connection {
    using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

    Connection(boost::asio::io_context& io, std::size_t header_bytes_max)
        : socket(io), input(header_bytes_max + 16 * std::size_t{1024}) {}

    // Ends every operation under way. A request that was not sent whole is taken back with a
    // reset: what the other side does not read would wait in the kernel for minutes.
    void close(bool is_written);

    // Whether there is nothing to read, not even its end: what comes unasked belongs to no
    // request. No operation is under way.
    bool is_quiet();

    boost::asio::ip::tcp::socket socket;
    TlsReport report;              // filled in by `tls`
    std::optional<TlsStream> tls;  // over the socket; none: plain
    std::uint64_t generation = 0;  // of the TlsContext
    boost::beast::flat_buffer input;
};

// Hangs up, without waiting: what TLS says at the end (close_notify, RFC 8446 section 6.1) is
// sent if the kernel takes it at once. No operation is under way.
void retire(std::unique_ptr<Connection> connection);

// A connection in the making, which is given up from outside at any moment: whoever does, sets
// is_over and closes what is there.
struct Connecting {
    std::unique_ptr<Connection> connection;
    bool is_over = false;
};

// The addresses of a host. Comes back also when `host` is gone.
boost::asio::awaitable<net::Addresses> look_up(boost::asio::io_context& io, net::HostLookUp& host);

// Where to connect, and until when.
struct Route {
    std::string authority;  // for messages
    std::uint16_t port = 0;
    std::vector<std::string> addresses;
    std::int64_t deadline_ns = 0;  // of all of them; whoever calls sees to it
};

// Tries each address in turn. One behind which others wait has an equal share of the time that
// is left, so that a host of which one address is dead is reached. Leaves
// `connecting.connection` open, or says why not.
boost::asio::awaitable<std::optional<Failure>> connect(boost::asio::io_context& io, Scheduler& time,
                                                       Connecting& connecting, Route route,
                                                       std::size_t header_bytes_max);

// Makes it a TLS connection; says why not. The connection is then good for nothing else.
boost::asio::awaitable<std::optional<Failure>> shake_hands(Connection& connection, Url url,
                                                           const TlsContext& context,
                                                           const Connecting& connecting);

// In words, when the category of `error` is that of OpenSSL.
std::optional<Failure> tls_failure_of(const boost::system::error_code& error, const Url& url,
                                      const Connection& connection, const TlsContext& context,
                                      bool is_handshake);

}  // namespace pitot::sinks::http
