// The state of all alerts that Alertmanagers are to have: what fires, and what ended lately.
//
// Used by the channel under its lock; times are steady and passed in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/alerts/channels/alert_memory.h"
#include "agent/alerts/channels/channel.h"

namespace pitot::agent::alerts::channels::alertmanager {

// An instance that was away for this long has missed the end of an alert, which it then ends
// by itself. Alertmanager's documentation asks for five minutes at least.
inline constexpr std::int64_t resolved_kept_ns = 900'000'000'000;

class Board {
public:
    explicit Board(Wanted wanted) : firing_(wanted) {}

    bool wants(const Message& message, const std::string& key, bool is_addressed) const {
        return firing_.wants(message, key, is_addressed);
    }
    // False: there is no room for one more.
    bool put(const MessagePointer& message, const std::string& key, std::int64_t now_ns);
    bool has(const std::string& key) { return firing_.find(key) != nullptr; }
    // The newest state; null when it ended long ago.
    MessagePointer find(const std::string& key);
    // Forgets what ended long ago.
    void prune(std::int64_t now_ns);

    std::vector<std::string> keys() const;
    std::vector<SavedAlert> saved(std::int64_t now_ns) const;
    std::size_t firing() const { return firing_.size(); }

private:
    struct Ended {
        MessagePointer message;
        std::int64_t ended_ns = 0;
    };

    AlertMemory firing_;
    std::map<std::string, Ended> ended_;
};

}  // namespace pitot::agent::alerts::channels::alertmanager
