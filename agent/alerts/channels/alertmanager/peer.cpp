#include "agent/alerts/channels/alertmanager/peer.h"

#include <algorithm>
#include <utility>

#include "agent/alerts/channels/alertmanager/encoder.h"

namespace pitot::agent::alerts::channels::alertmanager {

namespace http = sinks::http;

Peer::Peer(PeerSettings settings, LookUp look_up, std::function<void()> changed,
           const ChannelContext& context)
    : settings_(std::move(settings)),
      look_up_(std::move(look_up)),
      changed_(std::move(changed)),
      context_(context),
      time_(context.io.time),
      hidden_(sinks::Secret(), {}),
      said_(settings_.channel, context.io),
      client_(settings_.client, context.io) {
    status_.name = settings_.client.url.authority();
    status_.since_unix_ns = time_.wall_ns();
}

Peer::~Peer() {
    if (retry_timer_ != 0) time_.cancel(retry_timer_);
    if (stop_timer_ != 0) time_.cancel(stop_timer_);
}

void Peer::lacks(const std::vector<std::string>& keys, bool is_news) {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : keys) {
        bool& was_news = lacking_[key];
        if (!is_news) continue;
        ++counts_.told;
        if (was_news) {
            // It gets the newest state; the one before is not missed.
            ++counts_.superseded;
        } else {
            ++counts_.waiting;
        }
        was_news = true;
    }
}

void Peer::count_unkept(MessageLoss loss) {
    const std::lock_guard lock(mutex_);
    ++counts_.told;
    ++counts_[loss];
}

void Peer::count_unwanted() {
    const std::lock_guard lock(mutex_);
    ++counts_.told;
    ++counts_.unwanted;
}

bool Peer::is_owed(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto lacking = lacking_.find(key);
    const auto sent = under_way_.find(key);
    return (lacking != lacking_.end() && lacking->second) ||
           (sent != under_way_.end() && sent->second);
}

void Peer::pump() {
    if (!is_started_ || retry_timer_ != 0 || is_finished_ || !messages_.empty()) return;
    if (stopping_ && (has_failed_ || time_.steady_ns() >= stop_deadline_ns_)) {
        finish();
        return;
    }
    if (take_next()) {
        send();
    } else if (stopping_) {
        finish();
    }
}

// News first: a resend of thousands must not delay what has just happened.
bool Peer::take_next() {
    while (true) {
        std::vector<std::string> keys;
        {
            const std::lock_guard lock(mutex_);
            for (const bool wants_news : {true, false}) {
                // At the stop only what is news: all else is sent again by the next start.
                if (stopping_ && !wants_news) break;
                for (const auto& [key, is_news] : lacking_) {
                    if (keys.size() >= batch_max_) break;
                    if (is_news == wants_news) keys.push_back(key);
                }
            }
            for (const std::string& key : keys) under_way_.insert(lacking_.extract(key));
        }
        if (keys.empty()) return false;
        const std::vector<std::vector<MessagePointer>> found = look_up_(keys);
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            messages_.insert(messages_.end(), found[i].begin(), found[i].end());
            if (!found[i].empty()) continue;
            // It ended so long ago that it is not kept.
            const auto gone = under_way_.extract(keys[i]);
            if (!gone.mapped()) continue;
            --counts_.waiting;
            ++counts_[MessageLoss::too_old];
        }
        if (!messages_.empty()) return true;
    }
}

void Peer::send() {
    body_ = encode(messages_, {.link = settings_.link,
                               .firing_ends_unix_ns = time_.wall_ns() + settings_.firing_lasts_ns});
    {
        const std::lock_guard lock(mutex_);
        ++status_.attempts;
        status_.next_attempt_unix_ns = 0;
    }
    last_try_ = stopping_;
    http::Request request;
    request.method = http::Method::post;
    request.target = settings_.target;
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body_;
    request.gzip = settings_.gzip;
    std::int64_t deadline_ns = time_.steady_ns() + settings_.timeout.count();
    if (stopping_) deadline_ns = std::min(deadline_ns, stop_deadline_ns_);
    client_.send(std::move(request), deadline_ns,
                 [this](const http::Result& result) { on_result(result); });
}

