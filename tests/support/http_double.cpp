#include "tests/support/http_double.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

namespace pitot::tests {

struct HttpDouble::Connection {
    int socket = -1;
    int stop = -1;
    std::size_t number = 0;
    std::string input = {};  // received and not used yet
    std::size_t read = 0;    // of the present request, in all

    // More bytes into `input`; false when the client is gone, or the test is over.
    bool receive() {
        std::array<pollfd, 2> ready{pollfd{socket, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
        if (::poll(ready.data(), ready.size(), -1) < 0 || ready[1].revents != 0) return false;
        std::array<char, 65536> bytes{};
        const ssize_t count = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (count <= 0) return false;
        input.append(bytes.data(), static_cast<std::size_t>(count));
        read += static_cast<std::size_t>(count);
        return true;
    }
    // Waits without reading until the client hangs up or the test is over.
    void wait_for_hang_up() const {
        std::array<pollfd, 2> ready{pollfd{socket, POLLRDHUP, 0}, pollfd{stop, POLLIN, 0}};
        ::poll(ready.data(), ready.size(), -1);
    }
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void reset() const {
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
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

}  // namespace

std::string reply(unsigned status, std::string_view body, const std::vector<std::string>& headers) {
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Said\r\n";
    for (const std::string& header : headers) out += header + "\r\n";
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    out += body;
    return out;
}

HttpDouble::HttpDouble() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
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
        Connection connection{.socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC),
                              .stop = stop_};
        if (connection.socket < 0) continue;
        {
            const std::lock_guard lock(mutex_);
            connection.number = ++connections_;
        }
        serve_connection(connection);
        ::close(connection.socket);
    }
}

void HttpDouble::serve_connection(Connection& connection) {
    while (serve_request(connection)) {
    }
}

// False when the connection is over.
bool HttpDouble::serve_request(Connection& connection) {
    connection.read = connection.input.size();
    std::size_t end = std::string::npos;
    std::optional<Step> step;
    while ((end = connection.input.find("\r\n\r\n")) == std::string::npos) {
        if (!connection.receive()) return false;
        if (!step) step = take_step();
        if (connection.read >= step->cut_request_at) {
            if (step->reset) connection.reset();
            return false;
        }
    }
    if (!step) step = take_step();
    Received request;
    request.connection = connection.number;
    const std::string wrong = parse_head(connection.input.substr(0, end + 4), request);
    if (!wrong.empty()) complain(wrong);
    ++begun_;
    if (step->deaf) {
        connection.wait_for_hang_up();
        return false;
    }
    const std::size_t whole = end + 4 + body_length(request);
    while (!step->early && connection.input.size() < whole) {
        if (connection.read >= step->cut_request_at || !connection.receive()) {
            if (step->reset) connection.reset();
            return false;
        }
    }
    if (connection.read >= step->cut_request_at) return false;
    request.body = connection.input.substr(end + 4, whole - end - 4);
    connection.input.erase(0, whole);
    const std::string answer = reply_to(*step, request);
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
    }
    if (step->silent) {
        connection.wait_for_hang_up();
        return false;
    }
    connection.send(std::string_view(answer).substr(0, step->cut_reply_at));
    if (step->reset) {
        connection.reset();
    } else if (step->early) {
        ::shutdown(connection.socket, SHUT_WR);
        connection.wait_for_hang_up();
    }
    return !step->reset && !step->early && !step->close && step->cut_reply_at == never;
}

HttpDouble::Step HttpDouble::take_step() {
    const std::lock_guard lock(mutex_);
    if (script_.empty()) return otherwise_;
    Step step = std::move(script_.front());
    script_.pop_front();
    return step;
}

// Also where it is not sent: the server has done what it was asked for.
std::string HttpDouble::reply_to(const Step& step, const Received& request) {
    if (!step.reply.empty()) return step.reply;
    Answer answer;
    {
        const std::lock_guard lock(mutex_);
        answer = answer_;
    }
    return answer ? answer(request) : reply(200);
}

void HttpDouble::complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    complaints_ += what + "\n";
}

}  // namespace pitot::tests
