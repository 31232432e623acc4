#include "tests/support/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pitot::tests {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { ::X509_free(certificate); }
    void operator()(BIO* bio) const { ::BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { ::X509_EXTENSION_free(extension); }
};
template <class Type>
using Owned = std::unique_ptr<Type, Free>;

constexpr long seconds_per_day = 24 * 60 * 60;

template <class Type>
Type* must(Type* made) {
    if (made == nullptr) throw std::runtime_error("OpenSSL cannot make a test certificate");
    return made;
}

Owned<EVP_PKEY> make_key() {
    return Owned<EVP_PKEY>(must(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")));
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context{};
    ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension(
        must(::X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())));
    ::X509_add_ext(certificate, extension.get(), -1);
}

bool is_address(const std::string& name) {
    return name.find(':') != std::string::npos ||
           name.find_first_not_of("0123456789.") == std::string::npos;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += ',';
        out += (is_address(name) ? "IP:" : "DNS:") + name;
    }
    return out;
}

Owned<X509> make_certificate(const std::string& common_name, int serial, EVP_PKEY* key) {
    Owned<X509> certificate(must(::X509_new()));
    ::X509_set_version(certificate.get(), X509_VERSION_3);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), serial);
    ::X509_set_pubkey(certificate.get(), key);
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                 -1, 0);
    return certificate;
}

void set_validity(X509* certificate, int begins_in_days, int ends_in_days) {
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), begins_in_days * seconds_per_day);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), ends_in_days * seconds_per_day);
}

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long length = ::BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(length)};
}

std::string pem_of(X509* certificate) {
    const Owned<BIO> bio(must(::BIO_new(::BIO_s_mem())));
    ::PEM_write_bio_X509(bio.get(), certificate);
    return text_of(bio.get());
}

std::string pem_of(EVP_PKEY* key, std::string password) {
    const Owned<BIO> bio(must(::BIO_new(::BIO_s_mem())));
    ::PEM_write_bio_PKCS8PrivateKey(bio.get(), key,
                                    password.empty() ? nullptr : ::EVP_aes_256_cbc(),
                                    password.empty() ? nullptr : password.data(),
                                    static_cast<int>(password.size()), nullptr, nullptr);
    return text_of(bio.get());
}

}  // namespace

struct TestAuthority::Identity {
    Owned<EVP_PKEY> key;
    Owned<X509> certificate;
};

TestAuthority::TestAuthority(std::string_view name) : identity_(std::make_unique<Identity>()) {
    identity_->key = make_key();
    identity_->certificate = make_certificate(std::string(name), 1, identity_->key.get());
    X509* const certificate = identity_->certificate.get();
    ::X509_set_issuer_name(certificate, ::X509_get_subject_name(certificate));
    set_validity(certificate, -3, 3650);
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    ::X509_sign(certificate, identity_->key.get(), ::EVP_sha256());
    ca_file_ = write("ca.pem", pem_of(certificate));
}

TestAuthority::~TestAuthority() = default;

IssuedCertificate TestAuthority::issue(const CertificateWish& wish) {
    const Owned<EVP_PKEY> key = make_key();
    const Owned<X509> certificate = make_certificate(wish.common_name, ++issued_ + 1, key.get());
    X509* const made = certificate.get();
    X509* const issuer = wish.is_self_signed ? made : identity_->certificate.get();
    ::X509_set_issuer_name(made, ::X509_get_subject_name(issuer));
    set_validity(made, wish.begins_in_days, wish.ends_in_days);
    add_extension(made, issuer, NID_basic_constraints, "critical,CA:FALSE");
    if (!wish.names.empty()) {
        add_extension(made, issuer, NID_subject_alt_name, joined(wish.names));
    }
    ::X509_sign(made, wish.is_self_signed ? key.get() : identity_->key.get(), ::EVP_sha256());
    const std::string number = std::to_string(issued_);
    return {.certificate_file = write("certificate-" + number + ".pem", pem_of(made)),
            .key_file = write("key-" + number + ".pem", pem_of(key.get(), wish.key_password))};
}

std::string TestAuthority::write(const std::string& name, std::string_view content) const {
    const std::string file = path(name);
    std::ofstream(file, std::ios::binary) << content;
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    return file;
}

std::string read_text(const std::string& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

}  // namespace pitot::tests
