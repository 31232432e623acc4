#include "tests/support/peer_socket.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace pitot::tests {

PeerSocket::PeerSocket(int socket, int stop, ssl_ctx_st* tls) : socket_(socket), stop_(stop) {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    if (tls == nullptr) return;
    tls_ = ::SSL_new(tls);
    ::SSL_set_fd(tls_, socket_);
}

PeerSocket::~PeerSocket() {
    if (tls_ != nullptr) {
        if (is_polite_ && is_ready_) ::SSL_shutdown(tls_);
        ::SSL_free(tls_);
    }
    ::close(socket_);
}

bool PeerSocket::wait(short events) const {
    std::array<pollfd, 2> ready{pollfd{socket_, events, 0}, pollfd{stop_, POLLIN, 0}};
    return ::poll(ready.data(), ready.size(), -1) >= 0 && ready[1].revents == 0;
}

// An operation of OpenSSL, until it has moved bytes; 0 when it never will.
template <class Operation>
std::size_t PeerSocket::repeat(const Operation& operation) {
    while (true) {
        ::ERR_clear_error();
        const int count = operation();
        if (count > 0) return static_cast<std::size_t>(count);
        const int error = ::SSL_get_error(tls_, count);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            is_ready_ = false;
            return 0;
        }
        if (!wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) return 0;
    }
}

bool PeerSocket::handshake() {
    if (tls_ == nullptr) return true;
    is_ready_ = repeat([this] { return ::SSL_accept(tls_); }) > 0;
    return is_ready_;
}

bool PeerSocket::has_input() {
    char byte = 0;
    if (tls_ != nullptr) {
        return repeat([&] { return ::SSL_peek(tls_, &byte, 1); }) > 0;
    }
    return wait(POLLIN) && ::recv(socket_, &byte, 1, MSG_PEEK) > 0;
}

std::size_t PeerSocket::receive(std::span<char> into) {
    if (tls_ != nullptr) {
        return repeat([&] { return ::SSL_read(tls_, into.data(), static_cast<int>(into.size())); });
    }
    if (!wait(POLLIN)) return 0;
    const ssize_t count = ::recv(socket_, into.data(), into.size(), 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool PeerSocket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t count = 0;
        if (tls_ != nullptr) {
            count = repeat(
                [&] { return ::SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())); });
        } else if (wait(POLLOUT)) {
            const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            count = sent > 0 ? static_cast<std::size_t>(sent) : 0;
        }
        if (count == 0) return false;
        bytes.remove_prefix(count);
    }
    return true;
}

void PeerSocket::wait_for_hang_up() const {
    wait(POLLRDHUP);
}

bool PeerSocket::wait_for_gate(int gate) const {
    std::array<pollfd, 3> ready{pollfd{gate, POLLIN, 0}, pollfd{socket_, POLLRDHUP, 0},
                                pollfd{stop_, POLLIN, 0}};
    return ::poll(ready.data(), ready.size(), -1) >= 0 && ready[0].revents != 0;
}

void PeerSocket::end_sending() {
    if (tls_ != nullptr && is_polite_ && is_ready_) ::SSL_shutdown(tls_);
    ::shutdown(socket_, SHUT_WR);
}

void PeerSocket::reset() {
    is_polite_ = false;
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

std::string PeerSocket::server_name() const {
    if (tls_ == nullptr) return "";
    const char* name = ::SSL_get_servername(tls_, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
}

std::string PeerSocket::client_name() const {
    X509* certificate = tls_ == nullptr ? nullptr : ::SSL_get0_peer_certificate(tls_);
    if (certificate == nullptr) return "";
    std::array<char, 256> name{};
    ::X509_NAME_get_text_by_NID(::X509_get_subject_name(certificate), NID_commonName, name.data(),
                                static_cast<int>(name.size()));
    return name.data();
}

std::string PeerSocket::version() const {
    return tls_ == nullptr ? "" : ::SSL_get_version(tls_);
}

}  // namespace pitot::tests
