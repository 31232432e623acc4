// One HTTP request to a real server on loopback, blocking: how a test looks at a server
// without using the client it tests, and how it plays another user of that server.
//
//     const std::string page = http_send(port, "GET", "/metrics").body;
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pitot::tests {

struct HttpAnswer {
    int status = 0;  // 0: no answer
    std::string body;
};

// Of all bytes that came.
inline HttpAnswer parse_answer(const std::string& text) {
    HttpAnswer answer;
    const std::size_t header = text.find("\r\n\r\n");
    if (header == std::string::npos || text.size() < 12) return answer;
    answer.status = std::stoi(text.substr(9, 3));
    answer.body = text.substr(header + 4);
    return answer;
}

// HTTP/1.0, so that the end of the connection is the end of the body.
inline HttpAnswer http_send(std::uint16_t port, std::string_view method, std::string_view target,
                            std::string_view body = "") {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string text;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        std::string request =
            std::string(method) + " " + std::string(target) +
            " HTTP/1.0\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + std::string(body);
        std::string_view rest = request;
        while (!rest.empty()) {
            const ssize_t count = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (count <= 0) break;
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
        std::array<char, 65536> bytes{};
        for (ssize_t count = 0; (count = ::recv(socket, bytes.data(), bytes.size(), 0)) > 0;) {
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }
    ::close(socket);
    return parse_answer(text);
}

}  // namespace pitot::tests
