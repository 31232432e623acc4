// Text that somebody else wrote, made fit for a terminal and a log.
//
// Configuration files, command lines and metric lines may hold anything: escape
// sequences that repaint a terminal, characters that reverse the reading direction,
// bytes that are not UTF-8. Every message that quotes such text passes it through here
// first. The result is for reading, not for parsing back: backslashes stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pitot::agent {

// One character of a text: its code point and how many bytes it takes. A byte that begins
// no legal UTF-8 sequence is a character of its own, with `legal` false.
struct Character {
    char32_t code_point = 0;
    std::size_t bytes = 0;
    bool legal = false;
};

// The character at the beginning of `text`, which must not be empty.
Character first_character(std::string_view text);

// Appends one character; the newline as \n, other control, bidirectional and invisible ones
// as \xNN or \u{NNNN}.
void append_printable(std::string& out, std::string_view bytes, const Character& character);

// The whole text; what goes beyond `characters_max` is cut and marked with "…".
std::string printable(std::string_view text, std::size_t characters_max = 80);

}  // namespace pitot::agent
