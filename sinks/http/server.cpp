// Boost.Beast reads the requests; everything that is written is written here.
#include "sinks/http/server.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cassert>
#include <exception>
#include <iterator>
#include <list>
#include <span>
#include <thread>

#include "sinks/http/date.h"
#include "sinks/http/gzip_stream.h"
#include "sinks/http/negotiation.h"

namespace pitot::sinks::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// Errors come back as values.
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

using Parser = beast::request_parser<beast::buffer_body>;
using Header = beast::request_header<>;

// Connections that wait in the kernel to be accepted.
constexpr int backlog = 128;
// Of compressed bytes, for one chunk.
constexpr std::size_t chunk_bytes = 64 * std::size_t{1024};
// Pieces handed to one system call; the kernel takes 1024, Asio 64.
constexpr std::size_t pieces_per_write = 64;
// Read and thrown away after an answer that ends a connection: what the client is still
// sending would make the kernel take the answer back.
constexpr std::size_t farewell_bytes_max = 64 * std::size_t{1024};
constexpr auto farewell_time = std::chrono::seconds(2);
// zlib counts in 32 bits.
constexpr std::size_t gzip_piece_max = std::size_t{1} << 30U;

constexpr std::string_view too_many =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 21\r\nRetry-After: 1\r\nConnection: close\r\n\r\ntoo many connections\n";

std::string_view phrase(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 413:
            return "Content Too Large";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "";  // legal, and nobody reads it
    }
}

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// In time that does not depend on where they differ, nor on what `secret` is.
bool equal_in_constant_time(std::string_view given, std::string_view secret) {
    unsigned difference = given.size() == secret.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char other = secret.empty() ? '\0' : secret[i % secret.size()];
        difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^
                                            static_cast<unsigned char>(other));
    }
    return difference == 0;
}

// All headers of a name as one, as RFC 9110 section 5.3 has it.
std::string joined(const Header& header, beast::field name) {
    std::string all;
    const auto [first, last] = header.equal_range(name);
    for (auto field = first; field != last; ++field) {
        if (!all.empty()) all += ',';
        all += view_of(field->value());
    }
    return all;
}

// Path and query, of "/path?query" or "http://host/path?query" (RFC 9112 section 3.2.2).
std::pair<std::string_view, std::string_view> cut_target(std::string_view target) {
    constexpr std::string_view scheme = "http://";
    if (target.starts_with(scheme)) {
        target.remove_prefix(scheme.size());
        const std::size_t slash = target.find('/');
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return {target, {}};
    return {target.substr(0, mark), target.substr(mark + 1)};
}

// A Host that no name server decides about: an address or "localhost", with or without a port.
bool is_local_name(std::string_view host) {
    if (host.starts_with('[')) return true;
    host = host.substr(0, host.find(':'));
    error_code error;
    static_cast<void>(asio::ip::make_address_v4(host, error));
    return !error || boost::beast::iequals({host.data(), host.size()}, "localhost");
}

// The answer to what cannot be read; 0: none, there is nobody to answer.
unsigned status_of(const error_code& error) {
    if (error == beast::error::header_limit || error == beast::error::buffer_overflow) return 431;
    if (error == beast::error::body_limit) return 413;
    if (error == beast::error::bad_version) return 505;
    if (error == beast::error::end_of_stream || error == beast::error::partial_message) return 0;
    const auto& of_http = beast::make_error_code(beast::error::bad_version).category();
    return error.category() == of_http ? 400 : 0;
}

std::size_t size_of(const Pieces& pieces) {
    std::size_t size = 0;
    for (const std::string_view piece : pieces) size += piece.size();
    return size;
}

// How an answer is sent.
struct Framing {
    bool is_head = false;  // the headers only
    bool is_old = false;   // HTTP/1.0: no chunks
    bool gzip = false;
    bool keep_alive = false;
};

}  // namespace

struct Server::State {
    // In the frame of its session, and in `open` for as long as that runs.
    struct Connection {
        Connection(State& its_state, tcp::socket its_socket)
            : state(its_state),
              socket(std::move(its_socket)),
              place(state.open.insert(state.open.end(), this)) {
            state.open_count = state.open.size();
        }
        ~Connection() {
            state.open.erase(place);
            state.open_count = state.open.size();
        }
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;

