// One instance of an alert, from evaluation to evaluation.
//
//     ok ──true──► pending ──held──► firing ──cleared──► recovering ──kept──► ok
//                  │    ▲                 ▲──────true again──┘
//                  └────┘ false: ok
//
// Beside that: a level that rises while firing and falls when it is cleared, `stale` while a
// firing one has no data, `flapping` while it changes too often to be told each time. An
// evaluation without data neither advances nor resets anything, unless the rule says so
// (NoData), and one that cannot be decided yet never does.
//
// Time is the flush clock's: steady, passed in, and never read here. Being pending counts
// the time between evaluations that had data, so that an outage does not fire an alert.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/alerts/rule.h"
#include "agent/alerts/value.h"

namespace pitot::agent::alerts {

enum class Phase : std::uint8_t { ok, pending, firing, recovering };
// "ok", "pending", …
std::string_view to_string(Phase phase);

// Why it is as it is.
enum class Reason : std::uint8_t { condition, no_data, expired, rule_removed };
std::string_view to_string(Reason reason);

struct Moment {
    std::int64_t steady_ns = 0;
    std::int64_t wall_ns = 0;  // for messages only
};

struct LevelTruth {
    Truth raised = Truth::no_data;
    Truth cleared = Truth::no_data;
};

struct InstanceState {
    Phase phase = Phase::ok;
    Reason reason = Reason::condition;
    std::uint8_t level = 0;  // while firing or recovering: 1 is the first; else 0
    bool is_flapping = false;
    std::int64_t evaluated_ns = 0;  // when it was last evaluated
    std::int64_t phase_since_ns = 0;
    std::int64_t started_wall_ns = 0;  // when it began to fire, for messages
    std::int64_t started_ns = 0;
    std::int64_t stale_since_ns = 0;  // 0: not stale
    std::int64_t kept_ns = 0;         // of keep_firing: how much has gone by
    double value = 0;                 // the last one
    double peak = 0;                  // the worst one since it began to fire; NaN: it had none
    // By level: how long it has held, and the last evaluations, the newest in bit 0.
    std::int64_t held_ns[levels_max] = {};
    std::uint64_t evaluations[levels_max] = {};
    std::vector<std::int64_t> changes;  // the latest times at which it began or ended to fire
    // What was told of it: 0 that it is ok, else the level.
    std::uint8_t told_level = 0;

    bool has_peak() const { return !std::isnan(peak); }
    bool is_active() const { return phase == Phase::firing || phase == Phase::recovering; }
    // Nothing would be lost with it.
    bool is_idle() const {
        return phase == Phase::ok && told_level == 0 && !is_flapping && changes.empty();
    }
};

// One evaluation. `levels`: as many as the rule has, ascending.
void evaluate(InstanceState& state, const RulePolicy& policy, std::span<const LevelTruth> levels,
              const Value& value, const Moment& now);

// Nobody waits for it any more: what fires has expired, what is pending is over.
void expire(InstanceState& state, const RulePolicy& policy, const Moment& now);

}  // namespace pitot::agent::alerts
