#include "agent/log/repeat_limit.h"

#include <algorithm>
#include <utility>

#include "agent/log/layout.h"

namespace pitot::agent {
namespace {

constexpr std::int64_t interval_ns = repeat_interval.count();

// What a line shows of a message, whose characters have four bytes at most, and one more to
// tell that it was cut.
constexpr std::size_t kept_bytes_max = (message_characters_max + 1) * 4;

// "17", "6.0"; no address and no version.
bool is_number(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789.") == std::string_view::npos &&
           std::ranges::count(word, '.') <= 1 && word.front() != '.';
}

std::string likeness_of(std::string_view text) {
    text = text.substr(0, kept_bytes_max);
    std::string likeness;
    while (!text.empty()) {
        const std::size_t begin = std::min(text.find_first_not_of(" ("), text.size());
        const std::string_view rest = text.substr(begin);
        const std::string_view word = rest.substr(0, rest.find_first_of(" ,;:()"));
        // The full stop of a sentence is part of the word: "…, and lost 17."
        likeness += text.substr(0, begin);
        likeness += is_number(word) ? "0" : word;
        text = rest.substr(word.size());
        if (text.empty() || text.front() == ' ') continue;
        likeness += text.front();
        text.remove_prefix(1);
    }
    return likeness;
}

}  // namespace

void RepeatLimit::offer(LogLevel level, std::string_view text, std::int64_t now_steady_ns,
                        std::vector<Told>& out) {
    std::string likeness = likeness_of(text);
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
        return entry.level == level && entry.likeness == likeness;
    });
    if (found != entries_.end() && now_steady_ns - found->told_ns < interval_ns) {
        ++found->held;
        found->newest = text.substr(0, kept_bytes_max);
        found->newest_ns = now_steady_ns;
        tell_due(now_steady_ns, out);
        return;
    }

    // What was held back of this very message is told with it, in one line.
    Repeats repeats;
    if (found != entries_.end()) {
        if (found->held > 0) {
            repeats = {.count = found->held + 1,
                       .within_ns = now_steady_ns - found->told_ns,
                       .last_ago_ns = 0};
        }
        entries_.erase(found);
    }
    tell_due(now_steady_ns, out);
    if (entries_.size() >= messages_remembered_max) make_room(now_steady_ns, out);
    out.push_back({level, std::string(text.substr(0, kept_bytes_max)), repeats});
    entries_.push_back({.level = level,
                        .likeness = std::move(likeness),
                        .told_ns = now_steady_ns,
                        .held = 0,
                        .newest = {},
                        .newest_ns = 0});
}

void RepeatLimit::tell_due(std::int64_t now_steady_ns, std::vector<Told>& out) {
    const auto first_not_due = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return now_steady_ns - entry.told_ns < interval_ns; });
    if (first_not_due == entries_.begin()) return;
    std::vector<Entry> due(std::make_move_iterator(entries_.begin()),
                           std::make_move_iterator(first_not_due));
    entries_.erase(entries_.begin(), first_not_due);
    std::erase_if(due, [](const Entry& entry) { return entry.held == 0; });
    // A line was told of them just now: the next is an interval away.
    for (const Entry& entry : due) {
        Entry& again = entries_.emplace_back();
        again.level = entry.level;
        again.likeness = entry.likeness;
        again.told_ns = now_steady_ns;
    }
    tell(std::move(due), now_steady_ns, out);
}

void RepeatLimit::tell_all(std::int64_t now_steady_ns, std::vector<Told>& out) {
    tell(std::exchange(entries_, {}), now_steady_ns, out);
}

void RepeatLimit::make_room(std::int64_t now_ns, std::vector<Told>& out) {
    std::vector<Entry> oldest;
    oldest.push_back(std::move(entries_.front()));
    entries_.erase(entries_.begin());
    tell(std::move(oldest), now_ns, out);
}

void RepeatLimit::tell(std::vector<Entry> entries, std::int64_t now_ns, std::vector<Told>& out) {
    std::ranges::stable_sort(entries, {}, &Entry::newest_ns);
    for (Entry& entry : entries) {
        if (entry.held == 0) continue;
        out.push_back({entry.level,
                       std::move(entry.newest),
                       {.count = entry.held,
                        .within_ns = now_ns - entry.told_ns,
                        .last_ago_ns = now_ns - entry.newest_ns}});
    }
}

}  // namespace pitot::agent
