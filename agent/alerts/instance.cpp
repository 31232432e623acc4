#include "agent/alerts/instance.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace pitot::agent::alerts {

namespace {

// What one evaluation says: a level (0: none), or nothing.
struct Verdict {
    bool is_decided = false;
    std::uint8_t level = 0;   // the highest that is true
    bool lacks_data = false;  // undecided because there is none
};

Verdict verdict_of(std::span<const LevelTruth> levels) {
    Verdict verdict;
    bool is_open = false;
    for (std::size_t i = levels.size(); i-- > 0;) {
        const Truth truth = levels[i].raised;
        if (truth == Truth::yes) {
            // A higher one that is unknown does not make this one less true.
            verdict.is_decided = true;
            verdict.level = static_cast<std::uint8_t>(i + 1);
            return verdict;
        }
        if (truth == Truth::no) continue;
        is_open = true;
        verdict.lacks_data = truth == Truth::no_data;
        if (truth == Truth::filling) return verdict;
    }
    verdict.is_decided = !is_open;
    return verdict;
}

// Notes for each level whether it was true now, and returns the highest that has held for
// long enough.
std::uint8_t held_level(InstanceState& state, const RulePolicy& policy, std::size_t levels,
                        std::uint8_t raised, std::int64_t since_last_ns) {
    std::uint8_t held = 0;
    for (std::size_t i = 0; i < levels; ++i) {
        const bool is_true = raised > i;
        const bool was_true = (state.evaluations[i] & 1U) != 0;
        state.evaluations[i] = state.evaluations[i] << 1U | (is_true ? 1U : 0U);
        if (!is_true) {
            state.held_ns[i] = 0;
        } else if (was_true) {
            state.held_ns[i] += since_last_ns;
        }
        bool is_held = is_true && state.held_ns[i] >= policy.hold_for.nanoseconds;
        if (policy.hold_for.of > 0) {
            const std::uint32_t of = std::min(policy.hold_for.of, evaluations_max);
            const std::uint64_t mask =
                of == evaluations_max ? ~std::uint64_t{0} : (std::uint64_t{1} << of) - 1;
            state.evaluations[i] &= mask;
            is_held =
                std::popcount(state.evaluations[i]) >= static_cast<int>(policy.hold_for.needed);
        }
        if (is_held) held = static_cast<std::uint8_t>(i + 1);
    }
    return held;
}

bool is_any_pending(const InstanceState& state, const RulePolicy& policy, std::uint8_t raised) {
    if (policy.hold_for.of == 0) return raised > 0;
    return std::ranges::any_of(state.evaluations, [](std::uint64_t bits) { return bits != 0; });
}

void enter(InstanceState& state, Phase phase, const Moment& now) {
    if (state.phase == phase) return;
    state.phase = phase;
    state.phase_since_ns = now.steady_ns;
}

void note_change(InstanceState& state, const RulePolicy& policy, const Moment& now) {
    if (policy.flap.transitions == 0) return;
    state.changes.push_back(now.steady_ns);
    if (state.changes.size() > policy.flap.transitions + std::size_t{1}) {
        state.changes.erase(state.changes.begin());
    }
}

void note_value(InstanceState& state, const RulePolicy& policy, const Value& value) {
    if (value.known != Known::value) return;
    state.value = value.shown();
    if (!state.is_active()) return;
    // Of these a NaN is never the answer.
    state.peak = policy.worst_is_least ? std::fmin(state.peak, state.value)
                                       : std::fmax(state.peak, state.value);
}

void fire(InstanceState& state, const RulePolicy& policy, std::uint8_t level, const Value& value,
          const Moment& now) {
    enter(state, Phase::firing, now);
    state.level = level;
    state.started_ns = now.steady_ns;
    state.started_wall_ns = now.wall_ns;
    state.kept_ns = 0;
    const bool has_value = value.known == Known::value;
    if (has_value) state.value = value.shown();
    state.peak = has_value ? state.value : std::numeric_limits<double>::quiet_NaN();
    note_change(state, policy, now);
}

void end(InstanceState& state, const RulePolicy& policy, Reason reason, const Moment& now) {
    enter(state, Phase::ok, now);
    state.level = 0;
    state.reason = reason;
    state.stale_since_ns = 0;
    std::ranges::fill(state.held_ns, 0);
    std::ranges::fill(state.evaluations, 0);
    note_change(state, policy, now);
}

// A firing one with a decided verdict.
void follow(InstanceState& state, const RulePolicy& policy, std::span<const LevelTruth> levels,
            const Verdict& verdict, std::uint8_t held, std::int64_t since_last_ns,
            const Moment& now) {
    if (held > state.level) {
        state.level = held;
        note_change(state, policy, now);
    }
    if (verdict.level >= state.level) {
        enter(state, Phase::firing, now);
        state.kept_ns = 0;
        return;
    }
    // The level that it has stays until it is cleared, whatever is below.
    if (levels[state.level - 1U].cleared != Truth::yes) return;
    if (verdict.level > 0) {
        state.level = verdict.level;
        enter(state, Phase::firing, now);
        state.kept_ns = 0;
        note_change(state, policy, now);
        return;
    }
    if (state.phase == Phase::recovering) {
        state.kept_ns += since_last_ns;
    } else {
        enter(state, Phase::recovering, now);
        state.kept_ns = 0;
    }
    if (state.kept_ns >= policy.keep_firing_ns) end(state, policy, Reason::condition, now);
}

void give_up(InstanceState& state, const RulePolicy& policy, const Moment& now) {
    if (state.is_active()) {
        end(state, policy, Reason::expired, now);
        return;
    }
    enter(state, Phase::ok, now);
    state.stale_since_ns = 0;
    std::ranges::fill(state.held_ns, 0);
    std::ranges::fill(state.evaluations, 0);
}

void hold(InstanceState& state, const RulePolicy& policy, const Moment& now) {
    if (state.phase == Phase::ok) return;
    if (state.stale_since_ns == 0) state.stale_since_ns = now.steady_ns;
    if (now.steady_ns - state.stale_since_ns < policy.resolve_after_ns) return;
    give_up(state, policy, now);
}

void damp(InstanceState& state, const FlapDamping& flap, const Moment& now) {
    if (state.changes.empty()) return;
    const std::int64_t quiet_ns = now.steady_ns - state.changes.back();
    if (state.is_flapping) {
        state.is_flapping = quiet_ns < flap.hold_ns;
        if (!state.is_flapping) state.changes.clear();
        return;
    }
    std::erase_if(state.changes,
                  [&](std::int64_t at) { return now.steady_ns - at >= flap.within_ns; });
    state.is_flapping = state.changes.size() > flap.transitions;
}

}  // namespace

