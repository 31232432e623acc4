// Whether bytes are UTF-8, and how long a piece of it is in UTF-16.
//
// Parser asks is_utf8() of every line and utf16_prefix() of events whose lengths do not
// fit; everything behind it may take text for granted. Nothing here decodes or repairs.
//
// Source: RFC 3629 (no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string_view>

namespace pitot::protocol {

// Whether every byte is below 0x80.
[[nodiscard]] bool is_ascii(std::string_view bytes) noexcept;

// The longest prefix that is UTF-8, in bytes.
[[nodiscard]] std::size_t utf8_prefix(std::string_view bytes) noexcept;

[[nodiscard]] inline bool is_utf8(std::string_view bytes) noexcept {
    return is_ascii(bytes) || utf8_prefix(bytes) == bytes.size();
}

// The bytes that the first `units` UTF-16 code units of a UTF-8 text take. npos when the
// text is shorter, or when the cut would fall between two surrogates.
[[nodiscard]] std::size_t utf16_prefix(std::string_view text, std::size_t units) noexcept;

}  // namespace pitot::protocol
