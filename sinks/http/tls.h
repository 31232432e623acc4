// TLS towards a destination: what is trusted, who we say we are, and the files both come from.
//
// A TlsContext reads the files and makes sessions of OpenSSL; the client (client.h) speaks over
// them, and tls_failure.h says in words why one failed. Nothing here touches the network.
//
// TLS 1.2 is the least. A destination must show a certificate that an authority of ca_file
// signed, or one that the system trusts where there is no ca_file, and that is for the name or
// address we connect to (RFC 6125: subject alternative names; the common name where there are
// none). The name is sent along (SNI, RFC 6066) unless it is an address.
//
// Files are looked at again before each request; those that changed are read then, so that
// certificates are rotated without a restart. What cannot be read, or does not fit together, is
// a problem that names the option; sessions go on with what was read before.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/options.h"

struct ssl_st;
struct ssl_ctx_st;

namespace pitot::sinks::http {

// All files are PEM, by absolute path.
struct TlsSettings {
    std::string ca_file = {};           // authorities to trust; "": the system's
    std::string certificate_file = {};  // ours, and its chain behind it; "": none
    std::string key_file = {};          // its key; "": in certificate_file
    Secret key_password = {};
    std::string server_name = {};  // asked for and checked; "": the host of the URL
    bool verify = true;
};

// Certificates are a few KiB each; the system's bundle of authorities has 200.
inline constexpr std::size_t pem_bytes_max = 4 * std::size_t{1024} * 1024;

// What is wrong with an option; reads on as "tls_ca_file: must …".
struct TlsProblem {
    std::string option;
    std::string what;

    bool operator==(const TlsProblem&) const = default;
};

// What a handshake found out about the other side, for tls_failure.h.
struct TlsReport {
    int verify_error = 0;      // X509_V_ERR_…; 0: none
    int depth = 0;             // of the certificate that it is about; 0: the destination's own
    std::string subject = {};  // of that certificate: its common name
    std::string issuer = {};
    std::string begins = {};              // "2026-03-01 12:00:00 UTC"
    std::string ends = {};                //
    std::vector<std::string> names = {};  // names and addresses it is for
    bool wanted_certificate = false;      // it asked for ours, and we have none
};

struct FreeSession {
    void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, FreeSession>;

// For one thread.
class TlsContext {
public:
    explicit TlsContext(TlsSettings settings);
    ~TlsContext();
    TlsContext(TlsContext&&) noexcept;
    TlsContext& operator=(TlsContext&&) = delete;

    // Reads the files if they are not what they were at the last call.
    std::expected<void, TlsProblem> refresh();
    // Whether a refresh has ever succeeded.
    bool is_ready() const { return context_ != nullptr; }
    // Counts the refreshes that found something new; sessions of an older one are outdated.
    std::uint64_t generation() const { return generation_; }
    // Of what was read last: legal and unwise.
    const std::vector<TlsProblem>& remarks() const { return remarks_; }

    // When is_ready(). `host` as in the URL; `report` outlives the session. Null when OpenSSL
    // has no memory.
    TlsSession new_session(const std::string& host, TlsReport& report) const;
    // What new_session() asks for and checks.
    std::string name_for(const std::string& host) const;
    const TlsSettings& settings() const { return settings_; }

private:
    struct FreeContext {
        void operator()(ssl_ctx_st* context) const;
    };
    // Enough of a file's state to tell that it is another one, or has another content.
    struct Stamp {
        std::int64_t changed_ns = 0;   // st_ctim: content, owner or rights
        std::int64_t modified_ns = 0;  // st_mtim
        std::uint64_t inode = 0;       // 0: there is no such file
        std::int64_t size = 0;
        bool operator==(const Stamp&) const = default;
    };

    std::vector<Stamp> look() const;
    std::optional<TlsProblem> read();
    std::optional<TlsProblem> read_authorities(ssl_ctx_st* context) const;
    std::optional<TlsProblem> read_certificate(ssl_ctx_st* context);
    std::optional<TlsProblem> read_key(ssl_ctx_st* context, const std::string& certificate_pem);

    TlsSettings settings_;
    std::unique_ptr<ssl_ctx_st, FreeContext> context_;
    std::uint64_t generation_ = 0;
    std::optional<std::vector<Stamp>> stamps_;  // when last read, with or without success
    std::optional<TlsProblem> problem_;         // found then
    std::vector<TlsProblem> remarks_;
};

// Whether it is an IPv4 or IPv6 address: these are checked, but not sent by name.
bool is_ip_address(const std::string& text);

}  // namespace pitot::sinks::http
