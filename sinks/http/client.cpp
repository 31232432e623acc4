// The only translation unit that includes Boost.Beast and Asio's sockets.
#include "sinks/http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinks/http/base64.h"
#include "sinks/http/gzip.h"

namespace pitot::sinks::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using asio::experimental::awaitable_operators::operator&&;

// Errors come back as values: nothing here throws.
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

using Parser = beast::response_parser<beast::buffer_body>;

// A connection to the destination. TLS adds a second stream here and a handshake to
// connect(); write_request() and read_response() take any stream.
struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}

    // Ends every operation under way. A request that was not sent whole is taken back with a
    // reset: what the other side does not read would wait in the kernel for minutes.
    void close(bool is_written) {
        error_code ignored;
        if (!is_written) {
            static_cast<void>(socket.set_option(asio::socket_base::linger(true, 0), ignored));
        }
        static_cast<void>(socket.close(ignored));
    }

    tcp::socket socket;
    boost::beast::flat_buffer input{response_header_bytes_max + 16 * 1024};
};

// One request and what became of it. Shared by its coroutine and the client: a name look-up
// cannot be cancelled, so a coroutine may come back after its client is gone.
struct Exchange {
    std::string authority;  // for messages
    Request request;
    std::string head;        // request line and headers
    std::string compressed;  // the body, when it is sent as gzip
    std::unique_ptr<Connection> connection;
    std::optional<tcp::resolver> resolver;
    bool is_written = false;  // the request, whole
    bool got_some = false;    // of an answer
    bool may_keep = false;    // the connection, for the next request
    bool is_over = false;     // nobody waits for the result any more
    std::int64_t deadline_ns = 0;
    Scheduler::TimerId timer = 0;
    Client::Done done;

    std::string_view body() const {
        return request.gzip ? std::string_view(compressed) : request.body;
    }
    // Makes every operation under way fail soon.
    void abort() {
        is_over = true;
        if (resolver) resolver->cancel();
        if (connection) connection->close(is_written);
    }
};

template <class Stream>
asio::awaitable<void> write_request(Stream& stream, Exchange& exchange) {
    const std::string_view body = exchange.body();
    const std::array<asio::const_buffer, 2> bytes{asio::buffer(exchange.head),
                                                  asio::buffer(body.data(), body.size())};
    const auto [error, count] = co_await asio::async_write(stream, bytes, as_value);
    // A failed write is no result: the destination may have answered and hung up.
    exchange.is_written = !error;
}

Failure read_failure(const error_code& error, const std::string& authority, bool got_some) {
    if (error == beast::error::header_limit || error == beast::error::buffer_overflow) {
        return {FailureKind::overlong, fmt::format("{} answers with more than {} bytes of headers",
                                                   authority, response_header_bytes_max)};
    }
    if (error.category() == beast::make_error_code(beast::error::bad_version).category() &&
        error != beast::error::end_of_stream && error != beast::error::partial_message) {
        return {FailureKind::protocol,
                fmt::format("{} does not answer in HTTP: {}", authority, error.message())};
    }
    return {FailureKind::closed,
            fmt::format("{} closed the connection {}", authority,
                        got_some ? "in the middle of its answer" : "without an answer")};
}

// The body of an answer whose header was read, up to the bound.
template <class Stream>
asio::awaitable<void> read_body(Stream& stream, Exchange& exchange, Connection& connection,
                                Parser& parser, Response& response) {
    std::array<char, 8192> piece{};
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        const auto [error, count] =
            co_await beast::async_read(stream, connection.input, parser, as_value);
        const std::size_t room = exchange.request.body_bytes_max - response.body.size();
        const std::size_t filled = piece.size() - parser.get().body().size;
        response.body.append(piece.data(), std::min(filled, room));
        const bool is_cut = error && error != beast::error::need_buffer;
        if (filled > room || is_cut) {
            response.is_complete = false;
            co_return;
        }
    }
}

