#include "sinks/delivery/deliverer.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace pitot::sinks {
namespace {

// The least time between two log lines about trouble whose words change.
constexpr std::int64_t log_pause_ns = 60'000'000'000;

std::uint64_t points_of(const std::optional<Batch>& batch) {
    return batch ? batch->points : 0;
}

}  // namespace

Deliverer::Deliverer(DeliverySettings settings, std::unique_ptr<BatchStore> store,
                     Transport& transport, const Context& context)
    : settings_(std::move(settings)),
      transport_(transport),
      context_(context),
      store_(std::move(store)) {
    status_.since_unix_ns = context_.time.wall_ns();
}

Deliverer::~Deliverer() {
    if (timer_ != 0) context_.time.cancel(timer_);
    if (stop_timer_ != 0) context_.time.cancel(stop_timer_);
}

void Deliverer::offer(std::uint64_t points_offered, Encoded encoded) {
    assert(settings_.policy != QueuePolicy::latest_only || encoded.batches.size() <= 1);
    Displaced displaced;
    std::uint64_t evicted_to_tell = 0;
    {
        const std::lock_guard lock(mutex_);
        Ledger& ledger = status_.ledger;
        ledger.offered += points_offered;
        ledger.lost.add(encoded.lost);
        ledger.skipped.add(encoded.skipped);
        for (Batch& batch : encoded.batches) {
            batch.encoded_steady_ns = steady_ns();
            ledger.queued += batch.points;
            const Displaced by_this = store_->push(std::move(batch));
            displaced.evicted += by_this.evicted;
            displaced.superseded += by_this.superseded;
        }
        ledger.queued -= displaced.evicted + displaced.superseded;
        ledger.lost[LossReason::queue_full] += displaced.evicted;
        ledger.superseded += displaced.superseded;
        assert(ledger.closed());
        const std::int64_t now = steady_ns();
        evicted_untold_ += displaced.evicted;
        if (displaced.evicted > 0 &&
            (!eviction_logged_ || now - eviction_logged_ns_ >= log_pause_ns)) {
            eviction_logged_ = true;
            eviction_logged_ns_ = now;
            evicted_to_tell = std::exchange(evicted_untold_, 0);
        }
    }
    if (evicted_to_tell > 0) {
        context_.log.error(
            "sinks.{}: the queue is full, and the {} point(s) that waited longest are lost; the "
            "destination takes less than comes in, or nothing",
            settings_.name, evicted_to_tell);
    }
    context_.time.post([this] { pump(); });
}

void Deliverer::stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) {
    context_.time.post([this, deadline_steady_ns, on_drained = std::move(on_drained)]() mutable {
        begin_stop(deadline_steady_ns, std::move(on_drained));
    });
}

SinkStatus Deliverer::status() const {
    const std::lock_guard lock(mutex_);
    SinkStatus out = status_;
    out.queued_batches = store_->batches() + waiting_batches_;
    out.queued_bytes = store_->bytes() + waiting_bytes_;
    out.queue_used = store_->used();
    return out;
}

// Whose turn is it? Called whenever that may have changed.
void Deliverer::pump() {
    if (under_way_ || timer_ != 0 || finishing_) return;
    if (stopping_ && steady_ns() >= stop_deadline_ns_) lose_all();
    replace_by_newer();
    if (!current_ && !take_next()) {
        if (stopping_) finish();
        return;
    }
    attempt(*current_, Purpose::deliver);
}

bool Deliverer::take_next() {
    const std::int64_t oldest_ns = steady_ns() - settings_.age_max.count();
    const std::lock_guard lock(mutex_);
    while (true) {
        if (!pieces_.empty()) {
            current_ = std::move(pieces_.front());
            pieces_.pop_front();
            is_last_chance_ = last_chances_ > 0;
            if (is_last_chance_) --last_chances_;
        } else {
            current_ = store_->take();
            begin_search_anew();
        }
        if (!current_ || current_->encoded_steady_ns >= oldest_ns) break;
        move_from_queue(current_->points, status_.ledger.lost[LossReason::too_old]);
    }
    count_waiting();
    return current_.has_value();
}

// A batch that waits for its next attempt may have been overtaken by time, or by newer state.
void Deliverer::replace_by_newer() {
    if (!current_) return;
    if (steady_ns() - current_->encoded_steady_ns > settings_.age_max.count()) {
        lose_current(LossReason::too_old);
        return;
    }
    if (settings_.policy != QueuePolicy::latest_only) return;
    const std::lock_guard lock(mutex_);
    if (store_->empty()) return;
    move_from_queue(current_->points, status_.ledger.superseded);
    current_.reset();
    count_waiting();
}

