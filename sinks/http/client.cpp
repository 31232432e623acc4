// With connection.cpp, the only translation unit that includes Boost.Beast and Asio's sockets.
#include "sinks/http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cassert>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/logger.h>

#include "sinks/http/base64.h"
#include "sinks/http/connection.h"
#include "sinks/http/gzip.h"

namespace pitot::sinks::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using boost::system::error_code;
using asio::experimental::awaitable_operators::operator&&;

using Parser = beast::response_parser<beast::buffer_body>;

// One request and what became of it. Shared by its coroutine and the client: a coroutine is
// told of the end of what it waits for in a turn of its own, when its client may be gone.
// `is_over`: nobody waits for the result any more.
struct Exchange : Connecting {
    std::string authority;  // for messages
    Request request;
    std::string head;                       // request line and headers
    std::string compressed;                 // the body, when it is sent as gzip
    std::unique_ptr<Gzip> compressor = {};  // until then
    bool is_written = false;                // the request, whole
    bool got_some = false;                  // of an answer
    bool may_keep = false;                  // the connection, for the next request
    error_code read_error;                  // why there is no answer
    std::int64_t deadline_ns = 0;
    Scheduler::TimerId timer = 0;
    Client::Done done;

    std::string_view body() const {
        return request.gzip ? std::string_view(compressed) : request.body;
    }
    // Makes every operation under way fail soon.
    void abort() {
        is_over = true;
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

// Of what was thrown where nothing should be.
Failure internal_failure(const std::exception_ptr& thrown) {
    std::string why;
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        why = exception.what();
    } catch (...) {
        why = "something that is no exception";
    }
    return {FailureKind::internal, fmt::format("an attempt ended by an error of pitot's: {}", why)};
}

// The other side answers a request without TLS with an alert of TLS.
bool is_tls_alert(const Connection& connection) {
    constexpr std::string_view alert_record = "\x15\x03";
    const auto bytes = connection.input.data();
    return std::string_view(static_cast<const char*>(bytes.data()), bytes.size())
        .starts_with(alert_record);
}

bool is_overlong(const error_code& error) {
    return error == beast::error::header_limit || error == beast::error::buffer_overflow;
}

Failure read_failure(const error_code& error, const Exchange& exchange) {
    const std::string& authority = exchange.authority;
    if (is_tls_alert(*exchange.connection)) {
        return {FailureKind::tls, fmt::format("{} speaks TLS: use https:// in the url", authority)};
    }
    if (is_overlong(error)) {
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
                        exchange.got_some ? "in the middle of its answer" : "without an answer")};
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
        parser->get().result(0U);
        parser->header_limit(response_header_bytes_max);
        parser->body_limit(boost::none);
        if (exchange.request.method == Method::head) parser->skip(true);
        const auto [error, count] =
            co_await beast::async_read_header(stream, connection.input, *parser, as_value);
        exchange.got_some = exchange.got_some || parser->got_some();
        if (error) {
            exchange.read_error = error;
            // The first line is read before the others.
            status = parser->get().result_int();
            if (is_overlong(error) && status >= 200) {
                result = Response{.status = status, .is_complete = false};
            } else {
                result = std::unexpected(read_failure(error, exchange));
            }
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
    // An answer before the whole request was sent: the rest of it must not follow. Nor must what
    // comes behind an answer be taken for the next one.
    exchange.may_keep = response.is_complete && exchange.is_written && parser->keep_alive() &&
                        connection.input.size() == 0;
    // Ends a write that is still under way.
    if (!exchange.is_written) connection.close(false);
    result = std::move(response);
}

template <class Stream>
asio::awaitable<void> converse(Stream& stream, Exchange& exchange, Connection& connection,
                               Result& result) {
    co_await (write_request(stream, exchange) &&
              read_response(stream, exchange, connection, result));
}

}  // namespace

struct Client::State {
    State(ClientSettings its_settings, const Context& its_context)
        : settings(std::move(its_settings)),
          context(its_context),
          authority(settings.url.authority()),
          host(settings.url.host, context.look_up, context.time),
          redaction(std::make_shared<const Redaction>(settings.authorization, settings.headers)) {
        if (settings.url.is_https) tls.emplace(settings.tls);
    }