template <class Stream>
asio::awaitable<void> read_response(Stream& stream, Exchange& exchange, Connection& connection,
                                    Result& result) {
    std::optional<Parser> parser;
    unsigned status = 0;
    do {
        // A fresh one after each interim answer (100 Continue, 103 Early Hints).
        parser.emplace();
        parser->header_limit(response_header_bytes_max);
        parser->body_limit(boost::none);
        if (exchange.request.method == Method::head) parser->skip(true);
        const auto [error, count] =
            co_await beast::async_read_header(stream, connection.input, *parser, as_value);
        exchange.got_some = exchange.got_some || parser->got_some();
        if (error) {
            result = std::unexpected(read_failure(error, exchange.authority, exchange.got_some));
            connection.close(exchange.is_written);  // ends a write that is still under way
            co_return;
        }
        status = parser->get().result_int();
    } while (status < 200 && status != 101);

    Response response;
    response.status = status;
    for (const auto& field : parser->get()) {
        response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    co_await read_body(stream, exchange, connection, *parser, response);
    // An answer before the whole request was sent: the rest of it must not follow.
    exchange.may_keep = response.is_complete && exchange.is_written && parser->keep_alive();
    if (!exchange.may_keep) connection.close(exchange.is_written);
    result = std::move(response);
}

asio::awaitable<std::vector<tcp::endpoint>> resolve(asio::io_context& io, Exchange& exchange,
                                                    const Url& url, error_code& error) {
    std::vector<tcp::endpoint> endpoints;
    const asio::ip::address address = asio::ip::make_address(url.host, error);
    if (!error) {
        endpoints.emplace_back(address, url.port);
        co_return endpoints;
    }
    exchange.resolver.emplace(io);
    const auto [failed, found] =
        co_await exchange.resolver->async_resolve(url.host, std::to_string(url.port), as_value);
    error = failed;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

// Tries each address of the host in turn. Leaves exchange.connection open, or says why not.
asio::awaitable<std::optional<Failure>> connect(asio::io_context& io, Exchange& exchange, Url url) {
    error_code error;
    const std::vector<tcp::endpoint> endpoints = co_await resolve(io, exchange, url, error);
    if (error) {
        co_return Failure{FailureKind::resolve, fmt::format("cannot look up the address of {}: {}",
                                                            url.host, error.message())};
    }
    for (const tcp::endpoint& endpoint : endpoints) {
        if (exchange.is_over) break;
        exchange.connection = std::make_unique<Connection>(io);
        tcp::socket& socket = exchange.connection->socket;
        const auto [failed] = co_await socket.async_connect(endpoint, as_value);
        error = failed;
        if (error) continue;
        error_code ignored;
        static_cast<void>(socket.set_option(tcp::no_delay(true), ignored));
        co_return std::nullopt;
    }
    exchange.connection.reset();
    co_return Failure{FailureKind::connect,
                      fmt::format("cannot connect to {}: {}", exchange.authority, error.message())};
}

}  // namespace

struct Client::State {
    State(ClientSettings its_settings, const Context& its_context)
        : settings(std::move(its_settings)),
          context(its_context),
          authority(settings.url.authority()) {}

    std::string make_head(const Request& request, std::size_t body_bytes) const;
    void arm(const std::shared_ptr<Exchange>& exchange, std::int64_t due_ns, Failure failure);
    void arm_connect_timer(const std::shared_ptr<Exchange>& exchange);
    void arm_deadline(const std::shared_ptr<Exchange>& exchange);
    asio::awaitable<void> run(asio::io_context& io, std::shared_ptr<Exchange> exchange);
    void complete(const std::shared_ptr<Exchange>& exchange, Result result);

    ClientSettings settings;
    const Context& context;
    std::string authority;
    std::unique_ptr<Connection> kept;
    std::shared_ptr<Exchange> current;
};

std::string Client::State::make_head(const Request& request, std::size_t body_bytes) const {
    std::string head =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n", to_string(request.method),
                    request.target, authority, context.user_agent);
    if (!settings.authorization.empty()) {
        head += fmt::format("Authorization: {}\r\n", settings.authorization.reveal());
    }
    for (const auto& [name, value] : request.headers) {
        head += fmt::format("{}: {}\r\n", name, value);
    }
    if (request.gzip) head += "Content-Encoding: gzip\r\n";
    if (request.method == Method::put || request.method == Method::post) {
        head += fmt::format("Content-Length: {}\r\n", body_bytes);
    }
    head += "\r\n";
    return head;
}

