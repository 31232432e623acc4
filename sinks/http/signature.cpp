#include "sinks/http/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace pitot::sinks::http {

std::string hmac_sha256(const Secret& key, std::string_view message) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int bytes = 0;
    // Fails only without memory; then there are no bytes, which no receiver takes.
    HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
         reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
         &bytes);
    std::string out;
    for (unsigned int i = 0; i < bytes; ++i) {
        out += digits[digest[i] >> 4U];
        out += digits[digest[i] & 0xFU];
    }
    return out;
}

}  // namespace pitot::sinks::http
