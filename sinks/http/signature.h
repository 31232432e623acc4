// HMAC-SHA256 (RFC 2104, FIPS 180-4), by which a receiver knows who wrote a request.
#pragma once

#include <string>
#include <string_view>

#include "sinks/options.h"

namespace pitot::sinks::http {

// 64 hexadecimal digits, in small letters.
std::string hmac_sha256(const Secret& key, std::string_view message);

}  // namespace pitot::sinks::http
