#include "agent/web/documents.h"

#include <algorithm>
#include <concepts>
#include <utility>

#include "agent/printable.h"
#include "agent/status/time_text.h"
#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

using sinks::JsonWriter;

// Of a text from elsewhere: what a destination answered may be a page.
constexpr std::size_t text_characters_max = 400;

// The writer, with the words that these documents are made of.
class Writer {
public:
    explicit Writer(std::string& out) : json_(out) {}

    template <typename Fill>
    void object(std::string_view name, Fill fill) {
        json_.key(name);
        object(fill);
    }
    template <typename Fill>
    void object(Fill fill) {
        json_.begin_object();
        fill();
        json_.end_object();
    }
    template <typename Each, typename Fill>
    void array(std::string_view name, const Each& each, Fill fill) {
        json_.key(name);
        json_.begin_array();
        for (const auto& one : each) fill(one);
        json_.end_array();
    }
    // From elsewhere.
    void text(std::string_view name, std::string_view value) {
        json_.field(name, printable(value, text_characters_max));
    }
    void optional_text(std::string_view name, std::string_view value) {
        if (!value.empty()) text(name, value);
    }
    // Ours.
    void word(std::string_view name, std::string_view value) { json_.field(name, value); }
    void number(std::string_view name, std::integral auto value) {
        json_.key(name);
        json_.integer(value);
    }
    void fraction(std::string_view name, double value) { json_.field(name, value); }
    void boolean(std::string_view name, bool value) {
        json_.key(name);
        json_.boolean(value);
    }
    void seconds(std::string_view name, std::int64_t nanoseconds) {
        json_.key(name);
        json_.seconds(nanoseconds);
    }
    // Left out where it never was.
    void moment(std::string_view name, std::int64_t unix_ns) {
        if (unix_ns != 0) json_.field(name, rfc3339(unix_ns));
    }
    // Those that are not 0, by reason.
    template <typename Reason, typename Counts>
    void reasons(std::string_view name, const Counts& counts, std::size_t first = 0) {
        object(name, [&] {
            for (std::size_t i = first; i < counts.size(); ++i) {
                if (counts[i] != 0) number(to_string(static_cast<Reason>(i)), counts[i]);
            }
        });
    }
    JsonWriter& json() { return json_; }

private:
    JsonWriter json_;
};

const Ledger::Sink* find_sink(const Facts& facts, std::string_view part) {
    constexpr std::string_view prefix = "sinks.";
    if (!part.starts_with(prefix)) return nullptr;
    const auto found =
        std::ranges::find(facts.sinks, part.substr(prefix.size()), &Ledger::Sink::name);
    return found == facts.sinks.end() ? nullptr : &*found;
}

void write_queue(Writer& out, const sinks::SinkStatus& status) {
    out.object("queue", [&] {
        out.number("batches", status.queued_batches);
        out.number("bytes", status.queued_bytes);
        out.number("points", status.ledger.queued + status.ledger.in_flight);
    });
}

// What was lost of the listener's input since the start.
void write_listener_losses(Writer& out, const ListenerCounters& counters) {
    out.object("lost", [&] {
        const auto lost = [&](std::string_view reason, std::uint64_t count) {
            if (count != 0) out.number(reason, count);
        };
        lost("kernel_drops", counters.kernel_drops);
        lost("truncated_datagrams", counters.truncated_datagrams);
        lost("receive_errors", counters.receive_errors);
        lost("connections_refused_over_cap", counters.connections_refused_over_cap);
        lost("accept_errors", counters.accept_errors);
    });
}

// What a part has beyond its state.
void write_part_figures(Writer& out, const Facts& facts, const PartHealth& part) {
    if (const Ledger::Sink* const sink = find_sink(facts, part.part)) {
        out.word("delivery", to_string(sink->status.state));
        write_queue(out, sink->status);
        out.reasons<sinks::LossReason>("lost", sink->status.ledger.lost.points);
        return;
    }
    const IntervalStatus* const last = facts.flush.last.get();
    if (last == nullptr) return;
    if (part.part == "intake") {
        const IntakeCounts& counts = last->total.intake;
        out.reasons<protocol::Reject>("refused", counts.rejected, 1);
        out.reasons<Limited>("limited", counts.limited);
        return;
    }
    for (const Ledger::Listener& listener : last->total.listeners) {
        if (part.part != "listeners." + listener.name) continue;
        write_listener_losses(out, listener.counters);
    }
}