        // What is under way, and all that follows, must end within this time.
        void allow(std::chrono::nanoseconds time) {
            const auto tick = state.settings.limits.tick;
            ticks_left =
                std::max<std::int64_t>(1, (time + tick - std::chrono::nanoseconds(1)) / tick);
            ++ticks_left;  // the tick that is running is not a whole one
        }
        // Every operation under way fails soon.
        void close() {
            error_code ignored;
            static_cast<void>(socket.close(ignored));
        }

        State& state;
        tcp::socket socket;
        boost::beast::flat_buffer input{request_header_bytes_max + request_body_bytes_max};
        std::int64_t ticks_left = 0;
        std::list<Connection*>::iterator place;
    };

    State(ServerSettings its_settings, std::vector<Route> its_routes)
        : settings(std::move(its_settings)), routes(std::move(its_routes)) {}

    std::optional<std::string> listen();
    void close_all();
    asio::awaitable<void> accept();
    void refuse(tcp::socket& socket) const;
    asio::awaitable<void> keep_time();
    asio::awaitable<void> session(tcp::socket socket);
    asio::awaitable<bool> exchange(Connection& connection);
    asio::awaitable<bool> skip_body(Connection& connection, Parser& parser);
    asio::awaitable<void> farewell(Connection& connection);

    ServerAnswer answer_to(const Header& header) const;
    bool is_authorized(const Header& header) const;
    std::string head_of(const ServerAnswer& answer, const Framing& framing, std::size_t size) const;
    asio::awaitable<bool> send(Connection& connection, const ServerAnswer& answer, Framing framing);
    asio::awaitable<bool> send_plain(Connection& connection, std::string_view head,
                                     const Pieces& pieces);
    asio::awaitable<bool> send_compressed(Connection& connection, std::string_view head,
                                          const Pieces& pieces, GzipStream& gzip, bool is_chunked);

    const ServerSettings settings;
    const std::vector<Route> routes;
    std::string where;
    std::uint16_t bound_port = 0;

    std::atomic<std::uint64_t> accepted = 0;
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> cut_off = 0;
    std::atomic<std::size_t> open_count = 0;

    // Of the server's thread, once it runs.
    std::list<Connection*> open;
    bool is_timed = false;  // keep_time() runs
    bool is_stopping = false;
    asio::io_context io{1};
    tcp::acceptor acceptor{io};
    asio::steady_timer timer{io};
    asio::steady_timer pause{io};  // of the acceptor
    std::thread thread;
};

std::optional<std::string> Server::State::listen() {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(settings.address.host, error);
    const auto failed = [&](const error_code& why) {
        error_code ignored;
        static_cast<void>(acceptor.close(ignored));
        return fmt::format("cannot listen on {}: {}", settings.address.text(), why.message());
    };
    if (error) return failed(error);
    const tcp::endpoint endpoint(address, settings.address.port);
    if (acceptor.open(endpoint.protocol(), error)) return failed(error);
    // A restart must not wait for connections of the process before.
    if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return failed(error);
    if (address.is_v6() && address.is_unspecified()) {
        error_code ignored;
        static_cast<void>(acceptor.set_option(asio::ip::v6_only(false), ignored));
    }
    if (acceptor.bind(endpoint, error)) return failed(error);
    if (acceptor.listen(backlog, error)) return failed(error);
    bound_port = acceptor.local_endpoint(error).port();
    if (error) return failed(error);
    where = ListenAddress{.host = settings.address.host, .port = bound_port}.text();
    return {};
}

void Server::State::close_all() {
    is_stopping = true;
    error_code ignored;
    static_cast<void>(acceptor.close(ignored));
    timer.cancel();
    pause.cancel();
    for (Connection* const connection : open) connection->close();
}

