#include "agent/alerts/glob.h"

#include <cstddef>

namespace pitot::agent::alerts {

namespace {

// One piece between dots: the usual way, back to the last `*` only, which is enough since
// what stands before it has matched as early as it could.
bool matches_piece(std::string_view pattern, std::string_view text, std::size_t star_least,
                   std::vector<std::string_view>* captures) {
    struct Star {
        std::size_t pattern_at = 0;  // behind it
        std::size_t begin = 0;       // of what it stands for
        std::size_t end = 0;
    };
    std::vector<Star> stars;
    std::size_t at = 0;
    std::size_t in = 0;
    while (true) {
        if (at < pattern.size() && pattern[at] == '*') {
            if (in + star_least <= text.size()) {
                stars.push_back({at + 1, in, in + star_least});
                in += star_least;
                ++at;
                continue;
            }
        } else if (at < pattern.size() && in < text.size() && pattern[at] == text[in]) {
            ++at;
            ++in;
            continue;
        } else if (at == pattern.size() && in == text.size()) {
            break;
        }
        // Earlier ones need not grow: the last one can take what they would.
        if (stars.empty() || stars.back().end == text.size()) return false;
        Star& last = stars.back();
        ++last.end;
        at = last.pattern_at;
        in = last.end;
    }
    if (captures != nullptr) {
        for (const Star& star : stars) {
            captures->push_back(text.substr(star.begin, star.end - star.begin));
        }
    }
    return true;
}

std::string_view cut_piece(std::string_view& rest) {
    const std::size_t dot = rest.find('.');
    const std::string_view piece = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    return piece;
}

}  // namespace

bool matches_name_glob(std::string_view pattern, std::string_view name,
                       std::vector<std::string_view>& captures) {
    const std::size_t before = captures.size();
    while (true) {
        const bool pattern_goes_on = pattern.contains('.');
        const bool name_goes_on = name.contains('.');
        if (pattern_goes_on != name_goes_on ||
            !matches_piece(cut_piece(pattern), cut_piece(name), 1, &captures)) {
            captures.resize(before);
            return false;
        }
        if (!pattern_goes_on) return true;
    }
}

bool matches_value_glob(std::string_view pattern, std::string_view value) {
    return matches_piece(pattern, value, 0, nullptr);
}

}  // namespace pitot::agent::alerts
