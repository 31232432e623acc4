// Keeps a message that comes again and again from filling the log, and loses none of them.
//
// A message is told as it comes, if none like it was told in the last `repeat_interval`.
// Those that come meanwhile are counted, and told as one line when the interval is over: the
// newest of them, with how many it stands for. The lines of a message thus add up to how
// often it came, each line at least an interval after the one before.
//
// Like another is a message of the same level whose text differs in nothing but numbers that
// stand as words: "flush: interval 17 was 30 ms late" is like "flush: interval 18 was 41 ms
// late", but "sinks.a1: …" is not like "sinks.a2: …", nor "c.1" like "c.2".
//
// spdlog's dup_filter_sink is no help here: it knows the last message only, so that two that
// take turns pass it, and tells what it held back when another message comes, if one does.
//
// Used by LogSink under its lock; it has no thread and no clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/log/record.h"

namespace pitot::agent {

// Half of the minute for which those who count by themselves keep silent (IntakeReport, the
// Deliverer): what they tell is never held back, and their counts are never hidden.
inline constexpr std::chrono::nanoseconds repeat_interval = std::chrono::seconds(30);

// Different messages remembered at once. The agent has fewer; but what clients send is in
// some of them, and must not make this grow. Beyond, the one told longest ago is forgotten.
inline constexpr std::size_t messages_remembered_max = 64;

class RepeatLimit {
public:
    struct Told {
        LogLevel level = LogLevel::info;
        std::string text;  // as far as a line has room for it
        Repeats repeats;
    };

    // A message. Appends to `out` what is to be told now, in this order: what was held back
    // and is due, or has to make room; the message itself, unless it is held back.
    void offer(LogLevel level, std::string_view text, std::int64_t now_steady_ns,
               std::vector<Told>& out);
    // What was held back and is due, in the order in which it came last.
    void tell_due(std::int64_t now_steady_ns, std::vector<Told>& out);
    // What was held back, due or not; forgets everything. At the end.
    void tell_all(std::int64_t now_steady_ns, std::vector<Told>& out);

private:
    struct Entry {
        LogLevel level = LogLevel::info;
        std::string likeness;  // the text with "0" for every number
        std::int64_t told_ns = 0;
        std::uint64_t held = 0;  // since then
        std::string newest;      // of those held
        std::int64_t newest_ns = 0;
    };

    void tell(std::vector<Entry> entries, std::int64_t now_ns, std::vector<Told>& out);
    void make_room(std::int64_t now_ns, std::vector<Told>& out);

    std::vector<Entry> entries_;  // by told_ns: the oldest first
};

}  // namespace pitot::agent