asio::awaitable<void> Server::State::accept() {
    while (!is_stopping) {
        auto [error, socket] = co_await acceptor.async_accept(as_value);
        if (is_stopping) co_return;
        if (error) {
            // Out of descriptors, or the client is gone already: the first needs time.
            pause.expires_after(settings.limits.tick);
            co_await pause.async_wait(as_value);
            continue;
        }
        ++accepted;
        if (open.size() >= settings.limits.connections) {
            ++refused;
            refuse(socket);
            continue;
        }
        if (!is_timed) {
            is_timed = true;
            asio::co_spawn(io, keep_time(), [](const std::exception_ptr&) {});
        }
        // Out of memory in a session ends that session.
        asio::co_spawn(io, session(std::move(socket)), [](const std::exception_ptr&) {});
    }
}

// Says why and hangs up, without waiting: what does not fit the socket's buffer is lost.
void Server::State::refuse(tcp::socket& socket) const {
    error_code ignored;
    static_cast<void>(socket.non_blocking(true, ignored));
    std::array<char, 4096> request{};
    // What was sent and is not read would make the kernel take the answer back.
    static_cast<void>(socket.read_some(asio::buffer(request), ignored));
    static_cast<void>(socket.write_some(asio::buffer(too_many), ignored));
    static_cast<void>(socket.shutdown(tcp::socket::shutdown_send, ignored));
}

// One timer for all connections, which runs while there are any.
asio::awaitable<void> Server::State::keep_time() {
    do {
        timer.expires_after(settings.limits.tick);
        co_await timer.async_wait(as_value);
        if (is_stopping) break;
        for (Connection* const connection : open) {
            if (--connection->ticks_left != 0) continue;
            ++cut_off;
            connection->close();
        }
    } while (!open.empty());
    is_timed = false;
}

asio::awaitable<void> Server::State::session(tcp::socket socket) {
    if (is_stopping) co_return;
    Connection connection(*this, std::move(socket));
    error_code ignored;
    static_cast<void>(connection.socket.set_option(tcp::no_delay(true), ignored));
    connection.allow(settings.limits.header);
    while (co_await exchange(connection)) {
        connection.allow(settings.limits.idle);
        if (connection.input.size() > 0) continue;  // pipelined
        const auto [error] =
            co_await connection.socket.async_wait(tcp::socket::wait_read, as_value);
        if (error || is_stopping) co_return;
        connection.allow(settings.limits.header);
    }
}

// One request and its answer. False: the connection has ended.
asio::awaitable<bool> Server::State::exchange(Connection& connection) {
    Parser parser;
    parser.header_limit(request_header_bytes_max);
    parser.body_limit(request_body_bytes_max);
    const auto [error, count] =
        co_await beast::async_read_header(connection.socket, connection.input, parser, as_value);
    if (is_stopping) co_return false;
    if (error) {
        const unsigned status = status_of(error);
        if (status == 0) co_return false;
        connection.allow(settings.limits.answer);
        const ServerAnswer answer = text_answer(status, fmt::format("{}\n", phrase(status)));
        if (co_await send(connection, answer, {})) co_await farewell(connection);
        co_return false;
    }
    const Header& header = parser.get().base();
    Framing framing;
    framing.is_head = header.method() == beast::verb::head;
    framing.is_old = header.version() < 11;
    framing.keep_alive = parser.keep_alive();
    const ServerAnswer answer = answer_to(header);
    framing.gzip = prefers_gzip(joined(header, beast::field::accept_encoding));
    // Who asks whether to go on sending is answered instead.
    const bool may_send = header[beast::field::expect].empty() && answer.status != 400;
    const bool is_read = may_send && co_await skip_body(connection, parser);
    framing.keep_alive = framing.keep_alive && is_read;
    connection.allow(settings.limits.answer);
    if (!co_await send(connection, answer, framing)) co_return false;
    if (framing.keep_alive) co_return true;
    co_await farewell(connection);
    co_return false;
}

// False when there is more of it than we read.
asio::awaitable<bool> Server::State::skip_body(Connection& connection, Parser& parser) {
    std::array<char, 1024> piece{};
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        const auto [error, count] =
            co_await beast::async_read(connection.socket, connection.input, parser, as_value);
        if (error && error != beast::error::need_buffer) co_return false;
    }
    co_return true;
}

