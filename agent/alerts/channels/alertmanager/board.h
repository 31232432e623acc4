// The state of all alerts that Alertmanagers are to have: what fires, and what ended lately.
//
// An Alertmanager knows an alert by its labels, and severity and the rule's own are among them.
// So one instance of a rule may have had several sets of labels: another level, a rule that was
// edited. What it no longer has is ended, or it would fire there beside the new one.
//
// Used by the channel under its lock; times are steady and passed in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
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
    enum class Put : std::uint8_t { no_room, made, replaced, relabelled };
    // `relabelled`: what this instance had before is now among its ends.
    Put put(const MessagePointer& message, const std::string& key, std::int64_t now_ns);
    // One of saved(), which ends nothing else. False: no room.
    bool restore(const MessagePointer& message, const std::string& key, std::int64_t since_ns);
    bool has(const std::string& key) { return firing_.find(key) != nullptr; }
    // The ends of labels that it had lately, and the newest state; none when it ended long ago.
    std::vector<MessagePointer> find(const std::string& key);
    // Forgets what ended long ago.
    void prune(std::int64_t now_ns);

    // Each once.
    std::vector<std::string> keys() const;
    // What fires is before what ended.
    std::vector<SavedAlert> saved(std::int64_t now_ns) const;
    std::size_t firing() const { return firing_.size(); }

private:
    struct Ended {
        MessagePointer message;
        std::int64_t ended_ns = 0;
    };

    // By key and labels.
    using EndedAlerts = std::map<std::pair<std::string, std::string>, Ended>;

    bool has_ended(const std::string& key) const;
    void keep_end(MessagePointer message, const std::string& key, std::int64_t now_ns);

    AlertMemory firing_;
    EndedAlerts ended_;
};

}  // namespace pitot::agent::alerts::channels::alertmanager
