// A body as a gzip member (RFC 1952), the same bytes each time for the same body.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

// At zlib's fastest level: metric text shrinks to a tenth at 1 and little more at 9, and it
// runs on the io thread. Empty when zlib has no memory.
std::optional<std::string> gzip(std::string_view body);

}  // namespace pitot::sinks::http
