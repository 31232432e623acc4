// Certificates for tests, made when they are needed: an authority of our own, and what it signs.
//
//     TestAuthority authority;
//     const auto server = authority.issue({.names = {"localhost", "127.0.0.1"}});
//     HttpDouble double(TlsSide{server.certificate_file, server.key_file});
//     options.set("tls_ca_file", authority.ca_file());
//
// Keys are of P-256, which take no time to make. Files are in a folder that goes with the
// authority. Validity is on the clock of the machine, as OpenSSL checks it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/net_temporary_directory.h"

namespace pitot::tests {

struct CertificateWish {
    std::string common_name = "pitot test";
    std::vector<std::string> names = {};  // host names and IP addresses
    int begins_in_days = -2;
    int ends_in_days = 30;
    bool is_self_signed = false;
    std::string key_password = {};  // "": the key is not encrypted
};

struct IssuedCertificate {
    std::string certificate_file;
    std::string key_file;
};

class TestAuthority {
public:
    explicit TestAuthority(std::string_view name = "Test Authority");
    ~TestAuthority();
    TestAuthority(const TestAuthority&) = delete;
    TestAuthority& operator=(const TestAuthority&) = delete;

    const std::string& ca_file() const { return ca_file_; }
    IssuedCertificate issue(const CertificateWish& wish);
    // For a server on loopback.
    IssuedCertificate issue_server() { return issue({.names = {"localhost", "127.0.0.1"}}); }
    // A path in the authority's folder, and a file of this content there.
    std::string path(const std::string& name) const { return folder_.file(name); }
    std::string write(const std::string& name, std::string_view content) const;

private:
    struct Identity;

    NetTemporaryDirectory folder_;
    std::unique_ptr<Identity> identity_;
    std::string ca_file_;
    int issued_ = 0;
};

// The whole content of a file.
std::string read_text(const std::string& path);

}  // namespace pitot::tests