std::string_view to_string(Phase phase) {
    static constexpr std::array<std::string_view, 4> names{"ok", "pending", "firing", "recovering"};
    return names.at(static_cast<std::size_t>(phase));
}

std::string_view to_string(Reason reason) {
    static constexpr std::array<std::string_view, 4> names{"condition", "no_data", "expired",
                                                           "rule_removed"};
    return names.at(static_cast<std::size_t>(reason));
}

void evaluate(InstanceState& state, const RulePolicy& policy, std::span<const LevelTruth> levels,
              const Value& value, const Moment& now) {
    Verdict verdict = verdict_of(levels);
    Reason reason = Reason::condition;
    std::array<LevelTruth, levels_max> replaced{};
    // From the last evaluation, whatever it had: time without data does not count.
    const std::int64_t since_last_ns =
        state.evaluated_ns == 0 ? 0 : now.steady_ns - state.evaluated_ns;
    state.evaluated_ns = now.steady_ns;
    if (!verdict.is_decided && verdict.lacks_data) {
        if (policy.no_data == NoData::hold || policy.no_data == NoData::zero) {
            hold(state, policy, now);
            damp(state, policy.flap, now);
            return;
        }
        // No data is a verdict by itself.
        const bool alerts = policy.no_data == NoData::alert;
        reason = Reason::no_data;
        verdict = {.is_decided = true,
                   .level = static_cast<std::uint8_t>(alerts ? levels.size() : 0)};
        replaced.fill({alerts ? Truth::yes : Truth::no, alerts ? Truth::no : Truth::yes});
        levels = std::span(replaced).first(levels.size());
    }
    if (!verdict.is_decided) {
        damp(state, policy.flap, now);
        return;
    }
    state.stale_since_ns = 0;
    const std::uint8_t held =
        held_level(state, policy, levels.size(), verdict.level, since_last_ns);
    note_value(state, policy, value);
    if (state.is_active()) {
        follow(state, policy, levels, verdict, held, since_last_ns, now);
    } else if (held > 0) {
        fire(state, policy, held, value, now);
    } else {
        enter(state, is_any_pending(state, policy, verdict.level) ? Phase::pending : Phase::ok,
              now);
    }
    if (state.phase != Phase::ok) state.reason = reason;
    if (state.phase == Phase::ok && reason == Reason::no_data) state.reason = reason;
    damp(state, policy.flap, now);
}

void expire(InstanceState& state, const RulePolicy& policy, const Moment& now) {
    state.evaluated_ns = now.steady_ns;
    give_up(state, policy, now);
    damp(state, policy.flap, now);
}

}  // namespace pitot::agent::alerts
