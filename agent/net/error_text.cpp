#include "agent/net/error_text.h"

#include <system_error>

namespace pitot::agent {

std::string error_text(int error) {
    std::string text = std::generic_category().message(error);
    // "Address already …", but not "RPC …": an abbreviation keeps its capitals.
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() > 1 && is_upper(text[0]) && !is_upper(text[1])) {
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
}

}  // namespace pitot::agent