void Deliverer::attempt(const Batch& batch, Purpose purpose) {
    {
        const std::lock_guard lock(mutex_);
        status_.ledger.queued -= current_->points;
        status_.ledger.in_flight += current_->points;
        ++status_.attempts;
        status_.next_attempt_unix_ns = 0;
    }
    under_way_ = true;
    last_try_ = stopping_;
    attempt_began_ns_ = steady_ns();
    std::int64_t deadline_ns = attempt_began_ns_ + settings_.attempt_timeout.count();
    if (stopping_) deadline_ns = std::min(deadline_ns, stop_deadline_ns_);
    transport_.send(batch, purpose, deadline_ns,
                    [this, attempt = ++attempt_](const Outcome& outcome) {
                        // A transport that says more than one word is heard once.
                        if (under_way_ && attempt == attempt_) on_outcome(outcome);
                    });
}

void Deliverer::on_outcome(const Outcome& outcome) {
    under_way_ = false;
    {
        const std::int64_t took_ns = steady_ns() - attempt_began_ns_;
        const std::lock_guard lock(mutex_);
        status_.attempts_taken.add(took_ns);
        status_.ledger.in_flight -= points_of(current_);
        status_.ledger.queued += points_of(current_);
    }
    if (search_) {
        on_probe_outcome(outcome);
        return;
    }
    switch (outcome.verdict) {
        case Verdict::delivered:
            on_delivered();
            break;
        case Verdict::partial:
            on_partial(outcome);
            break;
        case Verdict::split:
            on_split(outcome);
            break;
        case Verdict::rejected:
            on_rejected(outcome);
            break;
        case Verdict::retry:
        case Verdict::throttle:
        case Verdict::hold:
            wait(outcome);
            break;
    }
}

void Deliverer::on_delivered() {
    {
        const std::lock_guard lock(mutex_);
        move_from_queue(current_->points, status_.ledger.delivered);
        status_.delivered_bytes += current_->body.size();
        current_.reset();
        count_waiting();
    }
    begin_search_anew();
    works_again();
    pump();
}

void Deliverer::on_partial(const Outcome& outcome) {
    assert(outcome.items.size() == current_->items.size());
    std::vector<std::uint32_t> again;
    std::uint64_t delivered = 0;
    std::uint64_t rejected = 0;
    for (std::uint32_t index = 0; index < outcome.items.size(); ++index) {
        const std::uint32_t points = current_->items[index].points;
        switch (outcome.items[index]) {
            case ItemVerdict::delivered:
                delivered += points;
                break;
            case ItemVerdict::rejected:
                rejected += points;
                transport_.refused(item_bytes(*current_, index), outcome.reason);
                break;
            case ItemVerdict::retry:
                again.push_back(index);
                break;
        }
    }
    Batch rest = subset(*current_, again);
    {
        const std::lock_guard lock(mutex_);
        move_from_queue(delivered, status_.ledger.delivered);
        move_from_queue(rejected, status_.ledger.lost[LossReason::rejected]);
        status_.delivered_bytes += current_->body.size() - rest.body.size();
        current_ = std::move(rest);
        if (again.empty()) current_.reset();
        count_waiting();
    }
    if (current_) {
        wait(outcome);
        return;
    }
    works_again();
    note_error(outcome.reason);
    pump();
}

void Deliverer::on_split(const Outcome& outcome) {
    // A part of a state would replace the whole of it: there, too large is too large.
    if (settings_.isolation == Isolation::prefixes || !may_cut()) {
        trouble(SinkState::working, outcome.reason, "what is too large is lost whole");
        ++culprits_;
        lose_current(LossReason::too_large);
    } else {
        cut_in_halves();
    }
    pump();
}

void Deliverer::on_rejected(const Outcome& outcome) {
    note_error(outcome.reason);
    const std::size_t items = current_->items.size();
    if (items == 1) {
        refuse_found(0, outcome.reason);
    } else if (outcome.suspect && *outcome.suspect < items &&
               settings_.isolation == Isolation::prefixes) {
        refuse_named(*outcome.suspect, outcome.reason);
    } else if (!may_cut()) {
        trouble(SinkState::working, outcome.reason,
                "it refuses part after part, and what is left of them is lost whole");
        lose_current(LossReason::rejected);
        pump();
    } else if (settings_.isolation == Isolation::halves) {
        cut_in_halves();
        pump();
    } else {
        search_.emplace(items);
        search_reason_ = outcome.reason;
        continue_search();
    }
}

void Deliverer::on_probe_outcome(const Outcome& outcome) {
    if (outcome.verdict == Verdict::delivered || outcome.verdict == Verdict::rejected) {
        const bool accepted = outcome.verdict == Verdict::delivered;
        if (!accepted) search_reason_ = outcome.reason;
        search_->answer(accepted);
        continue_search();
        return;
    }
    search_.reset();
    if (outcome.verdict == Verdict::split) {
        on_split(outcome);
    } else {
        wait(outcome);
    }
}