// Lets the client read the answer before it sees the end.
asio::awaitable<void> Server::State::farewell(Connection& connection) {
    connection.allow(farewell_time);
    error_code ignored;
    static_cast<void>(connection.socket.shutdown(tcp::socket::shutdown_send, ignored));
    std::array<char, 4096> rest{};
    for (std::size_t read = 0; read < farewell_bytes_max;) {
        const auto [error, count] =
            co_await connection.socket.async_read_some(asio::buffer(rest), as_value);
        if (error) co_return;
        read += count;
    }
}

bool Server::State::is_authorized(const Header& header) const {
    if (settings.bearer_token.empty()) return true;
    constexpr std::string_view scheme = "bearer ";
    std::string_view given = view_of(header[beast::field::authorization]);
    const bool is_bearer =
        given.size() > scheme.size() &&
        boost::beast::iequals({given.data(), scheme.size()}, {scheme.data(), scheme.size()});
    given.remove_prefix(is_bearer ? scheme.size() : given.size());
    return equal_in_constant_time(given, settings.bearer_token.reveal());
}

ServerAnswer Server::State::answer_to(const Header& header) const {
    const auto [first, last] = header.equal_range(beast::field::host);
    const bool has_one_host = first != last && std::next(first) == last;
    // RFC 9112 section 3.2
    if (header.version() >= 11 && !has_one_host) return text_answer(400, "must have one Host\n");
    if (settings.local_names_only && first != last && !is_local_name(view_of(first->value()))) {
        return text_answer(403, "must be asked by an address or as localhost\n");
    }
    const auto [path, query] = cut_target(view_of(header.target()));
    const auto route = std::ranges::find(routes, path, &Route::path);
    const bool is_public = route != routes.end() && route->is_public;
    if (!is_public && !is_authorized(header)) {
        ServerAnswer answer = text_answer(401, "must have the token: Authorization: Bearer …\n");
        answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"pitot\"");
        return answer;
    }
    if (route == routes.end()) {
        std::string text = "no such page; there are:\n";
        for (const Route& other : routes) text += other.path + "\n";
        return text_answer(404, std::move(text));
    }
    if (header.method() != beast::verb::get && header.method() != beast::verb::head) {
        ServerAnswer answer = text_answer(405, "must be GET or HEAD\n");
        answer.headers.emplace_back("Allow", "GET, HEAD");
        return answer;
    }
    const std::string accept = joined(header, beast::field::accept);
    return route->answer({.path = path, .query = query, .accept = accept});
}

