// What a channel is told: one Message, made of a Notice, its rule and this host.
//
// A Notice (engine.h) says what changed; a Message has beside it everything that a person or
// a receiver wants to know, its texts rendered. It is made once (message_maker.h), is the same
// for all channels, and is never changed: channels share it and keep it in their queue files.
//
// Labels and names are as clients sent them, so any UTF-8 may be in them. The texts
// (`summary`, `description`) have gone through printable() where clients' words are in them.
// A channel still escapes all of it for what it writes: nothing here is markup. Labels that it
// hands on go through label_text() (agent/alerts/alert_labels.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/alerts/engine.h"

namespace pitot::agent::alerts::channels {

enum class MessageType : std::uint8_t {
    firing,    // it began to fire, its level changed, or it still fires (is_repeat)
    resolved,  // it is over
    flapping,  // it changes too often to be told of; silence until `settled`
    settled,   // it has stopped to, and is as `level` says: 0 is ok
    overflow,  // of a channel's own: so many messages were held back by its rate limit
};
std::string_view to_string(MessageType type);

struct Message {
    MessageType type = MessageType::firing;
    bool is_repeat = false;                           // told before, and still so
    std::string alert;                                // the rule's name; "" in an overflow
    GroupLabels labels;                               // of the group
    std::map<std::string, std::string> fixed_labels;  // of the rule
    std::string severity;
    std::uint8_t level = 0;
    Reason reason = Reason::condition;
    bool has_value = false;           // now
    bool has_peak = false;            //
    double value = 0;                 // now, in `unit`
    double peak = 0;                  // the worst since it began
    std::optional<double> threshold;  // where the condition compares with a constant
    std::string unit;                 // "ms", "%", "": as the rule's metric has it
    std::string condition;            // of the level, as text; "" of a rule that is no more
    std::string host;                 // this one
    std::string summary;              // a line
    std::string description;          // may be empty, may have several lines
    std::string runbook_url;
    std::int64_t started_unix_ns = 0;  // it began to fire
    std::int64_t told_unix_ns = 0;     // of the flush that this message is about
    std::int64_t duration_ns = 0;      // since it began to fire
    std::int64_t repeat_ns = 0;        // the rule's: tell again while it fires; 0: as the channel
    std::uint64_t untold = 0;          // more of the rule fire, beyond max_instances
    std::uint64_t held_back = 0;       // of an overflow: how many messages

    // Nothing of it fires any more: `resolved`, or `settled` and ok.
    bool is_over() const;
    // Which instance of which rule: equal for all messages of one. Not for people.
    std::string key() const;
    // The same for other programs: 16 hexadecimal digits of a hash over host, rule and labels.
    std::string fingerprint() const;

    bool operator==(const Message&) const = default;
};

using MessagePointer = std::shared_ptr<const Message>;

// What of memory and of a queue file it takes, about.
std::size_t bytes_of(const Message& message);

}  // namespace pitot::agent::alerts::channels
