#include "agent/ledger.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

using sinks::JsonWriter;

std::uint64_t rejected(const IntakeCounts& counts) {
    return std::accumulate(counts.rejected.begin(), counts.rejected.end(), std::uint64_t{0});
}

std::uint64_t dropped(const IntakeCounts& counts) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < limited_count; ++i) {
        if (is_loss(static_cast<Limited>(i))) sum += counts.limited[i];
    }
    return sum;
}

void field(JsonWriter& json, std::string_view name, std::uint64_t value) {
    json.key(name);
    json.integer(value);
}

void write_listener(JsonWriter& json, const ListenerCounters& counters) {
    json.begin_object();
    field(json, "datagrams", counters.datagrams);
    field(json, "bytes", counters.bytes);
    field(json, "reads", counters.reads);
    field(json, "kernel_drops", counters.kernel_drops);
    field(json, "truncated_datagrams", counters.truncated_datagrams);
    field(json, "receive_errors", counters.receive_errors);
    field(json, "connections_accepted", counters.connections_accepted);
    field(json, "connections_refused_over_cap", counters.connections_refused_over_cap);
    field(json, "connections_closed_idle", counters.connections_closed_idle);
    field(json, "connections_open", counters.connections_open);
    field(json, "accept_errors", counters.accept_errors);
    field(json, "lines_refused", counters.lines_refused);
    json.end_object();
}

void write_intake(JsonWriter& json, const IntakeCounts& counts) {
    json.key("lines");
    json.begin_object();
    field(json, "total", counts.lines);
    field(json, "accepted", counts.accepted);
    json.key("rejected");
    json.begin_object();
    for (std::size_t i = 1; i < counts.rejected.size(); ++i) {
        if (counts.rejected[i] == 0) continue;
        field(json, to_string(static_cast<protocol::Reject>(i)), counts.rejected[i]);
    }
    json.end_object();
    field(json, "unknown_fields", counts.unknown_fields);
    field(json, "bytes", counts.bytes);
    json.end_object();

    json.key("samples");
    json.begin_object();
    field(json, "total", counts.samples);
    field(json, "aggregated", counts.aggregated);
    json.key("limited");
    json.begin_object();
    for (std::size_t i = 0; i < counts.limited.size(); ++i) {
        if (counts.limited[i] == 0) continue;
        field(json, to_string(static_cast<Limited>(i)), counts.limited[i]);
    }
    json.end_object();
    json.end_object();
}

template <typename Reason, typename Counts>
void write_reasons(JsonWriter& json, std::string_view name, const Counts& counts) {
    json.key(name);
    json.begin_object();
    for (std::size_t i = 0; i < counts.points.size(); ++i) {
        if (counts.points[i] == 0) continue;
        field(json, to_string(static_cast<Reason>(i)), counts.points[i]);
    }
    json.end_object();
}

void write_sink(JsonWriter& json, const Ledger::Sink& sink) {
    const sinks::SinkStatus& status = sink.status;
    json.begin_object();
    json.field("type", sink.type);
    json.field("state", to_string(status.state));
    json.optional_field("last_error", status.last_error);
    field(json, "attempts", status.attempts);
    field(json, "offered", status.ledger.offered);
    field(json, "delivered", status.ledger.delivered);
    field(json, "queued", status.ledger.queued);
    field(json, "in_flight", status.ledger.in_flight);
    field(json, "superseded", status.ledger.superseded);
    write_reasons<sinks::LossReason>(json, "lost", status.ledger.lost);
    write_reasons<sinks::SkipReason>(json, "skipped", status.ledger.skipped);
    json.end_object();
}

void write_flush(JsonWriter& json, const FlushCounts& flush) {
    json.key("flush");
    json.begin_object();
    field(json, "flushes", flush.flushes);
    field(json, "late", flush.late);
    field(json, "silent_shards", flush.silent_shards);
    json.key("duration_s_max");
    json.seconds(flush.duration_ns_max);
    json.key("turn_s_max");
    json.seconds(flush.turn_ns_max);
    json.key("stall_s_max");
    json.seconds(flush.stall_ns_max);
    json.key("late_s_max");
    json.seconds(flush.late_ns_max);
    json.end_object();
}

}  // namespace

bool Ledger::closed() const {
    return intake.lines == intake.accepted + rejected(intake) &&
           intake.samples == intake.aggregated + dropped(intake) &&
           std::ranges::all_of(sinks, [](const Sink& s) { return s.status.ledger.closed(); });
}

std::uint64_t to_be_delivered(const sinks::Ledger& points) {
    return points.offered - points.superseded - points.skipped.sum();
}

std::string to_json(const Ledger& ledger) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key("closed");
    json.boolean(ledger.closed());
    json.key("listeners");
    json.begin_object();
    for (const Ledger::Listener& listener : ledger.listeners) {
        json.key(listener.name);
        write_listener(json, listener.counters);
    }
    json.end_object();
    write_intake(json, ledger.intake);
    write_flush(json, ledger.flush);
    json.key("series");
    json.begin_object();
    field(json, "alive", ledger.series);
    field(json, "rows", ledger.series_rows);
    field(json, "table_bytes", ledger.table_bytes);
    field(json, "value_bytes", ledger.value_bytes);
    field(json, "expired", ledger.series_expired);
    json.end_object();
    json.key("sinks");
    json.begin_object();
    for (const Ledger::Sink& sink : ledger.sinks) {
        json.key(sink.name);
        write_sink(json, sink);
    }
    json.end_object();
    json.end_object();
    out += '\n';
    return out;
}

}  // namespace pitot::agent
