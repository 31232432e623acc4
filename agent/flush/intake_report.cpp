#include "agent/flush/intake_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <spdlog/logger.h>

#include "agent/limits.h"
#include "agent/net/error_text.h"
#include "agent/printable.h"

namespace pitot::agent {
namespace {

constexpr std::int64_t quiet_ns = 60'000'000'000;

// What a listener's sockets count, as the operator is told of it.
struct Trouble {
    std::uint64_t ListenerCounters::* count;
    std::string_view what;  // after the count
    std::string_view remedy;
    bool has_error = false;  // ListenerCounters::last_error says more
};

constexpr std::array<Trouble, listener_trouble_count> troubles{{
    {&ListenerCounters::kernel_drops,
     "datagram(s) were dropped by the kernel, because the receive buffer was full",
     "raise receive_buffer (and net.core.rmem_max), use a Unix socket, or let clients send "
     "several lines in a datagram"},
    {&ListenerCounters::truncated_datagrams,
     "datagram(s) were longer than can be received; their last lines are lost",
     "let the client send smaller ones"},
    {&ListenerCounters::connections_refused_over_cap,
     "connection(s) were closed at once, because there are too many",
     "raise listeners.*.connections, or look for a client that does not close its own"},
    {&ListenerCounters::accept_errors, "time(s) a connection could not be accepted",
     "clients wait meanwhile; for want of open files raise the limit (LimitNOFILE=)", true},
    {&ListenerCounters::receive_errors, "time(s) a socket could not be read",
     "what it would have brought is lost; if that lasts, start the agent again", true},
}};

}  // namespace

IntakeReport::IntakeReport(const std::vector<std::string>& listener_names, spdlog::logger& log)
    : listener_names_(listener_names), log_(log), listeners_(listener_names.size()) {}

bool IntakeReport::Voice::may_speak(std::uint64_t news, std::int64_t now_unix_ns) {
    untold += news;
    if (untold == 0 || now_unix_ns < quiet_until_unix_ns) return false;
    quiet_until_unix_ns = now_unix_ns + quiet_ns;
    return true;
}

void IntakeReport::interval(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot,
                            const Interval& interval) {
    tell_refused(turn, snapshot);
    tell_overflow(turn, interval);
    tell_listeners(turn, interval);
}

void IntakeReport::tell_refused(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot) {
    for (std::size_t i = 0; i < protocol::reject_count; ++i) {
        if (!refused_[i].may_speak(snapshot.rejected[i], snapshot.end_unix_ns)) continue;
        const auto reason = static_cast<protocol::Reject>(i);
        const RejectedSample* example = nullptr;
        for (const ShardPage& page : turn.pages) {
            if (page.closed.page == nullptr || example != nullptr) continue;
            const std::vector<RejectedSample>& kept = page.closed.page->rejected_samples;
            const auto found = std::ranges::find(kept, reason, &RejectedSample::reason);
            if (found != kept.end()) example = &*found;
        }
        log_.warn("intake: refused {} line(s): {} ({}){}", std::exchange(refused_[i].untold, 0),
                  describe(reason), to_string(reason),
                  example == nullptr ? std::string()
                                     : "; for example from " + printable(example->sender) + ": " +
                                           printable(example->line, 120) +
                                           " (`pitot explain` shows how a line is read)");
    }
}

void IntakeReport::tell_overflow(const ShardSet::Turn& turn, const Interval& interval) {
    std::array<std::uint64_t, limited_count> news{};
    const Culprit* worst = nullptr;
    for (const ShardPage& page : turn.pages) {
        if (page.closed.page == nullptr) continue;
        for (std::size_t i = 0; i < limited_count; ++i) {
            news[i] += page.closed.page->counts.limited[i];
        }
        for (const Culprit& culprit : page.closed.page->culprits) {
            if (worst == nullptr || culprit.lines > worst->lines) worst = &culprit;
        }
    }
    const std::string culprit = worst == nullptr ? "?" : printable(worst->name);
    for (std::size_t i = 0; i < limited_count; ++i) {
        if (!limited_[i].may_speak(news[i], interval.end_unix_ns)) continue;
        const std::uint64_t count = std::exchange(limited_[i].untold, 0);
        switch (static_cast<Limited>(i)) {
            case Limited::overflow_series:
                log_.warn(
                    "limits: there are too many series, and {} sample(s) with new tag sets were "
                    "counted in overflow series (totals are right, their tags are gone); "
                    "most are of `{}`; drop the tag that grows, or raise limits.series, "
                    "limits.series_per_metric or limits.table_bytes",
                    count, culprit);
                break;
            case Limited::overflow_values:
                log_.warn(
                    "limits.value_bytes: the memory is used up, and {} value(s) of timers and sets "
                    "were counted in overflow series (totals are right, their tags are gone); "
                    "among them are those of `{}`; raise it, or shorten the interval",
                    count, culprit);
                break;
            case Limited::overflow_rows:
                log_.warn(
                    "limits: there are too many series, and {} time(s) what a shard counted of a "
                    "series in an interval went to an overflow series (totals are right, its "
                    "tags are gone); among them is `{}`; drop the tag that grows, or raise "
                    "limits.series or limits.value_bytes",
                    count, culprit);
                break;
            case Limited::timed_samples:
                log_.warn(
                    "limits: dropped {} sample(s) with a time of their own: more than {}, or than "
                    "a "
                    "quarter of limits.value_bytes holds, in one interval and shard; raise that, "
                    "shorten the interval, or let clients send fewer",
                    count, limits::timed_samples_per_interval_max);
                break;
            case Limited::events:
                log_.warn(
                    "limits: dropped {} event(s) and service check(s): more than {}, or than a "
                    "quarter of limits.value_bytes holds, in one interval and shard; look for the "
                    "client that sends so many",
                    count, limits::events_per_interval_max);
                break;
        }
    }
}

void IntakeReport::tell_listeners(const ShardSet::Turn& turn, const Interval& interval) {
    for (std::size_t i = 0; i < std::min(turn.listeners.size(), listeners_.size()); ++i) {
        const ListenerCounters& now = turn.listeners[i];
        OfListener& of = listeners_[i];
        for (std::size_t kind = 0; kind < troubles.size(); ++kind) {
            const Trouble& trouble = troubles[kind];
            Voice& voice = of.voices[kind];
            const std::uint64_t news = now.*trouble.count - of.last.*trouble.count;
            if (!voice.may_speak(news, interval.end_unix_ns)) continue;
            log_.warn("listeners.{}: {} {}{}{}; {}", listener_names_[i],
                      std::exchange(voice.untold, 0), trouble.what, trouble.has_error ? ": " : "",
                      trouble.has_error ? error_text(now.last_error) : "", trouble.remedy);
        }
        of.last = now;
    }
}

}  // namespace pitot::agent
