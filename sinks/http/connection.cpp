#include "sinks/http/connection.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <expected>
#include <memory>
#include <utility>
#include <vector>

#include "sinks/http/tls_failure.h"

namespace pitot::sinks::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// One address, until `due_ns`, if that is not 0.
asio::awaitable<error_code> connect_to(tcp::socket& socket, tcp::endpoint endpoint, Scheduler& time,
                                       std::int64_t due_ns) {
    bool is_late = false;
    Scheduler::TimerId timer = 0;
    if (due_ns != 0) {
        timer = time.at(due_ns, [&] {
            is_late = true;
            error_code ignored;
            static_cast<void>(socket.close(ignored));
        });
    }
    const auto [error] = co_await socket.async_connect(endpoint, as_value);
    if (timer != 0) time.cancel(timer);
    co_return is_late ? error_code(asio::error::timed_out) : error;
}

}  // namespace

void Connection::close(bool is_written) {
    error_code ignored;
    if (!is_written) {
        static_cast<void>(socket.set_option(asio::socket_base::linger(true, 0), ignored));
    }
    static_cast<void>(socket.close(ignored));
}

bool Connection::is_quiet() {
    char byte = 0;
    const ssize_t got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got >= 0 || errno != EAGAIN || input.size() > 0) return false;
    if (!tls) return true;
    // What was read from the socket and not from TLS yet.
    SSL* const session = tls->native_handle();
    return ::SSL_pending(session) == 0 && ::BIO_ctrl_pending(::SSL_get_rbio(session)) == 0;
}

void retire(std::unique_ptr<Connection> connection) {
    if (!connection || !connection->tls) return;
    Connection& leaving = *connection;
    // Begins with a write that does not wait. The rest of it, which waits for the other side's
    // word, fails on the closed socket and lets go of the connection.
    leaving.tls->async_shutdown([kept = std::move(connection)](const error_code&) {});
    leaving.close(true);
}

asio::awaitable<net::Addresses> look_up(asio::io_context& io, net::HostLookUp& host) {
    // A timer that never ends by itself stands for the answer.
    struct Answer {
        explicit Answer(asio::io_context& context)
            : arrived(context, asio::steady_timer::time_point::max()) {}
        asio::steady_timer arrived;
        net::Addresses found = std::unexpected("the look-up ended without an answer");
    };
    const auto answer = std::make_shared<Answer>(io);
    host.find([answer](const net::Addresses& found) {
        answer->found = found;
        answer->arrived.cancel();
    });
    co_await answer->arrived.async_wait(as_value);
    co_return std::move(answer->found);
}

asio::awaitable<std::optional<Failure>> connect(asio::io_context& io, Scheduler& time,
                                                Connecting& connecting, Route route,
                                                std::size_t header_bytes_max) {
    std::string errors;
    bool was_refused = false;
    for (std::size_t i = 0; i < route.addresses.size() && !connecting.is_over; ++i) {
        const auto left = static_cast<std::int64_t>(route.addresses.size() - i);
        const std::int64_t now_ns = time.steady_ns();
        const std::int64_t due_ns = left == 1 ? 0 : now_ns + (route.deadline_ns - now_ns) / left;
        connecting.connection = std::make_unique<Connection>(io, header_bytes_max);
        tcp::socket& socket = connecting.connection->socket;
        error_code error;
        const auto address = asio::ip::make_address(route.addresses[i], error);
        if (!error) error = co_await connect_to(socket, {address, route.port}, time, due_ns);
        if (!error) {
            error_code ignored;
            static_cast<void>(socket.set_option(tcp::no_delay(true), ignored));
            co_return std::nullopt;
        }
        if (!errors.empty()) errors += "; ";
        if (route.addresses.size() > 1) errors += route.addresses[i] + ": ";
        errors += error.message();
        was_refused = error == asio::error::connection_refused;
    }
    connecting.connection.reset();
    co_return Failure{
        FailureKind::connect,
        fmt::format("cannot connect to {}: {}{}", route.authority, errors,
                    was_refused ? " (nobody listens there: is the server running?)" : "")};
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
