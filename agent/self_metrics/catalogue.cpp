#include "agent/self_metrics/catalogue.h"

#include <algorithm>
#include <array>

#include "protocol/reject.h"

namespace pitot::agent {
namespace {

using alerts::AlertCounts;
using alerts::channels::ChannelCounts;
using alerts::channels::ChannelStatus;
using protocol::Kind;
using sinks::SinkState;
using sinks::SinkStatus;

template <typename Reason>
std::string_view name_of(std::size_t reason) {
    return to_string(static_cast<Reason>(reason));
}

double in_seconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

// The first reason is that there is none.
constexpr Reasons rejects{1, protocol::reject_count, name_of<protocol::Reject>};
constexpr Reasons limiteds{0, limited_count, name_of<Limited>};
constexpr Reasons losses{0, sinks::loss_reason_count, name_of<sinks::LossReason>};
constexpr Reasons message_losses{0, alerts::channels::message_loss_count,
                                 name_of<alerts::channels::MessageLoss>};
constexpr Reasons skips{0, sinks::skip_reason_count, name_of<sinks::SkipReason>};

// Readers of one member, or of a member of a member. Everything is told as a double: sums stay
// whole numbers up to 2^53, which is a thousand million lines a second for a hundred days.
template <auto... Path>
constexpr OfProcess of_ledger{
    [](const Observed& now) { return static_cast<double>((now.ledger.*....*Path)); }};
template <auto Member>
constexpr OfListener of_listener{
    [](const ListenerCounters& of) { return static_cast<double>(of.*Member); }};
template <auto... Path>
constexpr OfSink of_sink{[](const SinkStatus& of) { return static_cast<double>((of.*....*Path)); }};
template <auto... Path>
constexpr OfRule of_rule{
    [](const AlertCounts::OfRule& of) { return static_cast<double>((of.*....*Path)); }};
template <auto... Path>
constexpr OfChannel of_channel{
    [](const ChannelStatus& of) { return static_cast<double>((of.*....*Path)); }};

// Of a channel with several destinations, the one that has failed most often in a row.
double failures_in_a_row(const ChannelStatus& of) {
    std::uint32_t most = 0;
    for (const auto& destination : of.destinations) {
        most = std::max(most, destination.failures_in_a_row);
    }
    return most;
}

constexpr std::array metrics{
    OwnMetric{"build_info", Kind::gauge, "1", "Which version runs; the value says nothing",
              OfBuild{}},
    OwnMetric{"process.start_time_seconds", Kind::gauge, "s since 1970", "When the agent started",
              OfProcess{[](const Observed& now) { return in_seconds(now.started_unix_ns); }}},
    OwnMetric{"process.cpu_seconds", Kind::counter, "s",
              "Processor time used, by the agent and by the kernel for it",
              OfProcess{[](const Observed& now) { return in_seconds(now.process.cpu_ns); }}},
    OwnMetric{"process.resident_memory_bytes", Kind::gauge, "bytes",
              "Memory of the agent that is in RAM", OfProcess{[](const Observed& now) {
                  return static_cast<double>(now.process.resident_bytes);
              }}},

    OwnMetric{"lines", Kind::counter, "lines", "Lines read, good or bad",
              of_ledger<&Ledger::intake, &IntakeCounts::lines>},
    OwnMetric{"lines_accepted", Kind::counter, "lines",
              "Lines taken; with those rejected they are all lines",
              of_ledger<&Ledger::intake, &IntakeCounts::accepted>},
    OwnMetric{"rejected", Kind::counter, "lines", "Lines refused, by what is wrong with them",
              OfProcessByReason{rejects,
                                [](const Observed& now, std::size_t reason) {
                                    return static_cast<double>(now.ledger.intake.rejected[reason]);
                                }}},
    OwnMetric{"samples", Kind::counter, "samples",
              "Values, events and service checks of accepted lines",
              of_ledger<&Ledger::intake, &IntakeCounts::samples>},
    OwnMetric{"samples_aggregated", Kind::counter, "samples",
              "Samples that count; the others were dropped at a limit",
              of_ledger<&Ledger::intake, &IntakeCounts::aggregated>},
    OwnMetric{"limited", Kind::counter, "samples",
              "Samples that a limit kept from a series of their own: counted in the overflow "
              "series of their name (`overflow_…`), or dropped",
              OfProcessByReason{limiteds,
                                [](const Observed& now, std::size_t reason) {
                                    return static_cast<double>(now.ledger.intake.limited[reason]);
                                }}},
    OwnMetric{"unknown_fields", Kind::counter, "fields",
              "Fields of accepted lines that no known version of the protocol has",
              of_ledger<&Ledger::intake, &IntakeCounts::unknown_fields>},
    OwnMetric{"slow_readings", Kind::counter, "lines",
              "Lines whose bytes did not name a known series, and were read in full",
              of_ledger<&Ledger::intake, &IntakeCounts::slow_readings>},

    OwnMetric{"listener.datagrams", Kind::counter, "datagrams", "Datagrams read",
              of_listener<&ListenerCounters::datagrams>},
    OwnMetric{"listener.bytes", Kind::counter, "bytes", "Bytes read, of datagrams and of streams",
              of_listener<&ListenerCounters::bytes>},
    OwnMetric{"listener.reads", Kind::counter, "calls",
              "Calls of the kernel that brought something", of_listener<&ListenerCounters::reads>},
    OwnMetric{"listener.kernel_drops", Kind::counter, "datagrams",
              "Datagrams that the kernel dropped because the receive buffer was full",
              of_listener<&ListenerCounters::kernel_drops>},
    OwnMetric{"listener.truncated", Kind::counter, "datagrams",
              "Datagrams that were too large to be read whole",
              of_listener<&ListenerCounters::truncated_datagrams>},
    OwnMetric{"listener.receive_errors", Kind::counter, "errors", "Reads that failed",
              of_listener<&ListenerCounters::receive_errors>},
    OwnMetric{"listener.connections_accepted", Kind::counter, "connections",
              "Connections served, now or before",
              of_listener<&ListenerCounters::connections_accepted>},
    OwnMetric{"listener.connections_refused", Kind::counter, "connections",
              "Connections closed at once, above the cap",
              of_listener<&ListenerCounters::connections_refused_over_cap>},
    OwnMetric{"listener.connections_closed_idle", Kind::counter, "connections",
              "Connections closed for saying nothing",
              of_listener<&ListenerCounters::connections_closed_idle>},
    OwnMetric{"listener.connections_open", Kind::gauge, "connections", "Connections open",
              of_listener<&ListenerCounters::connections_open>},
    OwnMetric{"listener.accept_errors", Kind::counter, "errors",
              "Connections that could not be accepted",
              of_listener<&ListenerCounters::accept_errors>},

    OwnMetric{"series", Kind::gauge, "series", "Series alive, without the agent's own",
              of_ledger<&Ledger::series>},
    OwnMetric{"series_rows", Kind::gauge, "rows",
              "Rows of all shards: a series has one in each shard that saw it",
              of_ledger<&Ledger::series_rows>},
    OwnMetric{"series_expired", Kind::counter, "series", "Series forgotten after a time of silence",
              of_ledger<&Ledger::series_expired>},
    OwnMetric{"table_bytes", Kind::gauge, "bytes", "Memory of names, tags and rows, of all shards",
              of_ledger<&Ledger::table_bytes>},
    OwnMetric{"value_bytes", Kind::gauge, "bytes", "Memory of the interval's values, of all shards",
              of_ledger<&Ledger::value_bytes>},

    OwnMetric{"flushes", Kind::counter, "flushes", "Flushes that are done",
              of_ledger<&Ledger::flush, &FlushCounts::flushes>},
    OwnMetric{"flushes_late", Kind::counter, "flushes",
              "Flushes that began late by more than a tenth of the interval",
              of_ledger<&Ledger::flush, &FlushCounts::late>},
    OwnMetric{"silent_shards", Kind::counter, "pages",
              "Pages of shards that came too late for their flush, and with the next one",
              of_ledger<&Ledger::flush, &FlushCounts::silent_shards>},
    OwnMetric{"flush.duration", Kind::timer, "ms",
              "What a flush takes: asking the shards, merging, encoding for all sinks",
              TimeOfFlush{[](const FlushCounts& flush) {
                  return flush.flushes == 0 ? -1 : flush.duration_ns_last;
              }}},
    OwnMetric{"flush.lateness", Kind::timer, "ms", "How long after its moment a flush began",
              TimeOfFlush{[](const FlushCounts& flush) { return flush.late_ns_last; }}},
    OwnMetric{"flush.turn", Kind::timer, "ms",
              "Asking the shards for their pages, until the last one has answered",
              TimeOfFlush{[](const FlushCounts& flush) { return flush.turn_ns_last; }}},

    OwnMetric{"sink.offered", Kind::counter, "points",
              "Points handed to the sink: delivered, superseded, lost, skipped, or still queued",
              of_sink<&SinkStatus::ledger, &sinks::Ledger::offered>},
    OwnMetric{"sink.delivered", Kind::counter, "points", "Points that the destination said it has",
              of_sink<&SinkStatus::ledger, &sinks::Ledger::delivered>},
    OwnMetric{"sink.superseded", Kind::counter, "points",
              "Points of a state that a newer one replaced before it was sent",
              of_sink<&SinkStatus::ledger, &sinks::Ledger::superseded>},
    OwnMetric{"sink.lost", Kind::counter, "points", "Points that did not arrive, by the reason",
              OfSinkByReason{losses,
                             [](const SinkStatus& of, std::size_t reason) {
                                 return static_cast<double>(of.ledger.lost.points[reason]);
                             }}},
    OwnMetric{"sink.skipped", Kind::counter, "points",
              "Points that the destination has no place or no use for, by the reason",
              OfSinkByReason{skips,
                             [](const SinkStatus& of, std::size_t reason) {
                                 return static_cast<double>(of.ledger.skipped.points[reason]);
                             }}},
    OwnMetric{"sink.queued_points", Kind::gauge, "points",
              "Points that wait for their turn or for the next attempt",
              of_sink<&SinkStatus::ledger, &sinks::Ledger::queued>},
    OwnMetric{"sink.in_flight_points", Kind::gauge, "points",
              "Points in the attempt that is under way",
              of_sink<&SinkStatus::ledger, &sinks::Ledger::in_flight>},
    OwnMetric{"sink.queued_batches", Kind::gauge, "batches", "Depth of the queue",
              of_sink<&SinkStatus::queued_batches>},
    OwnMetric{"sink.queued_bytes", Kind::gauge, "bytes", "Memory of the queue",
              of_sink<&SinkStatus::queued_bytes>},
    OwnMetric{"sink.queue_used", Kind::gauge, "ratio",
              "How full the queue is, 0 to 1; at 1 the oldest points are lost. 0 where only the "
              "newest state is kept",
              of_sink<&SinkStatus::queue_used>},
    OwnMetric{"sink.delivered_bytes", Kind::counter, "bytes",
              "Bytes delivered, before any compression", of_sink<&SinkStatus::delivered_bytes>},
    OwnMetric{"sink.attempts", Kind::counter, "attempts",
              "Attempts to deliver, whatever came of them; of a page, its versions",
              of_sink<&SinkStatus::attempts>},
    OwnMetric{"sink.failures_in_a_row", Kind::gauge, "attempts",
              "Attempts that failed since the last one that succeeded",
              of_sink<&SinkStatus::failures_in_a_row>},
    OwnMetric{"sink.working", Kind::gauge, "0 or 1",
              "0 while the sink tries again, waits because it was asked to, or is held",
              OfSink{[](const SinkStatus& of) {
                  return of.state == SinkState::idle || of.state == SinkState::working ? 1.0 : 0.0;
              }}},
    OwnMetric{"sink.last_success_seconds", Kind::gauge, "s since 1970",
              "When the last attempt succeeded; 0 if none has",
              OfSink{[](const SinkStatus& of) { return in_seconds(of.last_success_unix_ns); }}},
    OwnMetric{"sink.encode.duration", Kind::timer, "ms", "Encoding of one interval",
              TimesOfSink{
                  [](const SinkStatus& of) -> const sinks::RecentTimes& { return of.encodings; }}},
    OwnMetric{"sink.attempt.duration", Kind::timer, "ms",
              "One attempt to deliver, up to the answer; none of a page",
              TimesOfSink{[](const SinkStatus& of) -> const sinks::RecentTimes& {
                  return of.attempts_taken;
              }}},

    OwnMetric{
        "alert.state", Kind::gauge, "0, 1 or 2",
        "How the worst instance of a rule is: 0 ok, 1 pending, 2 firing",
        OfRule{[](const AlertCounts::OfRule& of) { return static_cast<double>(of.state()); }}},
    OwnMetric{"alert.pending", Kind::gauge, "instances",
              "Instances of a rule whose condition has not held for long enough yet",
              of_rule<&AlertCounts::OfRule::counts, &alerts::RuleCounts::pending>},
    OwnMetric{"alert.firing", Kind::gauge, "instances", "Instances of a rule that fire",
              of_rule<&AlertCounts::OfRule::counts, &alerts::RuleCounts::firing>},
    OwnMetric{"alert.suppressed", Kind::gauge, "instances",
              "Instances of a rule that fire and are not told of, because so many are already",
              of_rule<&AlertCounts::OfRule::counts, &alerts::RuleCounts::suppressed>},
    OwnMetric{"alert.notices", Kind::counter, "notices",
              "Changes of a rule's instances that the channels were told",
              of_rule<&AlertCounts::OfRule::notices>},
    OwnMetric{"alerts.evaluation.duration", Kind::timer, "ms",
              "Evaluating all rules, once everything is queued for all sinks",
              TimeOfFlush{[](const FlushCounts& flush) { return flush.alerts_ns_last; }}},
    OwnMetric{"alerts.state_bytes", Kind::gauge, "bytes",
              "Memory of the windows of all rules and derived series",
              of_ledger<&Ledger::alerts, &AlertCounts::state_bytes>},
    OwnMetric{"alerts.refused_groups", Kind::counter, "series",
              "Series that a rule has no data of, because `alerts.max_state` is used up",
              of_ledger<&Ledger::alerts, &AlertCounts::refused_groups>},
    OwnMetric{"alerts.unfit_series", Kind::counter, "series",
              "Series that a rule cannot compare, because they are not in its unit",
              of_ledger<&Ledger::alerts, &AlertCounts::unfit_series>},
    OwnMetric{"derived.series", Kind::gauge, "series",
              "Series that the agent made of others in the last flush, `ALERTS` among them",
              of_ledger<&Ledger::alerts, &AlertCounts::derived_series>},
    OwnMetric{"derived.refused", Kind::counter, "points",
              "Points of such series that were left out: too many, too long, or another's name",
              of_ledger<&Ledger::alerts, &AlertCounts::derived_refused>},

    OwnMetric{"channel.told", Kind::counter, "messages",
              "Messages told to a channel: delivered, superseded, unwanted, lost, or waiting",
              of_channel<&ChannelStatus::counts, &ChannelCounts::told>},
    OwnMetric{"channel.delivered", Kind::counter, "messages",
              "Messages that the destination said it has",
              of_channel<&ChannelStatus::counts, &ChannelCounts::delivered>},
    OwnMetric{"channel.superseded", Kind::counter, "messages",
              "Messages that were no longer true before they were delivered",
              of_channel<&ChannelStatus::counts, &ChannelCounts::superseded>},
    OwnMetric{"channel.unwanted", Kind::counter, "messages",
              "Messages below the channel's `min_severity`, or ends that it does not tell",
              of_channel<&ChannelStatus::counts, &ChannelCounts::unwanted>},
    OwnMetric{"channel.lost", Kind::counter, "messages",
              "Messages that did not arrive, by the reason",
              OfChannelByReason{
                  message_losses,
                  [](const ChannelStatus& of,
                     std::size_t reason) { return static_cast<double>(of.counts.lost[reason]); }}},
    OwnMetric{"channel.waiting", Kind::gauge, "messages",
              "Messages that wait for their turn or for the next attempt",
              of_channel<&ChannelStatus::counts, &ChannelCounts::waiting>},
    OwnMetric{"channel.queued_bytes", Kind::gauge, "bytes", "Memory of the queue of a channel",
              of_channel<&ChannelStatus::queued_bytes>},
    OwnMetric{"channel.alerts", Kind::gauge, "instances",
              "Instances that fire and that the channel remembers",
              of_channel<&ChannelStatus::alerts>},
    OwnMetric{"channel.failures_in_a_row", Kind::gauge, "attempts",
              "Attempts that failed or were refused since the last one that succeeded; the worst "
              "destination's",
              OfChannel{failures_in_a_row}},
};

struct TagKeys {
    std::string_view operator()(const OfProcess&) const { return ""; }
    std::string_view operator()(const OfBuild&) const { return "version"; }
    std::string_view operator()(const OfListener&) const { return "listener"; }
    std::string_view operator()(const OfSink&) const { return "sink"; }
    std::string_view operator()(const OfProcessByReason&) const { return "reason"; }
    std::string_view operator()(const OfSinkByReason&) const { return "sink, reason"; }
    std::string_view operator()(const TimeOfFlush&) const { return ""; }
    std::string_view operator()(const TimesOfSink&) const { return "sink"; }
    std::string_view operator()(const OfRule&) const { return "alert"; }
    std::string_view operator()(const OfChannel&) const { return "channel"; }
    std::string_view operator()(const OfChannelByReason&) const { return "channel, reason"; }
};

}  // namespace

std::span<const OwnMetric> own_metrics() {
    return metrics;
}

std::string_view tag_keys(const OwnMetric& metric) {
    return std::visit(TagKeys{}, metric.reader);
}

std::vector<std::string> own_names(std::string_view prefix) {
    std::vector<std::string> names;
    names.reserve(metrics.size());
    for (const OwnMetric& metric : metrics) {
        names.push_back(std::string(prefix) + '.' + std::string(metric.name));
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace pitot::agent
