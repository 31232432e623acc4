// The body that a gzip member (RFC 1952) holds. For answers of servers, or of proxies before
// them, that compress without being asked to.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

// Empty when it is not one whole gzip member, or would be more than `bytes_max`.
std::optional<std::string> gunzip(std::string_view compressed, std::size_t bytes_max);

}  // namespace pitot::sinks::http
