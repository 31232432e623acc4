#include "agent/config/suggest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pitot::agent {

namespace {

// No name of ours is longer; a longer text is not a slip of one.
constexpr std::size_t name_bytes_max = 48;
// Shorter names are within too many others by accident.
constexpr std::size_t contained_bytes_min = 4;

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

// Optimal string alignment distance: Levenshtein's, with swapped neighbours as one slip.
std::size_t slips(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, name_bytes_max + 1>;
    Row before_previous{};
    Row previous{};
    Row current{};
    for (std::size_t j = 0; j <= b.size(); ++j) previous.at(j) = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = folded(a[i - 1]) == folded(b[j - 1]);
            std::size_t least = std::min(previous.at(j), current.at(j - 1)) + 1;
            least = std::min(least, previous.at(j - 1) + (same ? 0 : 1));
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1])) {
                least = std::min(least, before_previous.at(j - 2) + 1);
            }
            current.at(j) = least;
        }
        before_previous = previous;
        previous = current;
    }
    return previous.at(b.size());
}

bool one_within_the_other(std::string_view a, std::string_view b) {
    const std::string_view shorter = a.size() < b.size() ? a : b;
    const std::string_view longer = a.size() < b.size() ? b : a;
    return shorter.size() >= contained_bytes_min && longer.find(shorter) != std::string_view::npos;
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view name,
                                        std::span<const std::string_view> known) {
    if (name.empty() || name.size() > name_bytes_max) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_slips = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        if (candidate.empty() || candidate.size() > name_bytes_max) continue;
        const std::size_t count = slips(name, candidate);
        // A name that shares no letter is not near, however short both are.
        if (count < best_slips && count < std::max(name.size(), candidate.size())) {
            best = candidate;
            best_slips = count;
        }
    }
    // More than a slip or two away, a name with something behind it is meant rather.
    constexpr std::size_t slips_plain = 2;
    if (best && best_slips > slips_plain) {
        for (const std::string_view candidate : known) {
            const bool is_longer =
                name.size() > candidate.size() && candidate.size() >= contained_bytes_min;
            if (is_longer && name.starts_with(candidate) && folded(name[candidate.size()]) == '_') {
                return candidate;
            }
        }
    }
    if (best) return best;
    for (const std::string_view candidate : known) {
        if (one_within_the_other(name, candidate)) return candidate;
    }
    return std::nullopt;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> known,
                         char quote) {
    const auto found = nearest(name, known);
    if (!found) return {};
    std::string text = "; did you mean ";
    text += quote;
    text += *found;
    text += quote;
    return text + "?";
}

}  // namespace pitot::agent
