// One message of the log before it has a form: who it is about, what it says, how often.
//
// A message that is about one part of the agent begins with that part's name and a colon:
// "sinks.push: …", "listeners.apps: …", "flush: …", the key of the configuration where
// there is one. That is all that code which logs has to know: split_part() takes the name
// off again, so that machine formats have it as a field of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/log/log_config.h"

namespace pitot::agent {

// How often a message came that was not told each time (repeat_limit.h).
struct Repeats {
    std::uint64_t count = 0;       // how many messages the line stands for; 0: for itself alone
    std::int64_t within_ns = 0;    // since the last line of that message
    std::int64_t last_ago_ns = 0;  // since the last of the messages that the line stands for
};

struct Record {
    std::int64_t unix_ns = 0;
    std::int64_t utc_offset_s = 0;  // of the local time: for people
    LogLevel level = LogLevel::info;
    std::string_view text;  // part and message; any bytes
    Repeats repeats;
};

struct SplitText {
    std::string_view part;  // "" where the message is about the agent as a whole
    std::string_view message;
};

// A part's name is words of letters, digits, '_' and '-' with dots between them; the first
// begins with a small letter, so that "TLS: …" and "--config: …" have no part.
SplitText split_part(std::string_view text);

}  // namespace pitot::agent
