#include "agent/alerts/channels/outbox.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "agent/alerts/channels/destination_log.h"
#include "agent/alerts/channels/severity.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent::alerts::channels {
namespace {

using std::chrono::nanoseconds;
using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""h;

// How often it is looked for alerts to repeat, and so how much later than due that may be.
constexpr nanoseconds look_interval = std::chrono::seconds(5);
// Hosts that began to fire together must not repeat together.
constexpr double repeat_jitter = 0.1;
// Rules named in an overflow: more than that is a different problem, and the count has all.
constexpr std::size_t rules_named_max = 8;

class Outbox final : public Channel {
public:
    Outbox(OutboxSettings settings, std::unique_ptr<Carrier> carrier, const ChannelContext& context)
        : settings_(std::move(settings)),
          context_(context),
          time_(context.io.time),
          carrier_(std::move(carrier)),
          said_(settings_.name, context.io),
          memory_(settings_.wanted),
          rate_(settings_.rate) {
        status_.name = carrier_->destination();
        status_.since_unix_ns = time_.wall_ns();
    }
    ~Outbox() override {
        for (const sinks::Scheduler::TimerId timer : {retry_timer_, look_timer_, stop_timer_}) {
            if (timer != 0) time_.cancel(timer);
        }
    }

    std::string_view name() const override { return settings_.name; }
    std::string_view type() const override { return settings_.type; }

    void tell(const MessagePointer& message, bool is_addressed) override {
        const std::string key = message->key();
        {
            const std::lock_guard lock(mutex_);
            const bool is_wanted = memory_.wants(*message, key, is_addressed);
            if (!is_wanted) {
                // Who is not addressed was not meant to be told.
                if (is_addressed) {
                    ++counts_.told;
                    ++counts_.unwanted;
                }
                if (message->is_over()) memory_.forget(key);
                return;
            }
            ++counts_.told;
            ++changes_;
            if (message->is_over()) {
                end(message, key);
            } else {
                begin(message, key);
            }
        }
        time_.post([this] { pump(); });
    }

    void recall(const MessagePointer& message) override {
        const std::string key = message->key();
        const std::lock_guard lock(mutex_);
        RememberedAlert* alert = memory_.find(key);
        const bool is_new = alert == nullptr;
        if (is_new) {
            if (!memory_.wants(*message, key, true)) return;
            alert = memory_.find_or_make(key);
            if (alert == nullptr) return;
            alert->is_known = true;
            alert->told_ns = time_.steady_ns();
            ++changes_;
        }
        // Values in memory are for repeats; they are not worth a write.
        alert->message = message;
    }

    void restore(SavedChannel saved, std::int64_t away_ns) override {
        const std::lock_guard lock(mutex_);
        const std::int64_t now_ns = time_.steady_ns();
        for (SavedMessage& message : saved.queue) {
            std::string key = message.message->key();
            ++counts_.told;
            push({.message = std::move(message.message),
                  .key = std::move(key),
                  .told_ns = now_ns - away_ns - message.age_ns,
                  .may_be_known = message.may_be_known,
                  .is_owed = true});
        }
        for (SavedAlert& alert : saved.alerts) {
            // Of a channel of this name that had another type: it keeps what is over, too.
            if (alert.message->is_over()) continue;
            RememberedAlert* const known = memory_.find_or_make(alert.message->key());
            if (known == nullptr) break;
            known->told_ns = now_ns - away_ns - alert.age_ns;
            known->is_known = alert.is_known;
            known->message = std::move(alert.message);
        }
    }

    std::uint64_t changes() const override { return changes_.load(); }

    SavedChannel saved() const override {
        const std::lock_guard lock(mutex_);
        const std::int64_t now_ns = time_.steady_ns();
        SavedChannel out;
        const auto add = [&](const QueuedMessage& queued, bool is_under_way) {
            out.queue.push_back({.message = queued.message,
                                 .age_ns = now_ns - queued.told_ns,
                                 .may_be_known = queued.may_be_known || is_under_way});
        };
        if (current_) add(*current_, true);
        for (const QueuedMessage& queued : queue_.all()) add(queued, false);
        memory_.each([&](const RememberedAlert& alert) {
            if (alert.is_folded) return;
            out.alerts.push_back({.message = alert.message,
                                  .age_ns = now_ns - alert.told_ns,
                                  .is_known = alert.is_known});
        });
        return out;
    }

    void start() override {
        look();
        pump();
    }

    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) override {
        time_.post([this, deadline_steady_ns, on_drained = std::move(on_drained)]() mutable {
            begin_stop(deadline_steady_ns, std::move(on_drained));
        });
    }

