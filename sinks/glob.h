// Shell-like patterns on metric names: '*' is any run of characters, '?' is any one byte.
#pragma once

#include <cstddef>
#include <string_view>

namespace pitot::sinks {

// The whole of `text` must match. At most pattern × text steps, without recursion.
inline bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last '*' met
    std::size_t resume = 0;                     // where the text goes on if it takes one more
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace pitot::sinks