void Deliverer::continue_search() {
    if (search_->found()) {
        const std::size_t culprit = search_->culprit();
        search_.reset();
        probe_.reset();
        refuse_found(culprit, search_reason_);
    } else if (stopping_ && steady_ns() >= stop_deadline_ns_) {
        search_.reset();
        pump();
    } else {
        probe_ = slice(*current_, 0, search_->prefix());
        attempt(*probe_, Purpose::probe);
    }
}

void Deliverer::refuse_found(std::size_t item, const std::string& reason) {
    refuse(item, reason, ++culprits_ >= culprits_per_batch_max);
}

void Deliverer::refuse_named(std::size_t item, const std::string& reason) {
    refuse(item, reason, ++named_culprits_ >= named_culprits_per_batch_max);
}

// One item is guilty: it is lost, the others are sent at once; or given up with the last one.
void Deliverer::refuse(std::size_t item, const std::string& reason, bool is_last) {
    transport_.refused(item_bytes(*current_, item), reason);
    std::vector<std::uint32_t> others;
    for (std::uint32_t index = 0; index < current_->items.size(); ++index) {
        if (index != item) others.push_back(index);
    }
    {
        const std::lock_guard lock(mutex_);
        move_from_queue(current_->items[item].points, status_.ledger.lost[LossReason::rejected]);
        if (others.empty()) {
            current_.reset();
        } else {
            current_ = subset(*current_, others);
        }
        count_waiting();
    }
    if (current_ && is_last) {
        trouble(SinkState::working, reason,
                fmt::format("after {} refusals what is left of this delivery is given up, and lost",
                            culprits_ + named_culprits_));
        lose_current(LossReason::rejected);
    }
    pump();
}

// Whether the batch that was refused is cut, which may be its last chance.
bool Deliverer::may_cut() {
    if (current_->items.size() < 2) return false;
    if (culprits_ < culprits_per_batch_max) return true;
    if (is_last_chance_) return false;
    last_chances_ = 2;
    return true;
}

void Deliverer::begin_search_anew() {
    culprits_ = 0;
    named_culprits_ = 0;
    last_chances_ = 0;
    is_last_chance_ = false;
}

void Deliverer::cut_in_halves() {
    const std::size_t items = current_->items.size();
    const std::lock_guard lock(mutex_);
    pieces_.push_front(slice(*current_, items / 2, items));
    pieces_.push_front(slice(*current_, 0, items / 2));
    current_.reset();
    count_waiting();
}

void Deliverer::wait(const Outcome& outcome) {
    if (stopping_) {
        wait_while_stopping(outcome);
        return;
    }
    ++failures_;
    const std::function<double()>& chance = context_.random;
    const std::chrono::nanoseconds delay =
        std::max(backoff_delay(settings_.backoff, failures_, chance()),
                 std::clamp(outcome.retry_after.value_or(std::chrono::nanoseconds(0)),
                            std::chrono::nanoseconds(0), retry_after_max));
    switch (outcome.verdict) {
        case Verdict::hold:
            trouble(SinkState::held, outcome.reason, consequence_of(SinkState::held));
            wait_for(std::max(settings_.hold_interval, delay));
            break;
        case Verdict::throttle:
            trouble(SinkState::throttled, outcome.reason, consequence_of(SinkState::throttled));
            wait_for(delay);
            break;
        default:
            trouble(SinkState::retrying, outcome.reason, consequence_of(SinkState::retrying));
            wait_for(delay);
            break;
    }
}

// What may pass is tried again until the time is over; nobody will mend anything meanwhile.
void Deliverer::wait_while_stopping(const Outcome& outcome) {
    if (!last_try_) {
        // It was under way when the stop began, under another deadline.
        pump();
        return;
    }
    if (outcome.verdict == Verdict::hold) {
        trouble(SinkState::held, outcome.reason, "this was the last attempt at it, and it is lost");
        lose_current(LossReason::shutdown);
        pump();
        return;
    }
    const std::chrono::nanoseconds left(stop_deadline_ns_ - steady_ns());
    const auto asked = outcome.retry_after.value_or(std::chrono::nanoseconds(0));
    const auto delay = std::max(
        asked,
        backoff_delay(backoff_while_stopping, ++failures_while_stopping_, context_.random()));
    if (asked >= left) {
        trouble(SinkState::throttled, outcome.reason,
                "it asks for more time than there is to stop, and what waits is lost");
        lose_all();
        pump();
        return;
    }
    trouble(SinkState::retrying, outcome.reason,
            "it is tried again until the time to stop is over");
    wait_for(std::min(delay, left));
}

