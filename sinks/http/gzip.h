// A body as a gzip member (RFC 1952), the same bytes each time for the same body; and back.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

// At zlib's fastest level: metric text shrinks to a tenth at 1 and little more at 9, and it
// runs on the io thread. Empty when zlib has no memory.
std::optional<std::string> gzip(std::string_view body);

// Empty when it is not one whole gzip member, or would be more than `bytes_max`.
std::optional<std::string> gunzip(std::string_view compressed, std::size_t bytes_max);

}  // namespace pitot::sinks::http