    std::string make_head(const Request& request, std::size_t body_bytes) const;
    void arm(const std::shared_ptr<Exchange>& exchange, std::int64_t due_ns, Failure failure);
    std::int64_t arm_connect_timer(const std::shared_ptr<Exchange>& exchange, std::string what);
    void arm_deadline(const std::shared_ptr<Exchange>& exchange);
    void compress(const std::shared_ptr<Exchange>& exchange);
    void start(const std::shared_ptr<Exchange>& exchange);
    std::optional<Failure> refresh_tls(Exchange& exchange);
    asio::awaitable<std::optional<Failure>> open(asio::io_context& io,
                                                 std::shared_ptr<Exchange> exchange);
    asio::awaitable<void> run(asio::io_context& io, std::shared_ptr<Exchange> exchange);
    void explain(const Exchange& exchange, Result& result) const;
    void complete(const std::shared_ptr<Exchange>& exchange, Result result);
    void give_up(const std::shared_ptr<Exchange>& exchange, Failure failure);

    ClientSettings settings;
    const Context& context;
    std::string authority;
    net::HostLookUp host;
    std::shared_ptr<const Redaction> redaction;
    std::optional<TlsContext> tls;         // where the url is https
    std::optional<TlsProblem> tls_logged;  // of files that changed for the worse
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
    for (const auto& [name, value] : settings.headers) {
        head += fmt::format("{}: {}\r\n", name, value.reveal());
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
            give_up(exchange, std::move(failure));
        });
}

// When it fires.
std::int64_t Client::State::arm_connect_timer(const std::shared_ptr<Exchange>& exchange,
                                              std::string what) {
    const std::int64_t due_ns = std::min(
        context.time.steady_ns() + settings.connect_timeout.count(), exchange->deadline_ns);
    arm(exchange, due_ns, {FailureKind::timeout, std::move(what)});
    return due_ns;
}

void Client::State::arm_deadline(const std::shared_ptr<Exchange>& exchange) {
    arm(exchange, exchange->deadline_ns,
        {FailureKind::timeout, fmt::format("{} did not answer in time", authority)});
}

// A step in each turn of the io thread. Once the exchange is over, the body and the client may
// be gone.
void Client::State::compress(const std::shared_ptr<Exchange>& exchange) {
    if (exchange->compressor->step()) {
        context.time.post([this, exchange] {
            if (!exchange->is_over) compress(exchange);
        });
        return;
    }
    std::optional<std::string> compressed = exchange->compressor->take();
    exchange->compressor.reset();
    exchange->request.gzip = compressed.has_value();
    if (compressed) exchange->compressed = std::move(*compressed);
    start(exchange);
}

void Client::State::start(const std::shared_ptr<Exchange>& exchange) {
    exchange->head = make_head(exchange->request, exchange->body().size());
    asio::co_spawn(context.io, run(context.io, exchange),
                   [this, exchange](const std::exception_ptr& thrown) {
                       if (!thrown || exchange->is_over) return;
                       give_up(exchange, internal_failure(thrown));
                   });
}

// What the files say now. A connection of what they said before is given up.
std::optional<Failure> Client::State::refresh_tls(Exchange& exchange) {
    const auto refreshed = tls->refresh();
    if (!refreshed && !tls->is_ready()) {
        return Failure{FailureKind::tls,
                       fmt::format("{}: {}", refreshed.error().option, refreshed.error().what)};
    }
    if (!refreshed && tls_logged != refreshed.error()) {
        tls_logged = refreshed.error();
        context.log.warn("TLS with {}: {} {}; going on with what was read before", authority,
                         tls_logged->option, tls_logged->what);
    }
    if (refreshed) tls_logged.reset();
    if (exchange.connection && exchange.connection->generation != tls->generation()) {
        retire(std::move(exchange.connection));
    }
    return std::nullopt;
}

// A new connection, up to the point where a request can be sent. May outlive the client, as
// run() may.
asio::awaitable<std::optional<Failure>> Client::State::open(asio::io_context& io,
                                                            std::shared_ptr<Exchange> exchange) {
    arm_connect_timer(exchange,
                      fmt::format("cannot look up the address of {} in time", settings.url.host));
    net::Addresses found = co_await look_up(io, host);
    if (exchange->is_over) co_return std::nullopt;
    if (!found) {
        co_return Failure{FailureKind::resolve, fmt::format("cannot look up the address of {}: {}",
                                                            settings.url.host, found.error())};
    }
    const std::int64_t due_ns =
        arm_connect_timer(exchange, fmt::format("cannot connect to {} in time", authority));
    Route route{.authority = authority,
                .port = settings.url.port,
                .addresses = *std::move(found),
                .deadline_ns = due_ns};
    std::optional<Failure> failure =
        co_await connect(io, context.time, *exchange, std::move(route), response_header_bytes_max);
    if (exchange->is_over || failure || !tls) co_return failure;
    arm_connect_timer(exchange,
                      fmt::format("{} did not answer the TLS handshake in time", authority));
    co_return co_await shake_hands(*exchange->connection, settings.url, *tls, *exchange);
}

