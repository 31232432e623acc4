#include "sinks/http/tls_failure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <optional>
#include <vector>

namespace pitot::sinks::http {
namespace {

// What is wrong with one certificate of the chain, whose subject is said where it is not the
// destination's own.
std::string whose(const TlsSituation& situation) {
    if (situation.report.depth == 0) return "the certificate of " + situation.authority;
    return fmt::format("the certificate of \"{}\", which signed for {},", situation.report.subject,
                       situation.authority);
}

std::string trust_advice(const TlsSettings& settings) {
    if (settings.ca_file.empty()) {
        return "no authority of this system; set tls_ca_file to the certificate of the authority "
               "that did";
    }
    return fmt::format("none of tls_ca_file \"{}\"", settings.ca_file);
}

std::string wrong_name(const TlsSituation& situation) {
    std::vector<std::string> quoted;
    quoted.reserve(situation.report.names.size());
    for (const std::string& name : situation.report.names) {
        quoted.push_back(fmt::format("\"{}\"", name));
    }
    return fmt::format(
        "the certificate of {} is not valid for \"{}\" (it is for {}); mend the url, or set "
        "tls_server_name",
        situation.authority, situation.name, fmt::join(quoted, ", "));
}

std::string verify_failure(const TlsSituation& situation) {
    const TlsReport& report = situation.report;
    switch (report.verify_error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return wrong_name(situation);
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("{} has expired on {}", whose(situation), report.ends);
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return fmt::format("{} is valid from {} on; is a clock wrong?", whose(situation),
                               report.begins);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return fmt::format(
                "the certificate of {} is self-signed; set tls_ca_file to a copy of it to trust it",
                situation.authority);
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return fmt::format("the certificate of {} is signed by \"{}\", which is {}",
                               situation.authority, report.issuer,
                               trust_advice(situation.settings));
        default:
            return fmt::format("{} is refused: {}", whose(situation),
                               ::X509_verify_cert_error_string(report.verify_error));
    }
}

// What the other side says in an alert, if that is what the error is.
std::optional<int> alert_of(int reason) {
    if (reason <= SSL_AD_REASON_OFFSET || reason > SSL_AD_REASON_OFFSET + 255) return {};
    return reason - SSL_AD_REASON_OFFSET;
}

bool is_about_our_certificate(int alert) {
    switch (alert) {
        case SSL3_AD_NO_CERTIFICATE:
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case SSL_AD_CERTIFICATE_REQUIRED:
            return true;
        default:
            return false;
    }
}

std::string alert_failure(int alert, const TlsSituation& situation) {
    const TlsSettings& settings = situation.settings;
    const char* const word = ::SSL_alert_desc_string_long(alert);
    const bool may_be_certificate =
        is_about_our_certificate(alert) || alert == SSL_AD_HANDSHAKE_FAILURE;
    if (situation.report.wanted_certificate && may_be_certificate) {
        return fmt::format(
            "{} wants a client certificate: set tls_certificate_file and "
            "tls_key_file",
            situation.authority);
    }
    if (is_about_our_certificate(alert) && !settings.certificate_file.empty()) {
        return fmt::format(
            "{} does not accept the client certificate of tls_certificate_file "
            "\"{}\": {}",
            situation.authority, settings.certificate_file, word);
    }
    if (alert == SSL_AD_PROTOCOL_VERSION) {
        return fmt::format("{} speaks no TLS from version 1.2 on", situation.authority);
    }
    if (alert == SSL_AD_UNRECOGNIZED_NAME) {
        return fmt::format("{} does not know the name \"{}\"; mend the url, or set tls_server_name",
                           situation.authority, situation.name);
    }
    return fmt::format("{} refuses TLS with us: {}", situation.authority, word);
}

// The first bytes of the other side were none of TLS.
bool is_not_tls(int reason) {
    switch (reason) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_UNEXPECTED_MESSAGE:
        case SSL_R_UNEXPECTED_RECORD:
        case SSL_R_BAD_RECORD_TYPE:
            return true;
        default:
            return false;
    }
}

}  // namespace

Failure tls_failure(unsigned long error, const TlsSituation& situation) {
    const int reason = ERR_GET_REASON(error);
    const std::string& authority = situation.authority;
    if (situation.report.verify_error != 0 && situation.is_handshake) {
        return {FailureKind::tls, verify_failure(situation)};
    }
    if (const auto alert = alert_of(reason)) {
        // After the handshake only a word about our certificate is the operator's to mend.
        const bool is_lasting = situation.is_handshake || is_about_our_certificate(*alert);
        return {is_lasting ? FailureKind::tls : FailureKind::protocol,
                alert_failure(*alert, situation)};
    }
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return tls_hang_up(situation);
    const char* const words = ::ERR_reason_error_string(error);
    const std::string_view why = words == nullptr ? "an error without a name" : words;
    if (!situation.is_handshake) {
        return {FailureKind::protocol, fmt::format("TLS with {} is broken: {}", authority, why)};
    }
    if (is_not_tls(reason)) {
        return {FailureKind::tls,
                fmt::format("{} does not speak TLS; is it http:// there?", authority)};
    }
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL) {
        return {FailureKind::tls, fmt::format("{} speaks no TLS from version 1.2 on", authority)};
    }
    return {FailureKind::tls, fmt::format("TLS with {} is not possible: {}", authority, why)};
}

Failure tls_hang_up(const TlsSituation& situation) {
    const bool wanted = situation.report.wanted_certificate;
    return {FailureKind::closed,
            fmt::format("{} closed the connection {}{}", situation.authority,
                        situation.is_handshake ? "within the TLS handshake" : "without an answer",
                        wanted ? "; it asked for a client certificate, and none is set "
                                 "(tls_certificate_file)"
                               : "")};
}

}  // namespace pitot::sinks::http