std::string Server::State::head_of(const ServerAnswer& answer, const Framing& framing,
                                   std::size_t size) const {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", answer.status, phrase(answer.status),
                    http_date(settings.wall_ns() / 1'000'000'000));
    const auto add = [&head](std::string_view name, std::string_view value) {
        // A route writes constants. Were it ever to pass something on, it ends at its line.
        value = value.substr(0, value.find_first_of(std::string_view("\r\n\0", 3)));
        fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
    };
    add("Content-Type", answer.content_type);
    for (const auto& [name, value] : answer.headers) add(name, value);
    // Of what may come compressed.
    const bool varies_by_coding = size >= gzip_bytes_min;
    if (answer.varies_by_accept && varies_by_coding) {
        add("Vary", "Accept, Accept-Encoding");
    } else if (answer.varies_by_accept || varies_by_coding) {
        add("Vary", varies_by_coding ? "Accept-Encoding" : "Accept");
    }
    if (framing.gzip) add("Content-Encoding", "gzip");
    if (!framing.gzip) add("Content-Length", std::to_string(size));
    if (framing.gzip && !framing.is_old) add("Transfer-Encoding", "chunked");
    add("Connection", framing.keep_alive ? "keep-alive" : "close");
    head += "\r\n";
    return head;
}

// `framing.keep_alive` is what the connection is good for afterwards. False: it has ended.
asio::awaitable<bool> Server::State::send(Connection& connection, const ServerAnswer& answer,
                                          Framing framing) {
    static const Pieces nothing;
    ++requests;
    const Pieces& pieces = answer.body ? *answer.body : nothing;
    const std::size_t size = size_of(pieces);
    std::optional<GzipStream> gzip;
    if (framing.gzip && size >= gzip_bytes_min) gzip.emplace();
    framing.gzip = gzip && gzip->is_open();
    // Without a length and without chunks, the end of the connection is the end of the body.
    const bool ends_by_closing = framing.gzip && framing.is_old;
    if (ends_by_closing) framing.keep_alive = false;
    const std::string head = head_of(answer, framing, size);
    bool is_sent = false;
    if (framing.is_head) {
        is_sent = co_await send_plain(connection, head, nothing);
    } else if (framing.gzip) {
        is_sent = co_await send_compressed(connection, head, pieces, *gzip, !framing.is_old);
    } else {
        is_sent = co_await send_plain(connection, head, pieces);
    }
    if (is_sent && ends_by_closing) {
        co_await farewell(connection);
        is_sent = false;
    }
    co_return is_sent;
}

asio::awaitable<bool> Server::State::send_plain(Connection& connection, std::string_view head,
                                                const Pieces& pieces) {
    std::vector<asio::const_buffer> buffers{asio::buffer(head)};
    for (std::size_t next = 0; next < pieces.size() || !buffers.empty();) {
        while (next < pieces.size() && buffers.size() < pieces_per_write) {
            buffers.push_back(asio::buffer(pieces[next++]));
        }
        const auto [error, count] =
            co_await asio::async_write(connection.socket, buffers, as_value);
        if (error) co_return false;
        buffers.clear();
    }
    co_return true;
}

asio::awaitable<bool> Server::State::send_compressed(Connection& connection, std::string_view head,
                                                     const Pieces& pieces, GzipStream& gzip,
                                                     bool is_chunked) {
    constexpr std::string_view line_end = "\r\n";
    std::vector<char> room(chunk_bytes);
    std::size_t filled = 0;
    // Writes what is in the room, as one chunk; `last` what ends the body.
    const auto flush = [&](std::string_view last) -> asio::awaitable<bool> {
        const std::string length = is_chunked && filled > 0 ? fmt::format("{:x}\r\n", filled) : "";
        const std::array<asio::const_buffer, 5> buffers{
            asio::buffer(std::exchange(head, {})), asio::buffer(length),
            asio::buffer(room.data(), filled),
            asio::buffer(length.empty() ? std::string_view() : line_end), asio::buffer(last)};
        filled = 0;
        const auto [error, count] =
            co_await asio::async_write(connection.socket, buffers, as_value);
        co_return !error;
    };
    for (std::size_t at = 0; at < pieces.size(); ++at) {
        std::string_view rest = pieces[at];
        do {
            const std::string_view part = rest.substr(0, gzip_piece_max);
            rest.remove_prefix(part.size());
            gzip.feed(part, rest.empty() && at + 1 == pieces.size());
            for (;;) {
                filled += gzip.fill(std::span(room).subspan(filled));
                if (filled < room.size()) break;
                if (!co_await flush("")) co_return false;
            }
        } while (!rest.empty());
    }
    co_return co_await flush(is_chunked ? "0\r\n\r\n" : "");
}

Server::Server(ServerSettings settings, std::vector<Route> routes)
    : state_(std::make_unique<State>(std::move(settings), std::move(routes))) {}

Server::~Server() {
    stop();
}

std::optional<std::string> Server::start() {
    assert(!state_->thread.joinable());
    if (std::optional<std::string> error = state_->listen()) return error;
    asio::co_spawn(state_->io, state_->accept(), [](const std::exception_ptr&) {});
    state_->thread = std::thread([this] { state_->io.run(); });
    static_cast<void>(pthread_setname_np(state_->thread.native_handle(), "pitot-http"));
    return {};
}

void Server::stop() {
    if (!state_->thread.joinable()) return;
    // Nothing is left to do then, and run() returns.
    asio::post(state_->io, [this] { state_->close_all(); });
    state_->thread.join();
}

const std::string& Server::address() const {
    return state_->where;
}

std::uint16_t Server::port() const {
    return state_->bound_port;
}

ServerCounters Server::counters() const {
    return {.connections = state_->accepted,
            .refused = state_->refused,
            .requests = state_->requests,
            .cut_off = state_->cut_off,
            .open = state_->open_count};
}

}  // namespace pitot::sinks::http
