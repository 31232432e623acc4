#include "agent/status/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent {
namespace {

using sinks::LossReason;
using sinks::SinkState;
using sinks::SinkStatus;

// A shard answers between two batches, a loop between two tasks: within milliseconds. What
// takes longer than this is seen by somebody.
constexpr std::int64_t slow_ns = 1'000'000'000;
// Below, timers of a busy host are late without anybody's fault.
constexpr std::int64_t late_ns_min = 100'000'000;
// One line in so many may be refused before it is the agent's trouble too.
constexpr std::uint64_t lines_per_refused = 100;
// Of an error text: destinations may answer with pages.
constexpr std::size_t error_characters_max = 200;

std::string seconds(std::int64_t nanoseconds) {
    return fmt::format("{:.1f} s", static_cast<double>(nanoseconds) / 1e9);
}

// Several findings on one part: the worst one decides, the first of its kind is told.
class Finding {
public:
    explicit Finding(std::string part) : verdict_{.part = std::move(part)} {}

    void note(Health state, std::string reason) {
        if (state <= verdict_.state) return;
        verdict_.state = state;
        verdict_.reason = std::move(reason);
    }
    Verdict verdict() && { return std::move(verdict_); }

private:
    Verdict verdict_;
};

Verdict assess_intake(const Facts& facts) {
    Finding intake("intake");
    if (facts.flush.last == nullptr) return std::move(intake).verdict();
    const IntakeCounts& counts = facts.flush.last->counts;
    for (std::size_t i = 0; i < limited_count; ++i) {
        if (counts.limited[i] == 0) continue;
        const auto limit = static_cast<Limited>(i);
        intake.note(Health::degraded,
                    fmt::format("{} sample(s) {}: {}", counts.limited[i],
                                is_loss(limit) ? "dropped" : "counted in overflow series",
                                to_string(limit)));
    }
    const std::uint64_t refused = counts.lines - counts.accepted;
    if (refused * lines_per_refused > counts.lines) {
        const auto worst = std::ranges::max_element(counts.rejected);
        const auto reason = static_cast<protocol::Reject>(worst - counts.rejected.begin());
        intake.note(Health::degraded, fmt::format("{} of {} line(s) refused, most for {}", refused,
                                                  counts.lines, to_string(reason)));
    }
    return std::move(intake).verdict();
}

Verdict assess_listener(const Facts& facts, std::size_t index) {
    Finding listener(fmt::format("listeners.{}", facts.listeners[index]));
    const IntervalStatus* const last = facts.flush.last.get();
    if (last == nullptr || index >= last->total.listeners.size()) {
        return std::move(listener).verdict();
    }
    const ListenerCounters& now = last->total.listeners[index].counters;
    const ListenerCounters& before = last->listeners_before[index];
    const std::uint64_t dropped = now.kernel_drops - before.kernel_drops;
    const std::uint64_t read = now.datagrams - before.datagrams;
    if (dropped > read) {
        listener.note(
            Health::failing,
            fmt::format("{} datagram(s) dropped by the kernel, and only {} read", dropped, read));
    } else if (dropped > 0) {
        listener.note(Health::degraded,
                      fmt::format("{} datagram(s) dropped by the kernel", dropped));
    }
    struct Loss {
        std::uint64_t ListenerCounters::* count;
        std::string_view what;
    };
    constexpr std::array<Loss, 4> losses{{
        {&ListenerCounters::truncated_datagrams, "datagram(s) longer than can be received"},
        {&ListenerCounters::receive_errors, "failed read(s)"},
        {&ListenerCounters::connections_refused_over_cap, "connection(s) closed: too many"},
        {&ListenerCounters::accept_errors, "connection(s) not accepted"},
    }};
    for (const Loss& loss : losses) {
        const std::uint64_t news = now.*loss.count - before.*loss.count;
        if (news > 0) listener.note(Health::degraded, fmt::format("{} {}", news, loss.what));
    }
    return std::move(listener).verdict();
}

void note_silence(Finding& finding, const Liveness::Answer& loop, std::int64_t stuck) {
    const std::string said = fmt::format("has not answered for {}", seconds(loop.waiting_ns));
    if (loop.waiting_ns >= stuck) finding.note(Health::failing, said);
    if (loop.waiting_ns >= slow_ns) finding.note(Health::degraded, said);
}

// The number of "shard 12".
std::optional<std::size_t> shard_of(std::string_view loop) {
    constexpr std::string_view prefix = "shard ";
    if (!loop.starts_with(prefix)) return {};
    loop.remove_prefix(prefix.size());
    std::size_t number = 0;
    const char* const end = loop.data() + loop.size();
    const auto [stop, error] = std::from_chars(loop.data(), end, number);
    if (error != std::errc() || stop != end) return {};
    return number;
}

Verdict assess_shard(const Facts& facts, const Liveness::Answer& loop, std::size_t shard) {
    Finding finding(fmt::format("shards.{}", shard));
    if (facts.phase == Phase::stopping) return std::move(finding).verdict();
    note_silence(finding, loop, stuck_ns(facts.interval_ns));
    const IntervalStatus* const last = facts.flush.last.get();
    if (last != nullptr && shard < last->shard_answered.size() && !last->shard_answered[shard]) {
        finding.note(Health::degraded,
                     "did not hand over the last interval in time: it comes with a later one");
    }
    return std::move(finding).verdict();
}

Verdict assess_flush(const Facts& facts, const Liveness::Answer& loop) {
    Finding flush("flush");
    if (facts.phase != Phase::running) return std::move(flush).verdict();
    const std::int64_t stuck = stuck_ns(facts.interval_ns);
    const std::int64_t late_allowed_ns = std::max(facts.interval_ns / 10, late_ns_min);
    const FlushProgress& progress = facts.flush;
    if (progress.begun_steady_ns != 0) {
        const std::int64_t taken_ns = facts.now_steady_ns - progress.begun_steady_ns;
        const std::string said = fmt::format("has been under way for {}", seconds(taken_ns));
        if (taken_ns >= stuck) flush.note(Health::failing, said);
        if (taken_ns > facts.interval_ns) flush.note(Health::degraded, said);
    } else {
        const std::int64_t overdue_ns = facts.now_steady_ns - progress.due_steady_ns;
        const std::string said = fmt::format("should have begun {} ago", seconds(overdue_ns));
        if (overdue_ns >= stuck) flush.note(Health::failing, said);
        if (overdue_ns > late_allowed_ns) flush.note(Health::degraded, said);
        note_silence(flush, loop, stuck);
    }
    if (progress.last == nullptr) return std::move(flush).verdict();
    if (progress.last->late_ns > late_allowed_ns) {
        flush.note(Health::degraded,
                   fmt::format("the last one began {} late", seconds(progress.last->late_ns)));
    }
    if (progress.last->took_ns > facts.interval_ns) {
        flush.note(Health::degraded, fmt::format("the last one took {}, longer than an interval",
                                                 seconds(progress.last->took_ns)));
    }
    return std::move(flush).verdict();
}

Verdict assess_loop(const Facts& facts, const Liveness::Answer& loop) {
    Finding finding(loop.name);
    if (facts.phase != Phase::stopping) note_silence(finding, loop, stuck_ns(facts.interval_ns));
    return std::move(finding).verdict();
}

// For want of room or time: whatever comes next is lost too.
constexpr bool is_overload(LossReason reason) {
    return reason == LossReason::queue_full || reason == LossReason::too_old;
}

// Points that are done with, one way or another.
std::uint64_t settled(const sinks::Ledger& ledger) {
    return ledger.delivered + ledger.lost.sum();
}

std::uint64_t lost_since(const SinkStatus& now, const SinkStatus& before, LossReason reason) {
    return now.ledger.lost[reason] - before.ledger.lost[reason];
}

Verdict assess_sink(const Facts& facts, std::size_t index) {
    const Ledger::Sink& sink = facts.sinks[index];
    const SinkStatus& now = sink.status;
    Finding finding(fmt::format("sinks.{}", sink.name));
    const auto with_error = [&now](std::string_view state) {
        return now.last_error.empty()
                   ? std::string(state)
                   : fmt::format("{}: {}", state, printable(now.last_error, error_characters_max));
    };
    if (now.state == SinkState::held) finding.note(Health::failing, with_error("held"));

    const IntervalStatus* const last = facts.flush.last.get();
    const bool has_history = last != nullptr && index < last->sinks_before.size();
    const SinkStatus before = has_history ? last->sinks_before[index] : SinkStatus();
    for (std::size_t i = 0; i < sinks::loss_reason_count; ++i) {
        const auto reason = static_cast<LossReason>(i);
        const std::uint64_t lost = lost_since(now, before, reason);
        if (lost == 0) continue;
        finding.note(is_overload(reason) ? Health::failing : Health::degraded,
                     with_error(fmt::format("lost {} point(s) ({})", lost, to_string(reason))));
    }
    // A destination that refuses whatever it is offered is as good as none.
    const std::uint64_t refused = lost_since(now, before, LossReason::rejected) +
                                  lost_since(now, before, LossReason::too_large);
    const bool is_settled = now.ledger.queued + now.ledger.in_flight == 0;
    if (has_history && refused > 0 && is_settled &&
        now.ledger.delivered == before.ledger.delivered) {
        finding.note(Health::failing,
                     with_error(fmt::format("loses all that it is given: {} point(s) refused, and "
                                            "none delivered",
                                            refused)));
    }
    if (now.state == SinkState::retrying || now.state == SinkState::throttled) {
        finding.note(Health::degraded, with_error(to_string(now.state)));
    }
    // An empty state is sent too, by some: a batch without a point.
    const bool waited =
        before.queued_batches > 0 || before.ledger.queued + before.ledger.in_flight > 0;
    const bool is_unmoved = settled(now.ledger) == settled(before.ledger) &&
                            now.last_success_unix_ns == before.last_success_unix_ns;
    if (has_history && waited && is_unmoved) {
        finding.note(Health::degraded,
                     fmt::format("has taken nothing for an interval, and {} point(s) wait",
                                 now.ledger.queued + now.ledger.in_flight));
    }
    return std::move(finding).verdict();
}

// Of an interval, what the rules may take of the flush thread.
constexpr std::int64_t alerts_share = 10;

Verdict assess_alerts(const alerts::AlertsView& view) {
    Finding finding("alerts");
    if (!view.save_problem.empty()) finding.note(Health::degraded, view.save_problem);
    if (!view.restore_problem.empty()) finding.note(Health::degraded, view.restore_problem);
    for (const alerts::EvaluatorUsage* const usage : {&view.usage, &view.derived_usage}) {
        if (usage->refused_groups > 0) {
            finding.note(Health::degraded,
                         fmt::format("{} series are not seen by a rule, because alerts.max_state "
                                     "is used up",
                                     usage->refused_groups));
        }
        if (usage->unfit_series > 0) {
            finding.note(Health::degraded,
                         fmt::format("{} series cannot be compared by a rule: {}; declare it in "
                                     "[units]",
                                     usage->unfit_series, usage->unfit_example));
        }
    }
    if (view.interval_ns > 0 && view.took_ns > view.interval_ns / alerts_share) {
        finding.note(Health::degraded,
                     fmt::format("evaluating the rules took {}, of an interval "
                                 "of {}",
                                 seconds(view.took_ns), seconds(view.interval_ns)));
    }
    return std::move(finding).verdict();
}

Verdict assess_channel(const Ledger::Channel& channel) {
    Finding finding(fmt::format("channels.{}", channel.name));
    if (channel.status.is_failing()) {
        std::string said = fmt::format("{} message(s) wait", channel.status.counts.waiting);
        for (const auto& destination : channel.status.destinations) {
            if (destination.failures_in_a_row == 0 &&
                destination.state != alerts::channels::ChannelState::refused) {
                continue;
            }
            said += fmt::format("; {}: {}: {}", printable(destination.name),
                                to_string(destination.state),
                                printable(destination.last_error, error_characters_max));
        }
        finding.note(Health::degraded, std::move(said));
    }
    if (!channel.file_problem.empty()) finding.note(Health::degraded, channel.file_problem);
    return std::move(finding).verdict();
}

}  // namespace