// When the timer fires, `failure` is the result.
void Client::State::arm(const std::shared_ptr<Exchange>& exchange, std::int64_t due_ns,
                        Failure failure) {
    if (exchange->timer != 0) context.time.cancel(exchange->timer);
    exchange->timer =
        context.time.at(due_ns, [this, exchange, failure = std::move(failure)]() mutable {
            exchange->timer = 0;
            exchange->abort();
            complete(exchange, std::unexpected(std::move(failure)));
        });
}

void Client::State::arm_connect_timer(const std::shared_ptr<Exchange>& exchange) {
    const std::int64_t due_ns = context.time.steady_ns() + settings.connect_timeout.count();
    arm(exchange, std::min(due_ns, exchange->deadline_ns),
        {FailureKind::timeout, fmt::format("cannot connect to {} in time", authority)});
}

void Client::State::arm_deadline(const std::shared_ptr<Exchange>& exchange) {
    arm(exchange, exchange->deadline_ns,
        {FailureKind::timeout, fmt::format("{} did not answer in time", authority)});
}

// May outlive the client; touches it only while the exchange is not over.
asio::awaitable<void> Client::State::run(asio::io_context& io, std::shared_ptr<Exchange> exchange) {
    co_await asio::post(io, asio::use_awaitable);
    Result result = std::unexpected(Failure{});
    while (!exchange->is_over) {
        const bool is_reused = exchange->connection != nullptr;
        if (!is_reused) {
            arm_connect_timer(exchange);
            std::optional<Failure> failure = co_await connect(io, *exchange, settings.url);
            if (exchange->is_over) co_return;
            if (failure) {
                result = std::unexpected(std::move(*failure));
                break;
            }
        }
        arm_deadline(exchange);
        exchange->is_written = false;
        exchange->got_some = false;
        Connection& connection = *exchange->connection;
        co_await (write_request(connection.socket, *exchange) &&
                  read_response(connection.socket, *exchange, connection, result));
        if (exchange->is_over) co_return;
        // The other side may close a connection it has kept long enough at any moment.
        const bool went_stale = is_reused && !exchange->got_some && !result &&
                                result.error().kind == FailureKind::closed;
        if (!went_stale || !exchange->request.repeatable) break;
        exchange->connection.reset();
    }
    if (!exchange->is_over) complete(exchange, std::move(result));
}

void Client::State::complete(const std::shared_ptr<Exchange>& exchange, Result result) {
    exchange->is_over = true;
    if (exchange->timer != 0) context.time.cancel(exchange->timer);
    exchange->timer = 0;
    if (result && exchange->may_keep) kept = std::move(exchange->connection);
    const Done done = std::move(exchange->done);
    current.reset();
    done(std::move(result));
}

Client::Client(ClientSettings settings, const Context& context)
    : state_(std::make_unique<State>(std::move(settings), context)) {}

Client::~Client() {
    if (!state_->current) return;
    if (state_->current->timer != 0) state_->context.time.cancel(state_->current->timer);
    state_->current->abort();
}

void Client::send(Request request, std::int64_t deadline_steady_ns, Done done) {
    assert(!state_->current);
    auto exchange = std::make_shared<Exchange>();
    if (request.gzip) {
        std::optional<std::string> compressed = gzip(request.body);
        request.gzip = compressed.has_value();
        if (compressed) exchange->compressed = std::move(*compressed);
    }
    exchange->authority = state_->authority;
    exchange->request = std::move(request);
    exchange->head = state_->make_head(exchange->request, exchange->body().size());
    exchange->connection = std::move(state_->kept);
    exchange->deadline_ns = deadline_steady_ns;
    exchange->done = std::move(done);
    state_->current = exchange;
    asio::co_spawn(state_->context.io, state_->run(state_->context.io, exchange), asio::detached);
}

void Client::cancel() {
    const std::shared_ptr<Exchange> exchange = state_->current;
    if (!exchange) return;
    state_->arm(exchange, state_->context.time.steady_ns(),
                {FailureKind::cancelled, "stopped before the answer came"});
}

const ClientSettings& Client::settings() const {
    return state_->settings;
}

Secret basic_authorization(std::string_view user, const Secret& password) {
    return Secret("Basic " +
                  base64(fmt::format("{}:{}", user, password.reveal()), Base64::standard));
}

Secret bearer_authorization(const Secret& token) {
    return Secret("Bearer " + token.reveal());
}

}  // namespace pitot::sinks::http
