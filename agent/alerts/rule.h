// One alert rule: its levels, and how it goes from true to told.
//
// A rule has one level, or several that escalate ("warn" above 80 %, "crit" above 90 %): one
// alert either way. What the numbers mean at a flush is decided by instance.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/program.h"

namespace pitot::agent::alerts {

inline constexpr std::size_t levels_max = 3;

// What an evaluation without data does.
enum class NoData : std::uint8_t {
    hold,   // nothing: a firing alert stays, and is marked stale
    zero,   // takes it for the value 0
    ok,     // ends the alert
    alert,  // is one
};

// How long a condition must hold: for a time, or in so many of the last evaluations.
struct HoldFor {
    std::int64_t nanoseconds = 0;
    std::uint32_t needed = 0;  // "3 of 5": 3 …
    std::uint32_t of = 0;      // … and 5, at most evaluations_max; 0: a time
};
inline constexpr std::uint32_t evaluations_max = 64;

// More changes than `transitions` within `within_ns` are told once, and then not before
// `hold_ns` went by without one.
struct FlapDamping {
    std::uint32_t transitions = 4;  // 0: none
    std::int64_t within_ns = 1'800'000'000'000;
    std::int64_t hold_ns = 900'000'000'000;
};

struct RulePolicy {
    HoldFor hold_for = {};
    std::int64_t keep_firing_ns = 0;
    NoData no_data = NoData::hold;
    // A firing alert without data ends after this.
    std::int64_t resolve_after_ns = 3'600'000'000'000;
    FlapDamping flap = {};
    // The least value is the worst: the condition is "<" or "<=".
    bool worst_is_least = false;
};

struct Level {
    std::string severity;
    Program condition;
    std::optional<Program> clear = std::nullopt;  // else: the condition is false
};

struct Rule {
    std::string name;
    std::vector<Level> levels;  // ascending; 1 to levels_max
    RulePolicy policy = {};
    // Instances that are told of at once; others are counted until there is room.
    std::size_t instances_max = 50;
    // Names of rules whose firing instances, where they have equal labels, keep this one quiet.
    std::vector<std::string> inhibited_by = {};
};

}  // namespace pitot::agent::alerts