void write_part(Writer& out, const Facts& facts, const PartHealth& part) {
    out.object(part.part, [&] {
        out.word("state", to_string(part.state));
        out.moment("since", part.since_unix_ns);
        out.optional_text("reason", part.reason);
        // A sink knows of errors that it recovered from between two looks.
        const Ledger::Sink* const sink = find_sink(facts, part.part);
        const bool is_sinks = sink != nullptr && !sink->status.last_error.empty();
        out.optional_text("last_error", is_sinks ? sink->status.last_error : part.last_error);
        out.moment("last_error_at",
                   is_sinks ? sink->status.last_error_unix_ns : part.last_error_unix_ns);
        write_part_figures(out, facts, part);
    });
}

void write_health(Writer& out, const StatusReport& report) {
    out.word("state", to_string(report.health.state));
    out.moment("since", report.health.since_unix_ns);
    out.optional_text("reason", report.health.reason);
    out.object("parts", [&] {
        for (const PartHealth& part : report.health.parts) write_part(out, report.facts, part);
    });
}

void write_process(Writer& out, const StatusReport& report) {
    const ProcessFacts& process = report.process;
    out.word("version", process.version);
    out.number("pid", process.pid);
    out.word("phase", to_string(report.facts.phase));
    out.moment("time", report.now_unix_ns);
    out.moment("started", process.started_unix_ns);
    out.seconds("uptime_s", report.facts.now_steady_ns - process.started_steady_ns);
}

void write_interval(Writer& out, const IntervalStatus& last) {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < last.total.listeners.size(); ++i) {
        const ListenerCounters& now = last.total.listeners[i].counters;
        datagrams += now.datagrams - last.listeners_before[i].datagrams;
        bytes += now.bytes - last.listeners_before[i].bytes;
    }
    const auto rate = [&last](std::uint64_t count) {
        return last.elapsed_s > 0 ? static_cast<double>(count) / last.elapsed_s : 0;
    };
    out.object("interval", [&] {
        out.number("sequence", last.sequence);
        out.moment("start", last.start_unix_ns);
        out.moment("end", last.end_unix_ns);
        out.fraction("elapsed_s", last.elapsed_s);
        out.number("lines", last.counts.lines);
        out.number("refused", last.counts.lines - last.counts.accepted);
        out.number("samples", last.counts.samples);
        out.number("datagrams", datagrams);
        out.number("bytes", bytes);
        out.fraction("lines_per_s", rate(last.counts.lines));
        out.fraction("samples_per_s", rate(last.counts.samples));
        out.fraction("datagrams_per_s", rate(datagrams));
        out.fraction("bytes_per_s", rate(bytes));
    });
    out.array("busiest", last.busiest, [&](const BusyName& busy) {
        out.object([&] {
            out.text("name", busy.name);
            out.word("kind", to_string(busy.kind));
            out.fraction("count", busy.count);
            out.fraction("count_per_s", last.elapsed_s > 0 ? busy.count / last.elapsed_s : 0);
            out.number("series", busy.series);
        });
    });
    out.array("refused", last.refused, [&](const RefusedLine& refused) {
        out.object([&] {
            out.word("reason", to_string(refused.reason));
            out.word("why", describe(refused.reason));
            out.text("line", refused.line);
            out.text("sender", refused.sender);
            out.moment("seen", refused.seen_unix_ns);
        });
    });
}

void write_ledger(Writer& out, const StatusReport& report, const IntervalStatus& last) {
    Ledger total = last.total;
    total.sinks = report.facts.sinks;
    out.object("ledger", [&] {
        out.boolean("closed", total.closed());
        out.object("lines", [&] {
            out.number("total", total.intake.lines);
            out.number("accepted", total.intake.accepted);
            out.reasons<protocol::Reject>("rejected", total.intake.rejected, 1);
        });
        out.object("samples", [&] {
            out.number("total", total.intake.samples);
            out.number("aggregated", total.intake.aggregated);
            out.reasons<Limited>("limited", total.intake.limited);
        });
    });
}

void write_series(Writer& out, const ProcessFacts& process, const IntervalStatus& last) {
    const std::uint64_t shards = process.shards;
    out.object("series", [&] {
        out.number("alive", last.total.series);
        out.number("alive_max", process.limits.series_max);
        out.number("expired", last.total.series_expired);
        // Of the shards together.
        out.number("rows", last.total.series_rows);
        out.number("table_bytes", last.total.table_bytes);
        out.number("table_bytes_max", process.limits.table_bytes_max * shards);
        out.number("value_bytes", last.total.value_bytes);
        out.number("value_bytes_max", process.limits.value_bytes_max * shards);
        out.moment("overflow_at", last.overflow_unix_ns);
        out.array("overflowing", last.overflowing, [&](const Culprit& culprit) {
            out.object([&] {
                out.text("name", culprit.name);
                out.number("lines", culprit.lines);
            });
        });
    });
}