std::string_view to_string(Health health) noexcept {
    constexpr std::array<std::string_view, 3> names{"ok", "degraded", "failing"};
    return names[std::to_underlying(health)];
}

std::string_view to_string(Phase phase) noexcept {
    constexpr std::array<std::string_view, 3> names{"starting", "running", "stopping"};
    return names[std::to_underlying(phase)];
}

std::int64_t stuck_ns(std::int64_t interval_ns) noexcept {
    constexpr std::int64_t least = 5'000'000'000;
    constexpr std::int64_t most = 60'000'000'000;
    return std::clamp(3 * interval_ns, least, most);
}

std::vector<Verdict> assess(const Facts& facts) {
    std::vector<Verdict> verdicts{assess_intake(facts)};
    for (std::size_t i = 0; i < facts.listeners.size(); ++i) {
        verdicts.push_back(assess_listener(facts, i));
    }
    for (const Liveness::Answer& loop : facts.loops) {
        if (const auto shard = shard_of(loop.name)) {
            verdicts.push_back(assess_shard(facts, loop, *shard));
        } else if (loop.name == "flush") {
            verdicts.push_back(assess_flush(facts, loop));
        } else {
            verdicts.push_back(assess_loop(facts, loop));
        }
    }
    for (std::size_t i = 0; i < facts.sinks.size(); ++i) {
        verdicts.push_back(assess_sink(facts, i));
    }
    if (facts.alerts != nullptr) verdicts.push_back(assess_alerts(*facts.alerts));
    for (const Ledger::Channel& channel : facts.channels) {
        verdicts.push_back(assess_channel(channel));
    }
    return verdicts;
}