    ChannelStatus status() const override {
        const std::lock_guard lock(mutex_);
        ChannelStatus out;
        out.counts = counts_;
        out.queued_bytes = queue_.bytes() + (current_ ? bytes_of(*current_->message) : 0);
        out.alerts = memory_.size();
        out.destinations.push_back(status_);
        return out;
    }

private:
    // ---- under the lock, on any thread

    void push(QueuedMessage message) {
        ++counts_.waiting;
        const std::size_t gone = queue_.push(std::move(message));
        counts_.waiting -= gone;
        counts_[MessageLoss::queue_full] += gone;
        queue_full_untold_ += gone;
    }

    void begin(const MessagePointer& message, const std::string& key) {
        RememberedAlert* const alert = memory_.find_or_make(key);
        const std::int64_t now_ns = time_.steady_ns();
        const bool has_room = rate_.take(now_ns);
        if (alert != nullptr) {
            // What was told once stays known, whatever is held back of it later.
            alert->is_folded = !has_room && (alert->message == nullptr || alert->is_folded);
            alert->message = message;
            alert->told_ns = now_ns;
            alert->repeat_due_ns = 0;
        }
        if (!has_room) {
            hold_back(*message);
            return;
        }
        push({.message = message, .key = key, .told_ns = now_ns});
    }

    void end(const MessagePointer& message, const std::string& key) {
        const RememberedAlert* const alert = memory_.find(key);
        const bool was_folded = alert != nullptr && alert->is_folded;
        const bool is_known = alert == nullptr || alert->is_known;
        memory_.forget(key);
        if (was_folded) {
            hold_back(*message);
            return;
        }
        bool is_owed = true;
        if (!settings_.deliver_stale) {
            const std::size_t dropped = queue_.drop_unknown(key);
            counts_.waiting -= dropped;
            counts_.superseded += dropped;
            const bool is_under_way = current_ && current_->key == key;
            is_owed = is_known || queue_.has_beginning(key);
            if (!is_owed && !is_under_way && dropped > 0) {
                ++counts_.superseded;
                if (counts_.waiting == 0) rest(status_, time_.wall_ns());
                return;
            }
            // What is under way may fail; then this need not be told either.
            is_owed = is_owed || !is_under_way;
        }
        push({.message = message, .key = key, .told_ns = time_.steady_ns(), .is_owed = is_owed});
    }

    void hold_back(const Message& message) {
        ++counts_[MessageLoss::rate_limited];
        ++held_back_;
        const bool is_named = held_back_of_.contains(message.alert);
        if (is_named || held_back_of_.size() < rules_named_max) ++held_back_of_[message.alert];
    }

    MessagePointer overflow() const {
        std::string rules;
        for (const auto& [rule, count] : held_back_of_) {
            if (!rules.empty()) rules += ", ";
            rules += fmt::format("{} ({})", printable(rule), count);
        }
        Message message;
        message.type = MessageType::overflow;
        message.host = context_.host;
        message.severity = severities.back();
        message.held_back = held_back_;
        message.told_unix_ns = time_.wall_ns();
        message.started_unix_ns = message.told_unix_ns;
        message.summary = fmt::format(
            "{} more message(s) of {} were held back by rate_limit: {}; `pitot alerts` lists what "
            "fires",
            held_back_, printable(context_.host), rules);
        return std::make_shared<const Message>(std::move(message));
    }

    void tell_overflow() {
        if (held_back_ == 0 || !rate_.take(time_.steady_ns())) return;
        MessagePointer message = overflow();
        held_back_ = 0;
        held_back_of_.clear();
        ++counts_.told;
        ++changes_;
        std::string key = message->key();
        push({.message = std::move(message), .key = std::move(key), .told_ns = time_.steady_ns()});
    }

    // ---- loop thread

    // Now and then: what is to be repeated, and what was held back.
    void look() {
        look_timer_ = 0;
        if (stopping_) return;
        {
            const std::lock_guard lock(mutex_);
            tell_overflow();
            const std::int64_t now_ns = time_.steady_ns();
            memory_.each([&](const std::string& key, RememberedAlert& alert) {
                repeat(key, alert, now_ns);
            });
        }
        look_timer_ = time_.at(time_.steady_ns() + look_interval.count(), [this] { look(); });
        pump();
    }