void Deliverer::wait_for(std::chrono::nanoseconds delay) {
    {
        const std::lock_guard lock(mutex_);
        status_.next_attempt_unix_ns = context_.time.wall_ns() + delay.count();
    }
    timer_ = context_.time.at(steady_ns() + delay.count(), [this] {
        timer_ = 0;
        pump();
    });
}

void Deliverer::begin_stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) {
    assert(!stopping_);
    stopping_ = true;
    stop_deadline_ns_ = deadline_steady_ns;
    on_drained_ = std::move(on_drained);
    if (timer_ != 0) {
        context_.time.cancel(timer_);
        timer_ = 0;
    }
    stop_timer_ = context_.time.at(deadline_steady_ns, [this] {
        stop_timer_ = 0;
        if (under_way_) transport_.cancel();
    });
    pump();
}

void Deliverer::finish() {
    finishing_ = true;
    transport_.finish(stop_deadline_ns_, [this] {
        if (stop_timer_ != 0) {
            context_.time.cancel(stop_timer_);
            stop_timer_ = 0;
        }
        set_state(SinkState::stopped);
        // Not called from here: it may destroy the transport, whose callback this is.
        context_.time.post(std::move(on_drained_));
    });
}

void Deliverer::lose_current(LossReason reason) {
    const std::lock_guard lock(mutex_);
    move_from_queue(current_->points, status_.ledger.lost[reason]);
    current_.reset();
    count_waiting();
}

void Deliverer::lose_all() {
    const std::lock_guard lock(mutex_);
    std::uint64_t left = points_of(current_) + store_->points();
    for (const Batch& piece : pieces_) left += piece.points;
    current_.reset();
    pieces_.clear();
    while (store_->take()) {
    }
    move_from_queue(left, status_.ledger.lost[LossReason::shutdown]);
    if (left > 0 && status_.last_error.empty()) {
        status_.last_error = "the destination had not answered when the time to stop was over";
        status_.last_error_unix_ns = context_.time.wall_ns();
    }
    count_waiting();
}

void Deliverer::move_from_queue(std::uint64_t points, std::uint64_t& to) {
    status_.ledger.queued -= points;
    to += points;
    assert(status_.ledger.closed());
}

void Deliverer::count_waiting() {
    waiting_batches_ = pieces_.size() + (current_ ? 1 : 0);
    waiting_bytes_ = current_ ? current_->body.size() : 0;
    for (const Batch& piece : pieces_) waiting_bytes_ += piece.body.size();
}

void Deliverer::set_state(SinkState state) {
    const std::lock_guard lock(mutex_);
    status_.failures_in_a_row = failures_;
    if (status_.state == state) return;
    status_.state = state;
    status_.since_unix_ns = context_.time.wall_ns();
}

void Deliverer::note_error(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    status_.last_error = reason;
    status_.last_error_unix_ns = context_.time.wall_ns();
}

void Deliverer::works_again() {
    if (in_trouble_) {
        context_.log.info("sinks.{}: works again after {} failed attempts", settings_.name,
                          std::max<std::uint32_t>(failures_, 1));
    }
    in_trouble_ = false;
    logged_reason_.clear();
    failures_ = 0;
    set_state(SinkState::working);
    const std::lock_guard lock(mutex_);
    status_.last_success_unix_ns = context_.time.wall_ns();
}

void Deliverer::trouble(SinkState state, const std::string& reason,
                        const std::string& consequence) {
    set_state(state);
    note_error(reason);
    const std::int64_t now = steady_ns();
    const bool is_news = !in_trouble_ || state != logged_state_;
    const bool reworded = reason != logged_reason_ && now - logged_ns_ >= log_pause_ns;
    if (!is_news && !reworded) return;
    in_trouble_ = true;
    logged_state_ = state;
    logged_reason_ = reason;
    logged_ns_ = now;
    const auto level = state == SinkState::working ? spdlog::level::err : spdlog::level::warn;
    context_.log.log(level, "sinks.{}: {}; {}", settings_.name, reason, consequence);
}

// What becomes of the points while it lasts.
std::string Deliverer::consequence_of(SinkState state) const {
    const std::string_view waits = settings_.policy == QueuePolicy::latest_only
                                       ? "the newest state waits"
                                       : "what comes waits in the queue";
    if (state != SinkState::held) return fmt::format("it is tried again, and {}", waits);
    return fmt::format(
        "until that is mended {}, and is tried every {} s", waits,
        std::chrono::duration_cast<std::chrono::seconds>(settings_.hold_interval).count());
}

}  // namespace pitot::sinks
