// A client that sends the bytes it is told to and reads answers strictly: to see what an HTTP
// server does with requests no honest client would send.
//
//     RawHttpClient client(port);
//     client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
//     const RawHttpClient::Answer answer = client.read_answer();
//     CHECK(answer.status == 200);
//
// Blocking, on loopback; every wait ends after `patience`, which only a failure takes. What an
// answer has against RFC 9112 is in Answer::complaint.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace pitot::tests {

class RawHttpClient {
public:
    struct Answer {
        int status = 0;                                   // 0: the connection ended first
        std::map<std::string, std::string> headers = {};  // names in small letters
        std::string body = {};  // without chunks, as compressed as it came
        std::string complaint = {};
    };

    // `receive_buffer_bytes` of the kernel, for a client that reads slowly; 0: as usual.
    explicit RawHttpClient(std::uint16_t port, int receive_buffer_bytes = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (receive_buffer_bytes > 0) {
            ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                         sizeof receive_buffer_bytes);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_open_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
            (errno == EINTR && finish_connecting());
    }
    ~RawHttpClient() { ::close(socket_); }
    RawHttpClient(const RawHttpClient&) = delete;
    RawHttpClient& operator=(const RawHttpClient&) = delete;

    bool is_open() const { return is_open_; }
    // False when the other side has hung up.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t count = again_if_interrupted(
                [&] { return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    // Nothing more is sent.
    void half_close() const { ::shutdown(socket_, SHUT_WR); }
    // Hangs up hard.
    void reset() {
        constexpr linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        ::close(socket_);
        socket_ = -1;
    }

    // The next answer; `is_head`: to a HEAD request.
    Answer read_answer(bool is_head = false) {
        Answer answer;
        std::size_t end = 0;
        while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
            if (!read_some()) return answer;
        }
        read_head(input_.substr(0, end + 2), answer);
        input_.erase(0, end + 4);
        if (!is_head) read_body(answer);
        return answer;
    }
    // Whether the other side ends the connection, with nothing more before it.
    bool is_ended() { return input_.empty() && !read_some(); }
    // All until the other side hangs up.
    std::string read_rest() {
        while (read_some()) {
        }
        return std::exchange(input_, {});
    }

private:
    // A socket with a time limit is not restarted behind a signal, and a fuzzer has a timer.
    template <class Call>
    static ssize_t again_if_interrupted(Call call) {
        for (;;) {
            const ssize_t result = call();
            if (result >= 0 || errno != EINTR) return result;
        }
    }

    // After a signal the kernel goes on connecting, and poll() tells when it has.
    bool finish_connecting() const {
        constexpr int patience_ms = 30'000;
        pollfd wanted{.fd = socket_, .events = POLLOUT, .revents = 0};
        const auto wait = [&] { return ssize_t{::poll(&wanted, 1, patience_ms)}; };
        int error = 0;
        socklen_t size = sizeof error;
        return again_if_interrupted(wait) == 1 &&
               ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }

    bool read_some() {
        std::array<char, 65536> bytes{};
        const ssize_t count =
            again_if_interrupted([&] { return ::recv(socket_, bytes.data(), bytes.size(), 0); });
        if (count <= 0) return false;
        input_.append(bytes.data(), static_cast<std::size_t>(count));
        return true;
    }

    static void read_head(std::string_view head, Answer& answer) {
        const auto line = [&head] {
            const std::size_t end = head.find("\r\n");
            const std::string_view text = head.substr(0, end);
            head.remove_prefix(end + 2);
            return text;
        };
        const std::string_view first = line();
        if (!first.starts_with("HTTP/1.1 ") || first.size() < 13) answer.complaint = "status line";
        const std::string_view code = first.substr(std::min<std::size_t>(9, first.size()), 3);
        std::from_chars(code.data(), code.data() + code.size(), answer.status);
        while (!head.empty()) {
            const std::string_view field = line();
            const std::size_t colon = field.find(": ");
            if (colon == std::string_view::npos || field.find('\n') != std::string_view::npos) {
                answer.complaint = "header: " + std::string(field);
                return;
            }
            std::string name(field.substr(0, colon));
            std::ranges::transform(name, name.begin(), [](unsigned char c) {
                return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            });
            if (!answer.headers.emplace(name, field.substr(colon + 2)).second) {
                answer.complaint = "twice: " + name;
            }
        }
    }

    void read_body(Answer& answer) {
        const bool has_length = answer.headers.contains("content-length");
        const bool is_chunked = answer.headers.contains("transfer-encoding");
        if (has_length && is_chunked) answer.complaint = "a length and chunks";
        if (is_chunked) {
            read_chunks(answer);
        } else if (has_length) {
            answer.body = take(std::stoul(answer.headers["content-length"]), answer);
        } else {
            answer.body = read_rest();
        }
    }

    void read_chunks(Answer& answer) {
        while (answer.complaint.empty()) {
            std::size_t end = 0;
            while ((end = input_.find("\r\n")) == std::string::npos) {
                if (!read_some()) {
                    answer.complaint = "ended between chunks";
                    return;
                }
            }
            const std::size_t length = std::stoul(input_.substr(0, end), nullptr, 16);
            input_.erase(0, end + 2);
            answer.body += take(length, answer);
            if (take(2, answer) != "\r\n") answer.complaint = "a chunk without its end";
            if (length == 0) return;
        }
    }

    std::string take(std::size_t bytes, Answer& answer) {
        while (input_.size() < bytes) {
            if (read_some()) continue;
            answer.complaint = "ended in the middle";
            break;
        }
        const std::string out = input_.substr(0, bytes);
        input_.erase(0, bytes);
        return out;
    }

    int socket_;
    bool is_open_ = false;
    std::string input_;
};

}  // namespace pitot::tests
