// Whether a text may be shown on a terminal as it is: what fuzz targets ask of every message.
#pragma once

#include <string_view>

namespace pitot::tests {

// No control characters; bytes above 0x7F are UTF-8's business.
inline bool is_fit_for_a_terminal(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) return false;
    }
    return true;
}

}  // namespace pitot::tests