    void repeat(const std::string& key, RememberedAlert& alert, std::int64_t now_ns) {
        const std::int64_t period_ns =
            alert.message->repeat_ns > 0 ? alert.message->repeat_ns : settings_.repeat.count();
        if (period_ns == 0 || alert.is_folded) return;
        if (alert.repeat_due_ns == 0) {
            const double jitter = 1 + repeat_jitter * context_.io.random();
            alert.repeat_due_ns =
                alert.told_ns + static_cast<std::int64_t>(static_cast<double>(period_ns) * jitter);
        }
        // An alert whose last message still waits is not told anew, and no repeat takes the
        // place of what is.
        const bool waits = queue_.has(key) || (current_ && current_->key == key);
        if (now_ns < alert.repeat_due_ns || waits || !rate_.take(now_ns)) return;
        Message again = *alert.message;
        again.is_repeat = true;
        const std::int64_t now_unix_ns = time_.wall_ns();
        again.duration_ns += std::max<std::int64_t>(0, now_unix_ns - again.told_unix_ns);
        again.told_unix_ns = now_unix_ns;
        alert.told_ns = now_ns;
        alert.repeat_due_ns = 0;
        ++counts_.told;
        ++changes_;
        push({.message = std::make_shared<const Message>(std::move(again)),
              .key = key,
              .told_ns = now_ns});
    }

    // Whose turn is it? Called whenever that may have changed.
    void pump() {
        tell_full();
        if (current_ || retry_timer_ != 0 || is_finished_ || !may_begin()) return;
        if (stopping_ && (time_.steady_ns() >= stop_deadline_ns_ || has_failed_)) {
            finish();
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            drop_old();
            current_ = queue_.take();
            if (current_) ++status_.attempts;
            status_.next_attempt_unix_ns = 0;
        }
        if (!current_) {
            if (stopping_) finish();
            return;
        }
        last_try_ = stopping_;
        std::int64_t deadline_ns = time_.steady_ns() + settings_.timeout.count();
        if (stopping_) deadline_ns = std::min(deadline_ns, stop_deadline_ns_);
        carrier_->carry(*current_->message, deadline_ns,
                        [this](const Answer& answer) { on_answer(answer); });
    }

    // Before start() nothing is sent: the timer of look() runs from there on.
    bool may_begin() const { return look_timer_ != 0 || stopping_; }

    void drop_old() {
        const std::int64_t oldest_ns = time_.steady_ns() - settings_.age_max.count();
        while (queue_.front() != nullptr && queue_.front()->told_ns < oldest_ns) {
            static_cast<void>(queue_.take());
            --counts_.waiting;
            ++counts_[MessageLoss::too_old];
            ++changes_;
            if (counts_.waiting == 0) rest(status_, time_.wall_ns());
        }
    }

    void on_answer(const Answer& answer) {
        switch (answer.verdict) {
            case AnswerVerdict::delivered:
                on_delivered();
                break;
            case AnswerVerdict::refused:
                on_refused(answer);
                break;
            case AnswerVerdict::retry:
            case AnswerVerdict::throttled:
                on_failure(answer);
                break;
        }
        pump();
    }

    void on_delivered() {
        DestinationStatus status;
        {
            const std::lock_guard lock(mutex_);
            --counts_.waiting;
            ++counts_.delivered;
            ++changes_;
            if (!current_->message->is_over()) {
                RememberedAlert* const alert = memory_.find(current_->key);
                if (alert != nullptr) alert->is_known = true;
                QueuedMessage* const end = queue_.next_end(current_->key);
                if (end != nullptr) end->is_owed = true;
            }
            current_.reset();
            succeed(status_, time_.wall_ns());
            status = status_;
        }
        retries_ = 0;
        said_.works(status);
    }

    void on_refused(const Answer& answer) {
        const MessagePointer message = current_->message;
        {
            const std::lock_guard lock(mutex_);
            --counts_.waiting;
            ++counts_[MessageLoss::refused];
            ++changes_;
            fail(status_, ChannelState::refused, answer.reason, time_.wall_ns());
            current_.reset();
        }
        retries_ = 0;
        said_.refused(*message, answer.reason);
    }

    void on_failure(const Answer& answer) {
        std::optional<nanoseconds> delay;
        DestinationStatus status;
        std::uint64_t waiting = 0;
        {
            const std::lock_guard lock(mutex_);
            current_->may_be_known = current_->may_be_known || answer.may_be_known;
            ++changes_;
            const auto state = answer.verdict == AnswerVerdict::throttled ? ChannelState::throttled
                                                                          : ChannelState::retrying;
            fail(status_, state, answer.reason, time_.wall_ns());
            if (stopping_) {
                has_failed_ = last_try_;
            } else {
                delay = retry_delay(settings_.backoff, ++retries_, answer.retry_after,
                                    context_.io.random());
                status_.next_attempt_unix_ns = time_.wall_ns() + delay->count();
            }
            if (!supersede_current()) queue_.push_front(*std::move(current_));
            current_.reset();
            status = status_;
            waiting = counts_.waiting;
            if (waiting == 0) rest(status_, time_.wall_ns());
        }
        said_.fails(status, waiting);
        if (!delay) return;
        retry_timer_ = time_.at(time_.steady_ns() + delay->count(), [this] {
            retry_timer_ = 0;
            pump();
        });
    }

