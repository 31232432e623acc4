// Why TLS with a destination failed, as a sentence that an operator can act on.
//
// Pure: from what OpenSSL said and what the handshake noted (TlsReport) to words. Used by the
// client for each error whose category is that of OpenSSL.
#pragma once

#include <string>

#include "sinks/http/response.h"
#include "sinks/http/tls.h"

namespace pitot::sinks::http {

struct TlsSituation {
    std::string authority;  // "host:port"
    std::string name;       // asked for and checked
    const TlsSettings& settings;
    const TlsReport& report;
    // The handshake is not over. A server of TLS 1.3 refuses our certificate after it.
    bool is_handshake = true;
};

// `error` as OpenSSL packs it (ERR_get_error). The kind is `tls`, which waits for an operator;
// `closed` and `protocol` where the next attempt may well succeed.
Failure tls_failure(unsigned long error, const TlsSituation& situation);

// The connection ended within the handshake, without a word.
Failure tls_hang_up(const TlsSituation& situation);

}  // namespace pitot::sinks::http
