#include "sinks/http/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sinks/http/tls_names.h"

namespace pitot::sinks::http {
namespace {

struct Free {
    void operator()(BIO* bio) const { ::BIO_free(bio); }
    void operator()(X509* certificate) const { ::X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

std::unexpected<std::string> unreadable(int error) {
    return std::unexpected(
        fmt::format("must be readable, got \"{}\"", std::generic_category().message(error)));
}

// The error reads on after "tls_ca_file: ".
std::expected<std::string, std::string> read_pem(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return unreadable(errno);
    std::string text;
    std::array<char, 16'384> piece{};
    ssize_t count = 0;
    while ((count = ::read(file, piece.data(), piece.size())) > 0 && text.size() <= pem_bytes_max) {
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
    const int error = count < 0 ? errno : 0;
    ::close(file);
    if (error != 0) return unreadable(error);
    if (text.size() > pem_bytes_max) {
        return std::unexpected(
            fmt::format("must not be larger than {} bytes, and is", pem_bytes_max));
    }
    return text;
}

Bio bio_of(const std::string& pem) {
    return Bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// All certificates of a PEM text, in its order; what else is in it is passed over.
std::vector<Certificate> certificates_in(const std::string& pem) {
    std::vector<Certificate> out;
    const Bio bio = bio_of(pem);
    while (X509* const one = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        out.emplace_back(one);
    }
    ::ERR_clear_error();
    return out;
}

std::string no_certificate(const std::string& content) {
    // A sequence of ASN.1: the binary form.
    const bool is_binary = content.starts_with('\x30');
    return fmt::format(
        R"(must hold certificates in PEM form ("-----BEGIN CERTIFICATE-----"){})",
        is_binary ? ", got their binary form (DER); `openssl x509` converts it" : ", got none");
}

// What OpenSSL asks for a password with.
struct PasswordRequest {
    const Secret& password;
    bool was_asked = false;
};

int give_password(char* buffer, int size, int /*for_writing*/, void* data) {
    auto& request = *static_cast<PasswordRequest*>(data);
    request.was_asked = true;
    const std::string& text = request.password.reveal();
    if (text.empty() || text.size() > static_cast<std::size_t>(size)) return -1;
    std::ranges::copy(text, buffer);
    return static_cast<int>(text.size());
}

// Where a session keeps the report it fills in.
int report_index() {
    static const int index = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

TlsReport* report_of(const SSL* session) {
    return static_cast<TlsReport*>(::SSL_get_ex_data(session, report_index()));
}

// Called for each certificate of the chain, and again for what is wrong with one.
int note_verification(int is_good, X509_STORE_CTX* store) {
    if (is_good == 1) return 1;
    const auto* const session = static_cast<const SSL*>(
        ::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
    TlsReport* const report = session == nullptr ? nullptr : report_of(session);
    X509* const certificate = ::X509_STORE_CTX_get_current_cert(store);
    if (report != nullptr) {
        report->verify_error = ::X509_STORE_CTX_get_error(store);
        report->depth = ::X509_STORE_CTX_get_error_depth(store);
        if (certificate != nullptr) describe_certificate(certificate, *report);
    }
    return 0;
}

// SSL_set_tlsext_host_name(), whose macro casts in the old style. OpenSSL copies the name.
bool set_server_name(SSL* session, std::string name) {
    return ::SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                      name.data()) == 1;
}

int note_request(SSL* session, X509** /*certificate*/, EVP_PKEY** /*key*/) {
    if (TlsReport* const report = report_of(session)) report->wanted_certificate = true;
    return 0;  // there is none
}

}  // namespace

bool is_ip_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

void FreeSession::operator()(ssl_st* session) const {
    ::SSL_free(session);
}

void TlsContext::FreeContext::operator()(ssl_ctx_st* context) const {
    ::SSL_CTX_free(context);
}

TlsContext::TlsContext(TlsSettings settings) : settings_(std::move(settings)) {}
TlsContext::~TlsContext() = default;
TlsContext::TlsContext(TlsContext&&) noexcept = default;

std::vector<TlsContext::Stamp> TlsContext::look() const {
    constexpr std::int64_t ns_per_s = 1'000'000'000;
    std::vector<Stamp> out;
    for (const std::string* path :
         {&settings_.ca_file, &settings_.certificate_file, &settings_.key_file}) {
        Stamp& stamp = out.emplace_back();
        struct stat status{};
        if (path->empty() || ::stat(path->c_str(), &status) != 0) continue;
        stamp.changed_ns = status.st_ctim.tv_sec * ns_per_s + status.st_ctim.tv_nsec;
        stamp.modified_ns = status.st_mtim.tv_sec * ns_per_s + status.st_mtim.tv_nsec;
        stamp.inode = status.st_ino;
        stamp.size = status.st_size;
    }
    return out;
}

std::expected<void, TlsProblem> TlsContext::refresh() {
    std::vector<Stamp> stamps = look();
    if (stamps != stamps_) {
        // A file that changes between the look and the reading is found at the next look.
        stamps_ = std::move(stamps);
        problem_ = read();
    }
    if (problem_) return std::unexpected(*problem_);
    return {};
}

std::optional<TlsProblem> TlsContext::read() {
    std::unique_ptr<ssl_ctx_st, FreeContext> context(::SSL_CTX_new(::TLS_client_method()));
    if (!context) return TlsProblem{"url", "needs TLS, for which there is no memory"};
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    ::SSL_CTX_set_verify(context.get(), settings_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                         note_verification);
    remarks_.clear();
    if (auto problem = read_authorities(context.get())) return problem;
    if (settings_.certificate_file.empty()) {
        ::SSL_CTX_set_client_cert_cb(context.get(), note_request);
    } else if (auto problem = read_certificate(context.get())) {
        return problem;
    }
    context_ = std::move(context);
    ++generation_;
    return {};
}

std::optional<TlsProblem> TlsContext::read_authorities(ssl_ctx_st* context) const {
    if (settings_.ca_file.empty()) {
        ::SSL_CTX_set_default_verify_paths(context);
        ::ERR_clear_error();  // the system's bundle may be missing; its folder is enough
        return {};
    }
    const auto pem = read_pem(settings_.ca_file);
    if (!pem) return TlsProblem{"tls_ca_file", pem.error()};
    const std::vector<Certificate> authorities = certificates_in(*pem);
    if (authorities.empty()) return TlsProblem{"tls_ca_file", no_certificate(*pem)};
    X509_STORE* const store = ::SSL_CTX_get_cert_store(context);
    for (const Certificate& authority : authorities) ::X509_STORE_add_cert(store, authority.get());
    // Whoever is in the file is trusted as it stands, root or not.
    ::X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

std::optional<TlsProblem> TlsContext::read_certificate(ssl_ctx_st* context) {
    constexpr const char* option = "tls_certificate_file";
    const auto pem = read_pem(settings_.certificate_file);
    if (!pem) return TlsProblem{option, pem.error()};
    const std::vector<Certificate> chain = certificates_in(*pem);
    if (chain.empty()) return TlsProblem{option, no_certificate(*pem)};
    bool is_taken = ::SSL_CTX_use_certificate(context, chain.front().get()) == 1;
    for (std::size_t i = 1; i < chain.size(); ++i) {
        is_taken = is_taken && ::SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
    }
    if (!is_taken) {
        const char* const why = ::ERR_reason_error_string(::ERR_peek_last_error());
        ::ERR_clear_error();
        return TlsProblem{option,
                          fmt::format("must hold a certificate that can be used, got \"{}\"",
                                      why == nullptr ? "one that cannot" : why)};
    }
    if (::X509_cmp_current_time(::X509_get0_notAfter(chain.front().get())) < 0) {
        TlsReport report;
        describe_certificate(chain.front().get(), report);
        remarks_.push_back({option, fmt::format("has expired on {}", report.ends)});
    }
    return read_key(context, *pem);
}

std::optional<TlsProblem> TlsContext::read_key(ssl_ctx_st* context,
                                               const std::string& certificate_pem) {
    const bool is_apart = !settings_.key_file.empty();
    const std::string& path = is_apart ? settings_.key_file : settings_.certificate_file;
    const char* const option = is_apart ? "tls_key_file" : "tls_certificate_file";
    std::expected<std::string, std::string> pem = certificate_pem;
    if (is_apart) pem = read_pem(path);
    if (!pem) return TlsProblem{option, pem.error()};

    PasswordRequest request{.password = settings_.key_password};
    const Bio bio = bio_of(*pem);
    const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &request));
    ::ERR_clear_error();
    if (!key && request.was_asked) {
        return settings_.key_password.empty()
                   ? TlsProblem{option, "is encrypted; tls_key_password must be set"}
                   : TlsProblem{"tls_key_password", "must be the password of the key, and is not"};
    }
    if (!key) {
        return TlsProblem{
            option, is_apart
                        ? R"(must hold a key in PEM form ("-----BEGIN PRIVATE KEY-----"), got none)"
                        : "must hold the key too, or tls_key_file must be set"};
    }
    const bool fits = ::SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
                      ::SSL_CTX_check_private_key(context) == 1;
    ::ERR_clear_error();
    if (!fits) {
        return TlsProblem{option, "must be the key of tls_certificate_file, got that of another"};
    }
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
        remarks_.push_back({option, "can be read by every user of this machine, and is a secret"});
    }
    return {};
}

std::string TlsContext::name_for(const std::string& host) const {
    std::string name = settings_.server_name.empty() ? host : settings_.server_name;
    // The root of the name system ("host.example.") is in no certificate.
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    return name;
}

TlsSession TlsContext::new_session(const std::string& host, TlsReport& report) const {
    TlsSession session(::SSL_new(context_.get()));
    if (!session) return nullptr;
    ::SSL_set_ex_data(session.get(), report_index(), &report);
    const std::string name = name_for(host);
    X509_VERIFY_PARAM* const checks = ::SSL_get0_param(session.get());
    bool good = false;
    if (is_ip_address(name)) {
        good = ::X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1;
    } else {
        ::X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        good = ::X509_VERIFY_PARAM_set1_host(checks, name.c_str(), name.size()) == 1 &&
               set_server_name(session.get(), name);
    }
    return good ? std::move(session) : nullptr;
}

}  // namespace pitot::sinks::http