    // It was told to be over while an attempt to tell that it began was under way.
    bool supersede_current() {
        if (settings_.deliver_stale || current_->may_be_known || current_->message->is_over()) {
            return false;
        }
        const QueuedMessage* const end = queue_.next_end(current_->key);
        if (end == nullptr) return false;
        if (!end->is_owed) {
            queue_.drop_end(current_->key);
            --counts_.waiting;
            ++counts_.superseded;
        }
        --counts_.waiting;
        ++counts_.superseded;
        return true;
    }

    void tell_full() {
        std::uint64_t gone = 0;
        {
            const std::lock_guard lock(mutex_);
            gone = std::exchange(queue_full_untold_, 0);
        }
        if (gone > 0) said_.queue_full(gone);
    }

    void begin_stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) {
        stopping_ = true;
        stop_deadline_ns_ = deadline_steady_ns;
        on_drained_ = std::move(on_drained);
        if (retry_timer_ != 0) time_.cancel(std::exchange(retry_timer_, 0));
        {
            const std::lock_guard lock(mutex_);
            tell_overflow();
        }
        stop_timer_ = time_.at(deadline_steady_ns, [this] {
            stop_timer_ = 0;
            if (current_) carrier_->cancel();
        });
        pump();
    }

    void finish() {
        is_finished_ = true;
        if (stop_timer_ != 0) time_.cancel(std::exchange(stop_timer_, 0));
        std::uint64_t lost = 0;
        {
            const std::lock_guard lock(mutex_);
            if (!context_.is_kept && counts_.waiting > 0) {
                lost = std::exchange(counts_.waiting, 0);
                counts_[MessageLoss::shutdown] += lost;
                queue_ = {};
            }
            status_.state = ChannelState::stopped;
            status_.since_unix_ns = time_.wall_ns();
            ++changes_;
        }
        if (lost > 0) said_.lost_at_stop(lost);
        time_.post(std::move(on_drained_));
    }

    const OutboxSettings settings_;
    const ChannelContext& context_;
    sinks::Scheduler& time_;
    std::unique_ptr<Carrier> carrier_;
    DestinationLog said_;

    // Used by the flush thread, the loop and readers.
    mutable std::mutex mutex_;
    ChannelCounts counts_;
    DestinationStatus status_;
    AlertMemory memory_;
    MessageQueue queue_;
    RateLimit rate_;
    std::uint64_t held_back_ = 0;  // and not told of yet
    std::map<std::string, std::uint64_t> held_back_of_;
    std::uint64_t queue_full_untold_ = 0;
    std::optional<QueuedMessage> current_;  // that an attempt is made for; the loop's to change
    std::atomic<std::uint64_t> changes_ = 0;

    // Loop thread only.
    std::uint32_t retries_ = 0;  // since the last answer
    sinks::Scheduler::TimerId retry_timer_ = 0;
    sinks::Scheduler::TimerId look_timer_ = 0;
    sinks::Scheduler::TimerId stop_timer_ = 0;
    bool stopping_ = false;
    bool last_try_ = false;    // the attempt under way began after the stop did
    bool has_failed_ = false;  // one that did
    bool is_finished_ = false;
    std::int64_t stop_deadline_ns_ = 0;
    std::function<void()> on_drained_;
};

}  // namespace

std::unique_ptr<Channel> make_outbox(OutboxSettings settings, std::unique_ptr<Carrier> carrier,
                                     const ChannelContext& context) {
    return std::make_unique<Outbox>(std::move(settings), std::move(carrier), context);
}

std::size_t read_min_severity(sinks::Options& options) {
    return options.choice("min_severity", 0, severities);
}

OutboxSettings read_outbox_options(sinks::Options& options, std::string_view type,
                                   const OutboxDefaults& defaults) {
    OutboxSettings settings;
    settings.name = options.name();
    settings.type = type;
    settings.wanted.severity_min = read_min_severity(options);
    settings.wanted.resolved = options.boolean("send_resolved", true);
    if (const auto rate = parse_rate(options.text("rate_limit", defaults.rate_limit))) {
        settings.rate = *rate;
    } else {
        options.problem("rate_limit", rate.error());
    }
    settings.repeat = options.duration("repeat", defaults.repeat, nanoseconds(0), 168h);
    if (settings.repeat.count() != 0 && settings.repeat < 1min) {
        options.problem("repeat", fmt::format("must be 0 (never) or at least 1m, got {}",
                                              format_duration(settings.repeat)));
    }
    settings.age_max = options.duration("max_age", 24h, 1min, 168h);
    settings.deliver_stale = options.boolean("deliver_stale", false);
    return settings;
}

}  // namespace pitot::agent::alerts::channels
