// How well the agent is, part by part: the rules.
//
// assess() is a pure function from facts to a verdict on each part; HealthTracker remembers
// since when each verdict has held. What is measured, and by whom, is not decided here, and
// neither is how it is shown (web/documents.h, cli/status_page.h).
//
//     part            degraded when                                  failing when
//     intake          samples were dropped or folded by a limit,
//                     or more than a hundredth of all lines refused
//     listeners.NAME  the kernel dropped datagrams, or connections,  it dropped more than it
//                     reads or the ends of datagrams were lost       let through
//     shards.N        its page did not come in time, or it has not   it has not answered for
//                     answered for a second                          stuck_ns()
//     flush           late, or longer than an interval               so for stuck_ns()
//     delivery        its loop has not answered for a second         for stuck_ns()
//     alerts          the state was damaged, or cannot be saved;
//                     rules take a tenth of an interval, or are
//                     blind for want of memory or for a unit
//     channels.NAME   messages do not arrive
//     sinks.NAME      attempts fail; points were lost for what they  held: only the operator
//                     are; or nothing was taken for an interval      can mend it; points were
//                     while something waited                         lost for want of room; or
//                                                                    all were refused
//
// What an interval brought holds until the next one has ended without it; what can be seen at
// once (a sink's state, a loop that is silent) counts at once. So each state turns within a
// flush of what it is about, and back within a flush of its end. The whole is as its worst
// part is.
//
// No sender alone can make a part fail but by sending more than can be read, or nothing that a
// destination takes: refused lines are the sender's trouble, and the agent is degraded by them at
// the most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alerts_view.h"
#include "agent/service/liveness.h"
#include "agent/status/interval_status.h"

namespace pitot::agent {

enum class Health : std::uint8_t { ok, degraded, failing };

// "ok", "degraded", "failing"
std::string_view to_string(Health health) noexcept;

enum class Phase : std::uint8_t { starting, running, stopping };

// "starting", "running", "stopping"
std::string_view to_string(Phase phase) noexcept;

// What the rules go by, at one moment.
struct Facts {
    Phase phase = Phase::starting;
    std::int64_t now_steady_ns = 0;
    std::int64_t interval_ns = 0;
    FlushProgress flush;
    std::vector<Liveness::Answer> loops;                    // "shard 0", "flush", "delivery"
    std::vector<std::string> listeners;                     // names, in the order of the ledger
    std::vector<Ledger::Sink> sinks = {};                   // as they are now
    std::shared_ptr<const alerts::AlertsView> alerts = {};  // null: none are configured
    std::vector<Ledger::Channel> channels = {};             // as they are now
};

struct Verdict {
    std::string part;  // "intake", "listeners.apps", "shards.0", "flush", "sinks.push"
    Health state = Health::ok;
    std::string reason = {};  // what happened; "" where all is well. Fit for a terminal
};

// After so long a loop, or a flush, is taken to be stuck: three intervals, but neither so few
// seconds that a busy host looks dead, nor more than a minute.
std::int64_t stuck_ns(std::int64_t interval_ns) noexcept;

// One for each part, always in the same order. A process that stops is asked no more of.
std::vector<Verdict> assess(const Facts& facts);

// The loop that has not answered for stuck_ns(), as a sentence; "" when all turn. Of a process
// that stops, too, nothing is said: its loops end one by one.
std::string stuck_loop(const Facts& facts);

// A verdict with its history.
struct PartHealth {
    std::string part;
    Health state = Health::ok;
    std::int64_t since_unix_ns = 0;
    std::string reason;
    std::string last_error;               // the last reason there was
    std::int64_t last_error_unix_ns = 0;  // when it was last so; 0: never
};

struct HealthReport {
    Health state = Health::ok;  // of the worst part
    std::int64_t since_unix_ns = 0;
    std::string reason;  // of the first among the worst, with its name; "" where all is well
    std::vector<PartHealth> parts;
};

// Not synchronised.
class HealthTracker {
public:
    // A part that is met for the first time has been as it is since now.
    const HealthReport& update(std::span<const Verdict> verdicts, std::int64_t now_unix_ns);

private:
    HealthReport report_;
};

}  // namespace pitot::agent
