#include "agent/alerts/channels/alertmanager/board.h"

#include <algorithm>

namespace pitot::agent::alerts::channels::alertmanager {

bool Board::put(const MessagePointer& message, const std::string& key, std::int64_t now_ns) {
    if (message->is_over()) {
        firing_.forget(key);
        // The oldest end has been sent the longest.
        if (ended_.size() >= alerts_remembered_max && !ended_.contains(key)) {
            ended_.erase(std::ranges::min_element(
                ended_, {}, [](const auto& entry) { return entry.second.ended_ns; }));
        }
        ended_[key] = {message, now_ns};
        return true;
    }
    RememberedAlert* const alert = firing_.find_or_make(key);
    if (alert == nullptr) return false;
    ended_.erase(key);
    alert->message = message;
    alert->told_ns = now_ns;
    return true;
}

MessagePointer Board::find(const std::string& key) {
    if (const RememberedAlert* const alert = firing_.find(key)) return alert->message;
    const auto ended = ended_.find(key);
    return ended == ended_.end() ? nullptr : ended->second.message;
}

void Board::prune(std::int64_t now_ns) {
    std::erase_if(ended_, [&](const auto& entry) {
        return now_ns - entry.second.ended_ns > resolved_kept_ns;
    });
}

std::vector<std::string> Board::keys() const {
    std::vector<std::string> out;
    firing_.each([&](const RememberedAlert& alert) { out.push_back(alert.message->key()); });
    for (const auto& [key, ended] : ended_) out.push_back(key);
    return out;
}

std::vector<SavedAlert> Board::saved(std::int64_t now_ns) const {
    std::vector<SavedAlert> out;
    firing_.each([&](const RememberedAlert& alert) {
        out.push_back({.message = alert.message, .age_ns = now_ns - alert.told_ns});
    });
    for (const auto& [key, ended] : ended_) {
        out.push_back({.message = ended.message, .age_ns = now_ns - ended.ended_ns});
    }
    return out;
}

}  // namespace pitot::agent::alerts::channels::alertmanager
