// Dates as HTTP writes them (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
#pragma once

#include <cstdint>
#include <string>

namespace pitot::sinks::http {

// `unix_s` between the years 0 and 9999.
std::string http_date(std::int64_t unix_s);

}  // namespace pitot::sinks::http
