#include "tests/support/https_send.h"

#include <openssl/ssl.h>

#include <array>

namespace pitot::tests {

HttpAnswer https_send(std::uint16_t port, const IssuedCertificate& certificate,
                      std::string_view authorization, std::string_view method,
                      std::string_view target) {
    SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
    ::SSL_CTX_use_certificate_chain_file(context, certificate.certificate_file.c_str());
    ::SSL_CTX_use_PrivateKey_file(context, certificate.key_file.c_str(), SSL_FILETYPE_PEM);
    std::string text;
    BIO* const connection = ::BIO_new_ssl_connect(context);
    ::BIO_set_conn_hostname(connection, ("127.0.0.1:" + std::to_string(port)).c_str());
    std::string request = std::string(method) + " " + std::string(target) +
                          " HTTP/1.0\r\nHost: test\r\nContent-Length: 0\r\n";
    if (!authorization.empty()) {
        request.append("Authorization: ").append(authorization).append("\r\n");
    }
    request += "\r\n";
    if (::BIO_write(connection, request.data(), static_cast<int>(request.size())) > 0) {
        std::array<char, 65536> bytes{};
        for (int count = 0;
             (count = ::BIO_read(connection, bytes.data(), static_cast<int>(bytes.size()))) > 0;) {
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }
    ::BIO_free_all(connection);
    ::SSL_CTX_free(context);
    return parse_answer(text);
}

}  // namespace pitot::tests
