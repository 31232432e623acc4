#include "agent/printable.h"

#include <fmt/format.h>

#include <iterator>

namespace pitot::agent {

namespace {

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Length announced by a lead byte, 0 for a byte that leads nothing.
std::size_t announced_bytes(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return 2;
    if (lead >= 0xE0 && lead <= 0xEF) return 3;
    if (lead >= 0xF0 && lead <= 0xF4) return 4;
    return 0;
}

// Controls, and what changes the look of its neighbours or has none of its own
// (Unicode's bidirectional controls, zero-width characters, line separators, tags).
bool must_be_escaped(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE007F);
}

}  // namespace

Character first_character(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const Character broken{lead, 1, false};
    const std::size_t bytes = announced_bytes(lead);
    if (bytes == 1) return {lead, 1, true};
    if (bytes == 0 || text.size() < bytes) return broken;

    char32_t code_point = lead & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if (!is_continuation(text[i])) return broken;
        code_point = (code_point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    const bool overlong =
        (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x1'0000);
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (overlong || surrogate || code_point > 0x10'FFFF) return broken;
    return {code_point, bytes, true};
}

void append_printable(std::string& out, std::string_view bytes, const Character& character) {
    const auto value = static_cast<std::uint32_t>(character.code_point);
    if (character.code_point == '\n') {
        out += "\\n";
    } else if (!character.legal || (value < 0x80 && must_be_escaped(character.code_point))) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", value);
    } else if (must_be_escaped(character.code_point)) {
        fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}", value);
    } else {
        out.append(bytes.substr(0, character.bytes));
    }
}

std::string printable(std::string_view text, std::size_t characters_max) {
    std::string out;
    for (std::size_t count = 0; !text.empty(); ++count) {
        if (count == characters_max) return out + "…";
        const Character character = first_character(text);
        append_printable(out, text, character);
        text.remove_prefix(character.bytes);
    }
    return out;
}

}  // namespace pitot::agent
