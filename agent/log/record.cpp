#include "agent/log/record.h"

#include <algorithm>

namespace pitot::agent {
namespace {

// Names in the configuration have up to 64 bytes, and the rooms before them are short; what is
// longer is a sentence.
constexpr std::size_t part_bytes_max = 128;

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool is_part(std::string_view text) {
    if (text.empty() || text.front() < 'a' || text.front() > 'z' || text.back() == '.')
        return false;
    return !text.contains("..") &&
           std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '.'; });
}

}  // namespace

SplitText split_part(std::string_view text) {
    const std::size_t colon = text.substr(0, part_bytes_max + 2).find(": ");
    if (colon == std::string_view::npos || !is_part(text.substr(0, colon))) return {"", text};
    return {text.substr(0, colon), text.substr(colon + 2)};
}

}  // namespace pitot::agent
