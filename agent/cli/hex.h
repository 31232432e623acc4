// Bytes written as pairs of hexadecimal digits, as in the JSON of `explain` and `once`.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::agent {

// Nothing for an odd number of digits, or for what is no digit.
inline std::optional<std::string> bytes_of_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(digits.size() / 2);
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        unsigned char byte = 0;
        const char* const end = digits.data() + i + 2;
        const auto [stop, error] = std::from_chars(digits.data() + i, end, byte, 16);
        if (error != std::errc() || stop != end) return std::nullopt;
        bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
}

}  // namespace pitot::agent