std::string stuck_loop(const Facts& facts) {
    if (facts.phase == Phase::stopping) return {};
    const auto longest = std::ranges::max_element(facts.loops, {}, &Liveness::Answer::waiting_ns);
    if (longest == facts.loops.end() || longest->waiting_ns < stuck_ns(facts.interval_ns)) {
        return {};
    }
    return fmt::format("{} has not answered for {}", longest->name, seconds(longest->waiting_ns));
}

const HealthReport& HealthTracker::update(std::span<const Verdict> verdicts,
                                          std::int64_t now_unix_ns) {
    std::vector<PartHealth> parts;
    HealthReport next;
    next.since_unix_ns = report_.since_unix_ns;
    for (const Verdict& verdict : verdicts) {
        PartHealth part;
        part.part = verdict.part;
        part.since_unix_ns = now_unix_ns;
        const auto known = std::ranges::find(report_.parts, verdict.part, &PartHealth::part);
        if (known != report_.parts.end()) {
            if (known->state == verdict.state) part.since_unix_ns = known->since_unix_ns;
            part.last_error = known->last_error;
            part.last_error_unix_ns = known->last_error_unix_ns;
        }
        part.state = verdict.state;
        part.reason = verdict.reason;
        if (verdict.state != Health::ok) {
            part.last_error = verdict.reason;
            part.last_error_unix_ns = now_unix_ns;
        }
        if (verdict.state > next.state) {
            next.state = verdict.state;
            next.reason = fmt::format("{}: {}", verdict.part, verdict.reason);
        }
        parts.push_back(std::move(part));
    }
    if (report_.since_unix_ns == 0 || next.state != report_.state) {
        next.since_unix_ns = now_unix_ns;
    }
    next.parts = std::move(parts);
    report_ = std::move(next);
    return report_;
}

}  // namespace pitot::agent
