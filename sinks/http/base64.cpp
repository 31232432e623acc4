#include "sinks/http/base64.h"

namespace pitot::sinks::http {

std::string base64(std::string_view bytes, Base64 alphabet) {
    constexpr std::string_view common =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string digits(common);
    digits += alphabet == Base64::standard ? "+/" : "-_";

    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view three = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits <<= 8U;
            if (i < three.size()) bits |= static_cast<unsigned char>(three[i]);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const auto digit = (bits >> (18U - 6U * static_cast<unsigned>(i))) & 0x3fU;
            out += i <= three.size() ? digits[digit] : '=';
        }
    }
    return out;
}

}  // namespace pitot::sinks::http
