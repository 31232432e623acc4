// As http_send(), over TLS and with a certificate of its own: how a test looks at a real server
// without using the client it tests. Nothing is verified; that is what is tested elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/certificates.h"
#include "tests/support/http_get.h"

namespace pitot::tests {

// `authorization` is the value of that header; "": none.
HttpAnswer https_send(std::uint16_t port, const IssuedCertificate& certificate,
                      std::string_view authorization, std::string_view method,
                      std::string_view target);

}  // namespace pitot::tests
