// Between an encoder and a transport: keeps batches until the destination has them.
//
// offer() puts batches into the store; on the io thread one attempt at a time is made, and
// its Outcome decides:
//
//   delivered  counted; the next batch
//   partial    delivered items counted, refused ones lost(rejected), the rest tried again
//   retry      the same bytes again after a back-off with full jitter
//   throttle   likewise, after what the destination asked for
//   split      two halves instead; a single item: lost(too_large)
//   rejected   the guilty item is found and is lost(rejected), the others are delivered
//   hold       nothing is sent but one attempt per hold interval, until it is mended
//
// A batch older than age_max is lost(too_old) rather than tried. Where state is sent
// (QueuePolicy::latest_only) newer state takes the place of a batch that has to wait.
// Order is kept: no batch overtakes one that waits for its next attempt.
//
// The log has one line when trouble begins, one when its reason changes, and one when it
// ends, however many attempts that takes. It says what becomes of the points: lines about
// points that are lost are errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "sinks/context.h"
#include "sinks/delivery/backoff.h"
#include "sinks/delivery/culprit_search.h"
#include "sinks/delivery/queue.h"
#include "sinks/sink.h"

namespace pitot::sinks {

// How the guilty item of a rejected batch is found.
enum class Isolation : std::uint8_t {
    halves,    // parts are deliveries of their own: both halves are sent, and cut again
    prefixes,  // a part would replace the whole: parts are probed, then the rest is sent
};

struct DeliverySettings {
    std::string name = {};  // of the sink, for the log
    QueuePolicy policy = QueuePolicy::keep_order;
    Isolation isolation = Isolation::halves;
    QueueBounds bounds = {};
    Backoff backoff = {};
    std::chrono::nanoseconds attempt_timeout = std::chrono::seconds(10);
    std::chrono::nanoseconds age_max = std::chrono::hours(1);
    std::chrono::nanoseconds hold_interval = std::chrono::seconds(30);
};

// Guilty items looked for in one batch before it is given up: a destination that refuses
// everything must not be asked for ever. With Isolation::prefixes in all; with Isolation::halves
// in a row, without a part being taken in between: from then on each part that is left is cut
// once more, and what of it is refused then is lost whole. One part that is taken begins anew.
inline constexpr std::size_t culprits_per_batch_max = 8;
// Those that a destination names itself cost one request each, and no search.
inline constexpr std::size_t named_culprits_per_batch_max = 100;
// Between attempts while stopping: the time is short, and nobody comes after.
inline constexpr Backoff backoff_while_stopping{.base = std::chrono::milliseconds(100),
                                                .cap = std::chrono::seconds(1)};

class Deliverer {
public:
    // Keeps references to `transport` and `context`.
    Deliverer(DeliverySettings settings, std::unique_ptr<BatchStore> store, Transport& transport,
              const Context& context);
    ~Deliverer();
    Deliverer(const Deliverer&) = delete;
    Deliverer& operator=(const Deliverer&) = delete;

    // `points_offered` is what `encoded` accounts for: at most one batch with
    // QueuePolicy::latest_only. Flush thread; does not wait.
    void offer(std::uint64_t points_offered, Encoded encoded);
    // Any thread, once, after the last offer().
    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained);
    // Any thread.
    SinkStatus status() const;

private:
    // Everything below runs on the io thread.
    void pump();
    bool take_next();
    void attempt(const Batch& batch, Purpose purpose);
    void on_outcome(const Outcome& outcome);
    void on_probe_outcome(const Outcome& outcome);
    void on_delivered();
    void on_partial(const Outcome& outcome);
    void on_split(const Outcome& outcome);
    void on_rejected(const Outcome& outcome);
    void refuse_found(std::size_t item, const std::string& reason);
    void refuse_named(std::size_t item, const std::string& reason);
    void refuse(std::size_t item, const std::string& reason, bool is_last);
    void cut_in_halves();
    bool may_cut();
    void begin_search_anew();
    void continue_search();
    void wait(const Outcome& outcome);
    void wait_while_stopping(const Outcome& outcome);
    void wait_for(std::chrono::nanoseconds delay);
    void replace_by_newer();
    void begin_stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained);
    void finish();

    void lose_current(LossReason reason);
    void lose_all();
    // Both under mutex_.
    void move_from_queue(std::uint64_t points, std::uint64_t& to);
    void count_waiting();

    void set_state(SinkState state);
    void note_error(const std::string& reason);
    void works_again();
    void trouble(SinkState state, const std::string& reason, const std::string& consequence);
    std::string consequence_of(SinkState state) const;
    std::int64_t steady_ns() const { return context_.time.steady_ns(); }

    const DeliverySettings settings_;
    Transport& transport_;
    const Context& context_;

    // Shared by the flush thread, the io thread and readers of status().
    mutable std::mutex mutex_;
    std::unique_ptr<BatchStore> store_;
    SinkStatus status_;                // its queue figures are filled in by status()
    std::size_t waiting_batches_ = 0;  // current_ between attempts, and pieces_
    std::size_t waiting_bytes_ = 0;
    std::uint64_t evicted_untold_ = 0;  // points, since the log was told of some
    bool eviction_logged_ = false;
    std::int64_t eviction_logged_ns_ = 0;

    // Io thread only.
    std::optional<Batch> current_;  // the batch whose turn it is
    std::deque<Batch> pieces_;      // of a batch that was cut; their turn is before the store
    std::optional<CulpritSearch> search_;
    std::optional<Batch> probe_;
    std::string search_reason_;
    std::size_t culprits_ = 0;        // found in the present batch so far, or in a row
    std::size_t named_culprits_ = 0;  // in the present batch
    std::size_t last_chances_ = 0;    // parts at the front of pieces_ that are not cut again
    bool is_last_chance_ = false;     // of current_
    bool under_way_ = false;          // an attempt
    std::int64_t attempt_began_ns_ = 0;
    std::uint64_t attempt_ = 0;  // its number
    Scheduler::TimerId timer_ = 0;
    std::uint32_t failures_ = 0;
    bool in_trouble_ = false;
    SinkState logged_state_ = SinkState::idle;
    std::string logged_reason_;
    std::int64_t logged_ns_ = 0;
    bool stopping_ = false;
    bool last_try_ = false;  // the attempt under way began after the stop did
    std::uint32_t failures_while_stopping_ = 0;
    bool finishing_ = false;
    std::int64_t stop_deadline_ns_ = 0;
    Scheduler::TimerId stop_timer_ = 0;
    std::function<void()> on_drained_;
};

}  // namespace pitot::sinks
