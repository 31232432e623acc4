#include "sinks/http/tls_names.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <string_view>

namespace pitot::sinks::http {
namespace {

// A certificate is a stranger's text on its way into a log line.
constexpr std::size_t text_bytes_max = 100;
constexpr std::size_t names_max = 8;

std::string printable(std::string_view text) {
    std::string out;
    for (const char character : text.substr(0, text_bytes_max)) {
        const auto byte = static_cast<unsigned char>(character);
        out += byte < 0x20 || byte >= 0x7f ? '?' : character;
    }
    return out;
}

std::string printable(const ASN1_STRING* text) {
    return printable({reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(::ASN1_STRING_length(text))});
}

std::string common_name(const X509_NAME* name) {
    const int at = ::X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0) return "a nameless one";
    return printable(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(name, at)));
}

std::string moment(const ASN1_TIME* time) {
    std::tm parts{};
    if (::ASN1_TIME_to_tm(time, &parts) != 1) return "a date that cannot be read";
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string address(const ASN1_OCTET_STRING* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ::ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
    const bool has_length = family == AF_INET || ::ASN1_STRING_length(bytes) == 16;
    if (!has_length || ::inet_ntop(family, ::ASN1_STRING_get0_data(bytes), text.data(),
                                   static_cast<socklen_t>(text.size())) == nullptr) {
        return "?";
    }
    return text.data();
}

}  // namespace

void describe_certificate(const x509_st* certificate, TlsReport& report) {
    report.subject = common_name(::X509_get_subject_name(certificate));
    report.issuer = common_name(::X509_get_issuer_name(certificate));
    report.begins = moment(::X509_get0_notBefore(certificate));
    report.ends = moment(::X509_get0_notAfter(certificate));
    report.names.clear();
    auto* const names = static_cast<GENERAL_NAMES*>(
        ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) report.names.push_back(printable(name->d.dNSName));
        if (name->type == GEN_IPADD) report.names.push_back(address(name->d.iPAddress));
        if (report.names.size() == names_max) break;
    }
    ::GENERAL_NAMES_free(names);
    if (report.names.empty()) report.names.push_back(report.subject);
}

}  // namespace pitot::sinks::http
