// What a channel has told of and is not over, and so what it wants to be told next.
//
// It decides by min_severity and send_resolved, with one exception that makes the two safe:
// whatever concerns an alert that was told is told, so that nobody waits for the end of one
// that fell below the bound first. Used by channels under their own lock; no clock, no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "agent/alerts/channels/message.h"

namespace pitot::agent::alerts::channels {

struct Wanted {
    std::size_t severity_min = 0;  // rank (severity.h)
    bool resolved = true;          // that it is over
};

struct RememberedAlert {
    MessagePointer message;          // the last one
    std::int64_t told_ns = 0;        // steady; when that was
    std::int64_t repeat_due_ns = 0;  // 0: not decided yet
    bool is_known = false;           // the destination has one of its messages
    bool is_folded = false;          // only counted in an overflow so far
};

class AlertMemory {
public:
    explicit AlertMemory(Wanted wanted) : wanted_(wanted) {}

    // `is_addressed` as in Channel::tell().
    bool wants(const Message& message, const std::string& key, bool is_addressed) const;

    // Null when there is none.
    RememberedAlert* find(const std::string& key);
    // Made, unless alerts_remembered_max are there already: null then.
    RememberedAlert* find_or_make(const std::string& key);
    void forget(const std::string& key) { alerts_.erase(key); }

    std::size_t size() const { return alerts_.size(); }
    void each(const std::function<void(const std::string&, RememberedAlert&)>& visit);
    void each(const std::function<void(const RememberedAlert&)>& visit) const;

private:
    Wanted wanted_;
    std::unordered_map<std::string, RememberedAlert> alerts_;
};

}  // namespace pitot::agent::alerts::channels
