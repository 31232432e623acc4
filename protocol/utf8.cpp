#include "protocol/utf8.h"

#include <cstdint>
#include <cstring>

namespace pitot::protocol {

namespace {

constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;

std::uint64_t word_at(const char* bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// The sequences RFC 3629 allows, by their first byte: how many bytes, and within which
// bounds the second one must be. Third and fourth are always 80..BF.
struct Sequence {
    std::size_t bytes;
    unsigned char second_min;
    unsigned char second_max;
};

constexpr Sequence sequence_of(unsigned char first) noexcept {
    if (first < 0x80) return {1, 0, 0};
    if (first < 0xC2) return {0, 0, 0};  // a continuation, or an overlong form
    if (first < 0xE0) return {2, 0x80, 0xBF};
    if (first == 0xE0) return {3, 0xA0, 0xBF};
    if (first == 0xED) return {3, 0x80, 0x9F};  // above are surrogates
    if (first < 0xF0) return {3, 0x80, 0xBF};
    if (first == 0xF0) return {4, 0x90, 0xBF};
    if (first < 0xF4) return {4, 0x80, 0xBF};
    if (first == 0xF4) return {4, 0x80, 0x8F};  // above is U+10FFFF
    return {0, 0, 0};
}

// The length of the character at the front of `bytes`, which are not empty; 0 if none is.
std::size_t character_bytes(std::string_view bytes) noexcept {
    const Sequence sequence = sequence_of(static_cast<unsigned char>(bytes[0]));
    if (sequence.bytes == 0 || sequence.bytes > bytes.size()) return 0;
    for (std::size_t i = 1; i < sequence.bytes; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (byte < (i == 1 ? sequence.second_min : 0x80)) return 0;
        if (byte > (i == 1 ? sequence.second_max : 0xBF)) return 0;
    }
    return sequence.bytes;
}

}  // namespace

bool is_ascii(std::string_view bytes) noexcept {
    std::uint64_t seen = 0;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) seen |= word_at(at);
    for (; left > 0; ++at, --left) seen |= static_cast<unsigned char>(*at);
    return (seen & high_bits) == 0;
}

std::size_t utf8_prefix(std::string_view bytes) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (bytes.size() - at >= 8 && (word_at(&bytes[at]) & high_bits) == 0) {
            at += 8;
            continue;
        }
        const std::size_t length = character_bytes(bytes.substr(at));
        if (length == 0) break;
        at += length;
    }
    return at;
}

std::size_t utf16_prefix(std::string_view text, std::size_t units) noexcept {
    std::size_t at = 0;
    while (units > 0) {
        if (at == text.size()) return std::string_view::npos;
        const std::size_t bytes = character_bytes(text.substr(at));
        const std::size_t character_units = bytes == 4 ? 2 : 1;
        if (bytes == 0 || character_units > units) return std::string_view::npos;
        units -= character_units;
        at += bytes;
    }
    return at;
}

}  // namespace pitot::protocol
