#include "agent/cli/http_get.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "agent/net/error_text.h"
#include "agent/net/file_descriptor.h"
#include "agent/version.h"

namespace pitot::agent {
namespace {

using Failure = std::unexpected<std::string>;
using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// One connection that must be done by a moment.
class Exchange {
public:
    Exchange(const Clock& clock, std::int64_t deadline_steady_ns)
        : clock_(clock), deadline_steady_ns_(deadline_steady_ns) {}

    // The error, if there is one.
    std::optional<std::string> connect(const addrinfo& address) {
        socket_ = FileDescriptor(
            ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (socket_.get() < 0) return error_text(errno);
        if (::connect(socket_.get(), address.ai_addr, address.ai_addrlen) == 0) return {};
        if (errno != EINPROGRESS) return error_text(errno);
        if (!wait(POLLOUT)) return too_slow();
        int error = 0;
        socklen_t bytes = sizeof error;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &bytes);
        if (error != 0) return error_text(error);
        return {};
    }

    std::optional<std::string> send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count >= 0) {
                text.remove_prefix(static_cast<std::size_t>(count));
            } else if (errno == EAGAIN) {
                if (!wait(POLLOUT)) return too_slow();
            } else if (errno != EINTR) {
                return error_text(errno);
            }
        }
        return {};
    }

    // Everything up to the end.
    std::expected<std::string, std::string> receive() {
        std::string all;
        std::array<char, 16'384> piece{};
        for (;;) {
            const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
            if (count == 0) return all;
            if (count > 0) {
                all.append(piece.data(), static_cast<std::size_t>(count));
                if (all.size() > http_get_bytes_max) return Failure("its answer does not end");
            } else if (errno == EAGAIN) {
                if (!wait(POLLIN)) return Failure(too_slow());
            } else if (errno != EINTR) {
                return Failure(error_text(errno));
            }
        }
    }

private:
    static std::string too_slow() {
        return fmt::format("no answer within {} s",
                           std::chrono::duration<double>(http_get_time_max).count());
    }
    bool wait(short events) const {
        pollfd waited{.fd = socket_.get(), .events = events, .revents = 0};
        for (;;) {
            const std::int64_t left_ns = deadline_steady_ns_ - clock_.steady_ns();
            if (left_ns <= 0) return false;
            const int ready = ::poll(&waited, 1, static_cast<int>(left_ns / 1'000'000 + 1));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

    const Clock& clock_;
    const std::int64_t deadline_steady_ns_;
    FileDescriptor socket_;
};

std::expected<Addresses, std::string> look_up(const sinks::http::Url& url) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error =
        ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
    if (error != 0) return Failure(::gai_strerror(error));
    return Addresses(found, &::freeaddrinfo);
}

// "HTTP/1.1 200 OK", headers, an empty line, the body.
std::expected<HttpReply, std::string> parse_reply(const std::string& text) {
    const Failure no_http("what answers there does not speak HTTP");
    constexpr std::string_view version = "HTTP/1.";
    constexpr std::size_t status_at = 9;
    const std::size_t end = text.find("\r\n\r\n");
    if (!text.starts_with(version) || end == std::string::npos || end < status_at + 3) {
        return no_http;
    }
    HttpReply reply{.status = 0, .body = text.substr(end + 4)};
    const char* const digits = text.data() + status_at;
    const auto [stop, error] = std::from_chars(digits, digits + 3, reply.status);
    if (error != std::errc() || stop != digits + 3) return no_http;
    return reply;
}

}  // namespace

std::expected<HttpReply, std::string> http_get(const sinks::http::Url& url, std::string_view path,
                                               const sinks::Secret& token, const Clock& clock) {
    const auto addresses = look_up(url);
    if (!addresses) return Failure(addresses.error());
    std::string request = fmt::format("GET {}{} HTTP/1.0\r\nHost: {}\r\nUser-Agent: pitot/{}\r\n",
                                      url.path, path, url.authority(), version());
    if (!token.empty()) request += fmt::format("Authorization: Bearer {}\r\n", token.reveal());
    request += "\r\n";

    Exchange exchange(clock, clock.steady_ns() + http_get_time_max.count());
    std::optional<std::string> failure = "it has no address";
    // "localhost" is two of them, and the agent may be at either.
    for (const addrinfo* at = addresses->get(); at != nullptr && failure; at = at->ai_next) {
        failure = exchange.connect(*at);
    }
    if (!failure) failure = exchange.send(request);
    if (failure) return Failure(*failure);
    const std::expected<std::string, std::string> answer = exchange.receive();
    return answer ? parse_reply(*answer) : Failure(answer.error());
}

}  // namespace pitot::agent