void write_flush(Writer& out, const StatusReport& report) {
    const Facts& facts = report.facts;
    out.object("flush", [&] {
        out.seconds("interval_s", report.process.interval_ns);
        out.boolean("under_way", facts.flush.begun_steady_ns != 0);
        out.seconds("next_in_s", facts.flush.due_steady_ns - facts.now_steady_ns);
        const IntervalStatus* const last = facts.flush.last.get();
        if (last == nullptr) return;
        const FlushCounts& counts = last->total.flush;
        out.number("flushes", counts.flushes);
        out.number("late", counts.late);
        out.number("silent_shards", counts.silent_shards);
        out.seconds("duration_s_last", last->took_ns);
        out.seconds("duration_s_max", counts.duration_ns_max);
        out.seconds("late_s_last", last->late_ns);
        out.seconds("late_s_max", counts.late_ns_max);
    });
}

void write_listener(Writer& out, const ListenerReport& listener, const ListenerCounters& counters) {
    out.object(listener.name, [&] {
        // Empty: a default listener that could not be opened here.
        out.optional_text("where", listener.where);
        out.number("sockets", listener.sockets);
        if (listener.receive_buffer_granted_bytes != 0) {
            out.number("receive_buffer_asked_bytes", listener.receive_buffer_asked_bytes);
            out.number("receive_buffer_granted_bytes", listener.receive_buffer_granted_bytes);
        }
        if (listener.queue_datagrams_max != 0) {
            out.number("queue_datagrams_max", listener.queue_datagrams_max);
        }
        out.number("datagrams", counters.datagrams);
        out.number("bytes", counters.bytes);
        out.number("connections_accepted", counters.connections_accepted);
        out.number("connections_open", counters.connections_open);
        out.number("connections_closed_idle", counters.connections_closed_idle);
        write_listener_losses(out, counters);
    });
}

void write_sink(Writer& out, const Ledger::Sink& sink) {
    const sinks::SinkStatus& status = sink.status;
    out.object(sink.name, [&] {
        out.word("type", sink.type);
        out.word("delivery", to_string(status.state));
        out.moment("since", status.since_unix_ns);
        out.moment("last_success", status.last_success_unix_ns);
        out.optional_text("last_error", status.last_error);
        out.moment("last_error_at", status.last_error_unix_ns);
        out.number("failures_in_a_row", status.failures_in_a_row);
        out.moment("next_attempt", status.next_attempt_unix_ns);
        out.number("attempts", status.attempts);
        out.number("delivered_bytes", status.delivered_bytes);
        write_queue(out, status);
        out.object("points", [&] {
            out.number("offered", status.ledger.offered);
            out.number("delivered", status.ledger.delivered);
            out.number("queued", status.ledger.queued);
            out.number("in_flight", status.ledger.in_flight);
            out.number("superseded", status.ledger.superseded);
            out.reasons<sinks::LossReason>("lost", status.ledger.lost.points);
            out.reasons<sinks::SkipReason>("skipped", status.ledger.skipped.points);
        });
    });
}

}  // namespace

std::string health_document(const StatusReport& report) {
    std::string text;
    Writer out(text);
    out.object([&] {
        write_health(out, report);
        write_process(out, report);
    });
    text += '\n';
    return text;
}

std::string status_document(const StatusReport& report) {
    const IntervalStatus* const last = report.facts.flush.last.get();
    std::string text;
    Writer out(text);
    out.object([&] {
        write_process(out, report);
        out.object("health", [&] { write_health(out, report); });
        write_flush(out, report);
        if (last != nullptr) {
            write_interval(out, *last);
            write_ledger(out, report, *last);
            write_series(out, report.process, *last);
        }
        out.object("listeners", [&] {
            for (std::size_t i = 0; i < report.process.listeners.size(); ++i) {
                const bool is_counted = last != nullptr && i < last->total.listeners.size();
                write_listener(out, report.process.listeners[i],
                               is_counted ? last->total.listeners[i].counters : ListenerCounters());
            }
        });
        out.object("sinks", [&] {
            for (const Ledger::Sink& sink : report.facts.sinks) write_sink(out, sink);
        });
        out.array("advice", report.process.advice,
                  [&](const std::string& sentence) { out.json().text(printable(sentence, 400)); });
    });
    text += '\n';
    return text;
}

}  // namespace pitot::agent