void Peer::on_result(const http::Result& result) {
    const Answer answer = answer_of(result, time_.wall_ns(), hidden_);
    switch (answer.verdict) {
        case AnswerVerdict::delivered:
            on_delivered();
            break;
        case AnswerVerdict::refused:
            on_refused(answer, result ? result->status : 0);
            break;
        case AnswerVerdict::retry:
        case AnswerVerdict::throttled:
            on_failure(answer);
            break;
    }
    messages_.clear();
    changed_();
    pump();
}

void Peer::on_delivered() {
    DestinationStatus status;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, is_news] : under_way_) {
            if (!is_news) continue;
            --counts_.waiting;
            ++counts_.delivered;
        }
        under_way_.clear();
        succeed(status_, time_.wall_ns());
        status = status_;
        if (lacking_.empty()) batch_max_ = alerts_per_request_max;
    }
    refused_in_a_row_ = 0;
    retries_ = 0;
    said_.works(status);
}

// One alert that it does not want makes it refuse the request, though it has taken the others
// then: each is sent alone, so that only the guilty one counts as refused.
void Peer::on_refused(const Answer& answer, unsigned status) {
    ++refused_in_a_row_;
    retries_ = 0;
    const bool may_be_one =
        (status == 400 || status == 413) && refused_in_a_row_ <= refused_in_a_row_max;
    {
        const std::lock_guard lock(mutex_);
        if (may_be_one && under_way_.size() > 1) {
            batch_max_ = 1;
            put_back();
            return;
        }
        if (!may_be_one) batch_max_ = alerts_per_request_max;
        for (const auto& [key, is_news] : under_way_) {
            if (!is_news) continue;
            --counts_.waiting;
            ++counts_[MessageLoss::refused];
        }
        under_way_.clear();
        fail(status_, ChannelState::refused, answer.reason, time_.wall_ns());
    }
    // The newest: before it are the ends of what it was.
    said_.refused(*messages_.back(), answer.reason);
}

void Peer::on_failure(const Answer& answer) {
    DestinationStatus status;
    std::uint64_t waiting = 0;
    std::chrono::nanoseconds delay{};
    {
        const std::lock_guard lock(mutex_);
        put_back();
        fail(status_,
             answer.verdict == AnswerVerdict::throttled ? ChannelState::throttled
                                                        : ChannelState::retrying,
             answer.reason, time_.wall_ns());
        if (!stopping_) {
            delay = retry_delay(settings_.backoff, ++retries_, answer.retry_after,
                                context_.io.random());
            status_.next_attempt_unix_ns = time_.wall_ns() + delay.count();
        }
        status = status_;
        waiting = counts_.waiting;
    }
    said_.fails(status, waiting);
    if (stopping_) {
        has_failed_ = last_try_;
        return;
    }
    retry_timer_ = time_.at(time_.steady_ns() + delay.count(), [this] {
        retry_timer_ = 0;
        pump();
    });
}

// Under the lock. What changed while the request was under way is not taken back to before.
void Peer::put_back() {
    for (const auto& [key, is_news] : under_way_) {
        bool& now_news = lacking_[key];
        if (is_news && now_news) {
            --counts_.waiting;
            ++counts_.superseded;
        }
        now_news = now_news || is_news;
    }
    under_way_.clear();
}

void Peer::stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) {
    stopping_ = true;
    is_started_ = true;
    stop_deadline_ns_ = deadline_steady_ns;
    on_drained_ = std::move(on_drained);
    if (retry_timer_ != 0) time_.cancel(std::exchange(retry_timer_, 0));
    stop_timer_ = time_.at(deadline_steady_ns, [this] {
        stop_timer_ = 0;
        if (!messages_.empty()) client_.cancel();
    });
    pump();
}

void Peer::finish() {
    is_finished_ = true;
    if (stop_timer_ != 0) time_.cancel(std::exchange(stop_timer_, 0));
    std::uint64_t lost = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!context_.is_kept) {
            lost = std::exchange(counts_.waiting, 0);
            counts_[MessageLoss::shutdown] += lost;
            lacking_.clear();
        }
        status_.state = ChannelState::stopped;
        status_.since_unix_ns = time_.wall_ns();
    }
    if (lost > 0) said_.lost_at_stop(lost);
    on_drained_();
}

ChannelCounts Peer::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

DestinationStatus Peer::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace pitot::agent::alerts::channels::alertmanager
