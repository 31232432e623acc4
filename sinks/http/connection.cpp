#include "sinks/http/connection.h"

#include <fmt/format.h>

#include <boost/asio/ssl/error.hpp>
#include <utility>
#include <vector>

#include "sinks/http/tls_failure.h"

namespace pitot::sinks::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

asio::awaitable<std::vector<tcp::endpoint>> resolve(asio::io_context& io, Connecting& connecting,
                                                    const Url& url, error_code& error) {
    std::vector<tcp::endpoint> endpoints;
    const asio::ip::address address = asio::ip::make_address(url.host, error);
    if (!error) {
        endpoints.emplace_back(address, url.port);
        co_return endpoints;
    }
    connecting.resolver.emplace(io);
    const auto [failed, found] =
        co_await connecting.resolver->async_resolve(url.host, std::to_string(url.port), as_value);
    error = failed;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

}  // namespace

void Connection::close(bool is_written) {
    error_code ignored;
    if (!is_written) {
        static_cast<void>(socket.set_option(asio::socket_base::linger(true, 0), ignored));
    }
    static_cast<void>(socket.close(ignored));
}

void retire(std::unique_ptr<Connection> connection) {
    if (!connection || !connection->tls) return;
    Connection& leaving = *connection;
    // Begins with a write that does not wait. The rest of it, which waits for the other side's
    // word, fails on the closed socket and lets go of the connection.
    leaving.tls->async_shutdown([kept = std::move(connection)](const error_code&) {});
    leaving.close(true);
}

asio::awaitable<std::optional<Failure>> connect(asio::io_context& io, Connecting& connecting,
                                                Url url, std::size_t header_bytes_max) {
    error_code error;
    const std::vector<tcp::endpoint> endpoints = co_await resolve(io, connecting, url, error);
    if (error) {
        co_return Failure{FailureKind::resolve, fmt::format("cannot look up the address of {}: {}",
                                                            url.host, error.message())};
    }
    for (const tcp::endpoint& endpoint : endpoints) {
        if (connecting.is_over) break;
        connecting.connection = std::make_unique<Connection>(io, header_bytes_max);
        tcp::socket& socket = connecting.connection->socket;
        const auto [failed] = co_await socket.async_connect(endpoint, as_value);
        error = failed;
        if (error) continue;
        error_code ignored;
        static_cast<void>(socket.set_option(tcp::no_delay(true), ignored));
        co_return std::nullopt;
    }
    connecting.connection.reset();
    co_return Failure{FailureKind::connect,
                      fmt::format("cannot connect to {}: {}{}", url.authority(), error.message(),
                                  error == asio::error::connection_refused
                                      ? " (nobody listens there: is the server running?)"
                                      : "")};
}

asio::awaitable<std::optional<Failure>> shake_hands(Connection& connection, Url url,
                                                    const TlsContext& context,
                                                    const Connecting& connecting) {
    TlsSession session = context.new_session(url.host, connection.report);
    if (!session) {
        co_return Failure{FailureKind::connect, "there is no memory for a TLS session"};
    }
    connection.generation = context.generation();
    connection.tls.emplace(connection.socket, session.release());
    const auto [error] =
        co_await connection.tls->async_handshake(asio::ssl::stream_base::client, as_value);
    // `context` may be gone with the client that gave up.
    if (!error || connecting.is_over) co_return std::nullopt;
    if (auto failure = tls_failure_of(error, url, connection, context, true)) co_return failure;
    co_return tls_hang_up({.authority = url.authority(),
                           .name = context.name_for(url.host),
                           .settings = context.settings(),
                           .report = connection.report});
}

std::optional<Failure> tls_failure_of(const error_code& error, const Url& url,
                                      const Connection& connection, const TlsContext& context,
                                      bool is_handshake) {
    if (error.category() != asio::error::get_ssl_category()) return {};
    return tls_failure(static_cast<unsigned long>(error.value()),
                       {.authority = url.authority(),
                        .name = context.name_for(url.host),
                        .settings = context.settings(),
                        .report = connection.report,
                        .is_handshake = is_handshake});
}

}  // namespace pitot::sinks::http
