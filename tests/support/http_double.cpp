#include "tests/support/http_double.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "tests/support/peer_socket.h"

namespace pitot::tests {

struct HttpDouble::Connection {
    PeerSocket& socket;
    std::size_t number = 0;
    std::string input = {};  // received and not used yet
    std::size_t read = 0;    // of the present request, in all

    // More bytes into `input`, at most `limit` of the request in all. False: there are none.
    bool receive(std::size_t limit, bool bytewise) {
        std::array<char, 65536> bytes{};
        const std::size_t room =
            std::min(bytewise ? std::size_t{1} : bytes.size(), limit - std::min(limit, read));
        if (room == 0) return false;
        const std::size_t count = socket.receive(std::span(bytes).first(room));
        input.append(bytes.data(), count);
        read += count;
        return count > 0;
    }
};

namespace {

std::string small(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return out;
}

// The header's lines into `out`; what is wrong with them, or "".
std::string parse_head(std::string_view head, HttpDouble::Received& out) {
    std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == last || line.substr(last) != " HTTP/1.1") {
        return "request line: " + std::string(line);
    }
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, last - first - 1);
    if (!out.target.starts_with('/') || out.target.find(' ') != std::string::npos) {
        return "target: " + out.target;
    }
    while (true) {
        head.remove_prefix(end + 2);
        end = head.find("\r\n");
        if (end == 0) break;
        const std::string_view field = head.substr(0, end);
        const std::size_t colon = field.find(": ");
        if (colon == std::string_view::npos || field.find('\n') != std::string_view::npos) {
            return "field: " + std::string(field);
        }
        if (!out.headers.emplace(small(field.substr(0, colon)), field.substr(colon + 2)).second) {
            return "field twice: " + std::string(field);
        }
    }
    if (!out.headers.contains("host")) return "no Host";
    if (!out.headers.contains("user-agent")) return "no User-Agent";
    const bool has_body = out.method == "PUT" || out.method == "POST";
    if (has_body != out.headers.contains("content-length")) return "Content-Length";
    return "";
}

std::size_t body_length(const HttpDouble::Received& request) {
    const auto found = request.headers.find("content-length");
    if (found == request.headers.end()) return 0;
    std::size_t length = 0;
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return length;
}

ssl_ctx_st* make_context(const TlsSide& side) {
    SSL_CTX* context = ::SSL_CTX_new(::TLS_server_method());
    bool good =
        ::SSL_CTX_use_certificate_chain_file(context, side.certificate_file.c_str()) == 1 &&
        ::SSL_CTX_use_PrivateKey_file(context, side.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
    // Old versions on purpose are old algorithms too.
    ::SSL_CTX_set_security_level(context, side.version_max == 0 ? 1 : 0);
    if (side.version_min != 0) {
        good = good && ::SSL_CTX_set_min_proto_version(context, side.version_min) == 1;
    }
    if (side.version_max != 0) {
        good = good && ::SSL_CTX_set_max_proto_version(context, side.version_max) == 1;
    }
    if (!side.client_ca_file.empty()) {
        ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        good = good && ::SSL_CTX_load_verify_file(context, side.client_ca_file.c_str()) == 1;
    }
    if (!good) throw std::runtime_error("the HTTP double cannot use its certificates");
    return context;
}

}  // namespace

std::string reply(unsigned status, std::string_view body, const std::vector<std::string>& headers) {
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Said\r\n";
    for (const std::string& header : headers) out += header + "\r\n";
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    out += body;
    return out;
}

HttpDouble::HttpDouble(const std::optional<TlsSide>& tls) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets as to files
    if (tls) tls_ = make_context(*tls);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    gate_ = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &length) != 0) {
        throw std::runtime_error("no socket on loopback for the HTTP double");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

HttpDouble::~HttpDouble() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_, &one, sizeof one));
    thread_.join();
    ::close(listener_);
    ::close(stop_);
    ::close(gate_);
    ::SSL_CTX_free(tls_);
}

void HttpDouble::next(Step step) {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::move(step));
}

void HttpDouble::otherwise(Step step) {
    const std::lock_guard lock(mutex_);
    otherwise_ = std::move(step);
}

void HttpDouble::answer_with(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
}

void HttpDouble::greet_with(std::string bytes) {
    const std::lock_guard lock(mutex_);
    greeting_ = std::move(bytes);
}

void HttpDouble::use(const TlsSide& tls) {
    const std::lock_guard lock(mutex_);
    ::SSL_CTX_free(std::exchange(tls_, make_context(tls)));
}

void HttpDouble::hold() {
    std::uint64_t count = 0;
    static_cast<void>(!::read(gate_, &count, sizeof count));
}

