// Base64 as of RFC 4648: section 4 for credentials, section 5 (URL-safe) for paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

enum class Base64 : std::uint8_t {
    standard,  // with + and /, padded
    url_safe,  // with - and _, padded
};

std::string base64(std::string_view bytes, Base64 alphabet);

}  // namespace pitot::sinks::http