// May outlive the client; touches it only while the exchange is not over.
asio::awaitable<void> Client::State::run(asio::io_context& io, std::shared_ptr<Exchange> exchange) {
    co_await asio::post(io, asio::use_awaitable);
    Result result = std::unexpected(Failure{});
    while (!exchange->is_over) {
        std::optional<Failure> failure;
        if (tls) failure = refresh_tls(*exchange);
        if (exchange->connection && !exchange->connection->is_quiet()) {
            retire(std::move(exchange->connection));
        }
        const bool is_reused = exchange->connection != nullptr;
        if (!is_reused && !failure) failure = co_await open(io, exchange);
        if (exchange->is_over) co_return;
        if (failure) {
            result = std::unexpected(std::move(*failure));
            break;
        }
        arm_deadline(exchange);
        exchange->is_written = false;
        exchange->got_some = false;
        Connection& connection = *exchange->connection;
        if (connection.tls) {
            co_await converse(*connection.tls, *exchange, connection, result);
        } else {
            co_await converse(connection.socket, *exchange, connection, result);
        }
        if (exchange->is_over) co_return;
        if (!result && tls) explain(*exchange, result);
        // The other side may close a connection it has kept long enough at any moment.
        const bool went_stale = is_reused && !exchange->got_some && !result &&
                                result.error().kind == FailureKind::closed;
        if (!went_stale || !exchange->request.repeatable) break;
        exchange->connection.reset();
    }
    if (!exchange->is_over) complete(exchange, std::move(result));
}

// A server of TLS 1.3 refuses our certificate where its answer should begin.
void Client::State::explain(const Exchange& exchange, Result& result) const {
    const Connection& connection = *exchange.connection;
    if (auto failure = tls_failure_of(exchange.read_error, settings.url, connection, *tls, false)) {
        result = std::unexpected(std::move(*failure));
    } else if (connection.report.wanted_certificate && !exchange.got_some) {
        result.error().what +=
            "; it asked for a client certificate, and none is set (tls_certificate_file)";
    }
}

void Client::State::complete(const std::shared_ptr<Exchange>& exchange, Result result) {
    exchange->is_over = true;
    if (exchange->timer != 0) context.time.cancel(exchange->timer);
    exchange->timer = 0;
    if (result && exchange->may_keep) {
        kept = std::move(exchange->connection);
    } else if (result && exchange->is_written) {
        retire(std::move(exchange->connection));
    }
    const Done done = std::move(exchange->done);
    if (result) result->redaction = redaction;
    current.reset();
    // The client may be gone once `done` was called.
    spdlog::logger& log = context.log;
    try {
        done(std::move(result));
    } catch (...) {
        Failure failure = internal_failure(std::current_exception());
        log.error("{}: {}", exchange->authority, failure.what);
        try {
            done(std::unexpected(std::move(failure)));
        } catch (...) {
            log.error("{}: {}", exchange->authority,
                      internal_failure(std::current_exception()).what);
        }
    }
}

void Client::State::give_up(const std::shared_ptr<Exchange>& exchange, Failure failure) {
    exchange->abort();
    host.cancel();
    complete(exchange, std::unexpected(std::move(failure)));
}

Client::Client(ClientSettings settings, const Context& context)
    : state_(std::make_unique<State>(std::move(settings), context)) {}

Client::~Client() {
    retire(std::move(state_->kept));
    if (!state_->current) return;
    if (state_->current->timer != 0) state_->context.time.cancel(state_->current->timer);
    state_->current->abort();
}

void Client::send(Request request, std::int64_t deadline_steady_ns, Done done) {
    assert(!state_->current);
    auto exchange = std::make_shared<Exchange>();
    exchange->authority = state_->authority;
    exchange->request = std::move(request);
    exchange->connection = std::move(state_->kept);
    exchange->deadline_ns = deadline_steady_ns;
    exchange->done = std::move(done);
    state_->current = exchange;
    state_->arm_deadline(exchange);
    if (exchange->request.gzip) {
        exchange->compressor = std::make_unique<Gzip>(exchange->request.body);
        state_->compress(exchange);
    } else {
        state_->start(exchange);
    }
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

Secret token_authorization(std::string_view scheme, const Secret& token) {
    return Secret(fmt::format("{} {}", scheme, token.reveal()));
}

}  // namespace pitot::sinks::http