void HttpDouble::release() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(gate_, &one, sizeof one));
}

void HttpDouble::forget_bodies() {
    const std::lock_guard lock(mutex_);
    keeps_bodies_ = false;
}

std::vector<HttpDouble::Received> HttpDouble::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::size_t HttpDouble::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::string HttpDouble::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

void HttpDouble::serve() {
    while (true) {
        std::array<pollfd, 2> ready{pollfd{listener_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
        if (::poll(ready.data(), ready.size(), -1) < 0 || ready[1].revents != 0) return;
        const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::optional<PeerSocket> socket;
        std::string greeting;
        std::size_t number = 0;
        {
            const std::lock_guard lock(mutex_);
            number = ++connections_;
            greeting = greeting_;
            socket.emplace(accepted, stop_, tls_);
        }
        Connection connection{.socket = *socket, .number = number};
        if (!greeting.empty()) {
            ::send(accepted, greeting.data(), greeting.size(), MSG_NOSIGNAL);
        }
        if (socket->handshake()) serve_connection(connection);
    }
}

void HttpDouble::serve_connection(Connection& connection) {
    while (serve_request(connection)) {
    }
}

// Up to the end of its body; false when the connection ends before.
bool HttpDouble::receive_request(Connection& connection, const Step& step, Received& request) {
    std::size_t end = std::string::npos;
    while ((end = connection.input.find("\r\n\r\n")) == std::string::npos) {
        if (!connection.receive(step.cut_request_at, step.bytewise)) return false;
    }
    request.connection = connection.number;
    request.server_name = connection.socket.server_name();
    request.client_name = connection.socket.client_name();
    request.version = connection.socket.version();
    const std::string wrong = parse_head(connection.input.substr(0, end + 4), request);
    if (!wrong.empty()) complain(wrong);
    ++begun_;
    if (step.deaf) {
        connection.socket.wait_for_hang_up();
        return false;
    }
    const std::size_t whole = end + 4 + body_length(request);
    while (!step.early && connection.input.size() < whole) {
        if (!connection.receive(step.cut_request_at, step.bytewise)) return false;
    }
    if (connection.read >= step.cut_request_at) return false;
    request.body = connection.input.substr(end + 4, whole - end - 4);
    request.body_bytes = request.body.size();
    connection.input.erase(0, whole);
    return true;
}

// False when the connection is over.
bool HttpDouble::serve_request(Connection& connection) {
    connection.read = connection.input.size();
    if (connection.input.empty() && !connection.socket.has_input()) return false;
    const Step step = take_step();
    if (step.rude) connection.socket.be_rude();
    Received request;
    if (!receive_request(connection, step, request)) {
        if (step.reset) connection.socket.reset();
        return false;
    }
    const std::string bytes = reply_to(step, request);
    remember(std::move(request));
    if (step.silent) {
        connection.socket.wait_for_hang_up();
        return false;
    }
    return send_reply(connection, step, bytes);
}

bool HttpDouble::send_reply(Connection& connection, const Step& step, const std::string& bytes) {
    PeerSocket& socket = connection.socket;
    if (!socket.wait_for_gate(gate_)) return false;
    const std::string_view sent = std::string_view(bytes).substr(0, step.cut_reply_at);
    const std::size_t piece = step.bytewise ? 1 : sent.size();
    bool is_wanted = true;
    for (std::size_t at = 0; is_wanted && at < sent.size(); at += piece) {
        is_wanted = socket.send(sent.substr(at, piece));
    }
    ++answered_;
    if (!is_wanted) return false;
    if (step.reset) {
        socket.reset();
    } else if (step.early) {
        socket.end_sending();
        socket.wait_for_hang_up();
    }
    return !step.reset && !step.early && !step.close && step.cut_reply_at == never;
}

std::string HttpDouble::reply_to(const Step& step, const Received& request) {
    if (!step.reply.empty()) return step.reply;
    Answer answer;
    {
        const std::lock_guard lock(mutex_);
        answer = answer_;
    }
    return answer ? answer(request) : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}

void HttpDouble::remember(Received request) {
    const std::lock_guard lock(mutex_);
    if (!keeps_bodies_) request.body = std::string();
    requests_.push_back(std::move(request));
}

HttpDouble::Step HttpDouble::take_step() {
    const std::lock_guard lock(mutex_);
    if (script_.empty()) return otherwise_;
    Step step = std::move(script_.front());
    script_.pop_front();
    return step;
}

void HttpDouble::complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    complaints_ += what + "\n";
}

}  // namespace pitot::tests
