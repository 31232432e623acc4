// A Sink carries each interval's Snapshot to one destination.
//
// It has two halves. An Encoder is a pure function from Snapshot to batches of bytes; a
// Transport makes one attempt to hand one batch over. What is between them is the same for
// all (queue, back-off, cutting, counting, stopping) and is in delivery/: see
// make_delivering_sink() in delivery/delivering_sink.h. A destination that is asked instead
// of fed (prometheus_scrape/) implements Sink itself and counts as delivered what it made
// available.
//
// The contract, which tests/sinks/compliance/ checks for every sink of the registry:
//
//   * open() is called once, before anything else, and may fail with a sentence; a sink that
//     only sends has nothing to open.
//   * send() is called once per interval, by the flush thread, which must not wait: it
//     encodes, hands over and returns. No sink opens, reads or writes anything there.
//   * The Snapshot is valid during the call only.
//   * Every point of every Snapshot is accounted for, at all times: status().ledger.closed().
//     What is not delivered is lost or skipped under a reason.
//   * A destination that is down, slow, wrong or hostile is an Outcome. It never throws,
//     never blocks, never grows without bound, and never harms another sink.
//   * The bytes of a batch are fixed when it is encoded; an attempt repeated repeats them.
//   * Credentials are in no log line, no error and no status.
//   * After stop() what is queued is sent, and tried again while time remains; what is left
//     at the deadline is lost(shutdown). Then `on_drained` is called, once.
//
// "Adding a sink" in sinks/README.md takes a page.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/batch.h"
#include "sinks/http/route.h"
#include "sinks/ledger.h"
#include "sinks/outcome.h"

namespace pitot::sinks {

// What an encoder made of one Snapshot. The points of all batches, lost and skipped, are
// together snapshot.points().
struct Encoded {
    std::vector<Batch> batches;
    Losses lost;
    Skips skipped;
};

// Snapshot → bytes. Used by one thread (the flush); may remember what it worked out about
// a series under its id, and must compare Series::birth before it trusts that.
class Encoder {
public:
    virtual ~Encoder() = default;

    virtual void encode(const protocol::Snapshot& snapshot, Encoded& out) = 0;

    // Whether TimerPoint::total is needed for this series, which costs the flush a second
    // histogram. Asked once, when the series is born.
    virtual bool wants_total_distribution(const protocol::Series& series) const {
        static_cast<void>(series);
        return false;
    }
};

// What an attempt is for. A `probe` looks for the item that a destination refuses and
// sends a part of a batch; a destination that holds state must not forget the rest over it.
enum class Purpose : std::uint8_t { deliver, probe };

// One attempt to hand over one batch. Io thread only; at most one attempt is under way.
class Transport {
public:
    using Done = std::function<void(Outcome)>;

    virtual ~Transport() = default;

    // Calls `done` once, not from inside this call, and by `deadline_steady_ns` at the
    // latest. `batch` stays where it is until then. Never called while another is under way.
    virtual void send(const Batch& batch, Purpose purpose, std::int64_t deadline_steady_ns,
                      Done done) = 0;

    // Ends the attempt that is under way, if any; its `done` is called soon, with `retry`.
    virtual void cancel() = 0;

    // The destination refuses this item for good; the transport tells the operator which
    // series that is, and what to do.
    virtual void refused(std::string_view item, std::string_view reason) = 0;

    // The last word to the destination, after the last batch and before on_drained.
    // Calls `done` once, by the deadline at the latest; it may do so from inside the call.
    virtual void finish(std::int64_t deadline_steady_ns, const std::function<void()>& done) {
        static_cast<void>(deadline_steady_ns);
        done();
    }
};

class Sink {
public:
    // On the io thread after on_drained, or on any thread when the io thread is gone.
    virtual ~Sink() = default;

    // What the operator calls it: "push" in [sinks.push].
    virtual std::string_view name() const = 0;
    // What the registry calls it: "pushgateway".
    virtual std::string_view type() const = 0;

    // Makes ready what the sink is asked through: an address that is bound, a file. Once, at
    // start, before the first send(), while the io thread does not run yet. The error is a
    // sentence without the sink's name, and the agent does not start.
    virtual std::optional<std::string> open() { return {}; }
    // Where it can be asked, once it is open: "http://127.0.0.1:4711/metrics", or "/metrics"
    // alone for a page of the agent's own server (routes()). "" for a sink that only sends.
    virtual std::string where() const { return {}; }

    // Pages for the agent's own server to show; any thread, the same each time. They are asked
    // for on that server's thread, from open() until the sink is destroyed. A path that
    // another sink or the agent has is a problem of the option `path`.
    virtual std::vector<http::Route> routes() { return {}; }

    // Flush thread. For `pitot once --sink`, which prints what would be sent.
    virtual Encoder& encoder() = 0;

    // Flush thread, once per interval.
    virtual void send(const protocol::Snapshot& snapshot) = 0;

    // Any thread, once, after the last send(). `on_drained` runs on the io thread.
    virtual void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) = 0;

    // Any thread.
    virtual SinkStatus status() const = 0;
};

}  // namespace pitot::sinks
