// One Alertmanager: what it lacks, and how it is sent that.
//
// Everything but lacks(), counts() and status() is for the loop's thread. The channel hands it
// the board by a function, which looks up the newest state of an alert under the channel's
// lock; the peer has a lock of its own for its list and figures.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/alerts/channels/channel.h"
#include "agent/alerts/channels/destination_log.h"
#include "agent/alerts/channels/http_answer.h"
#include "sinks/delivery/backoff.h"
#include "sinks/http/client.h"
#include "sinks/http/redaction.h"

namespace pitot::agent::alerts::channels::alertmanager {

// Of one request: some hundred kilobytes.
inline constexpr std::size_t alerts_per_request_max = 200;
// Alerts refused one after the other before the others are taken to be refused as well.
inline constexpr std::size_t refused_in_a_row_max = 8;

struct PeerSettings {
    std::string channel;
    sinks::http::ClientSettings client;
    std::string target;  // "/api/v2/alerts"
    bool gzip = false;
    std::chrono::nanoseconds timeout{};
    // Shorter than a resend would be pointless to exceed by much.
    sinks::Backoff backoff = {.base = std::chrono::seconds(1), .cap = std::chrono::minutes(1)};
    std::string link;
    std::int64_t firing_lasts_ns = 0;  // after each time it was sent
};

class Peer {
public:
    // What there is to send of each (Board::find); nothing of one that is not kept any more.
    using LookUp =
        std::function<std::vector<std::vector<MessagePointer>>(const std::vector<std::string>&)>;

    // `changed`: called, on the loop's thread, whenever something was delivered or lost.
    Peer(PeerSettings settings, LookUp look_up, std::function<void()> changed,
         const ChannelContext& context);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // Any thread. It lacks the newest state of these; `is_news`: a message counts for each.
    void lacks(const std::vector<std::string>& keys, bool is_news);
    // Any thread. A message that is not even kept.
    void count_unkept(MessageLoss loss);
    void count_unwanted();
    // Any thread: whether it has not been given a message about this alert.
    bool is_owed(const std::string& key) const;

    void pump();
    void start() { is_started_ = true; }
    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained);

    ChannelCounts counts() const;
    DestinationStatus status() const;

private:
    using Keys = std::map<std::string, bool>;  // whether it is news

    bool take_next();
    void send();
    void on_result(const sinks::http::Result& result);
    void on_delivered();
    void on_refused(const Answer& answer, unsigned status);
    void on_failure(const Answer& answer);
    void put_back();
    void finish();

    const PeerSettings settings_;
    const LookUp look_up_;
    const std::function<void()> changed_;
    const ChannelContext& context_;
    sinks::Scheduler& time_;
    const sinks::http::Redaction hidden_;
    DestinationLog said_;

    mutable std::mutex mutex_;
    Keys lacking_;
    Keys under_way_;  // in the request that is; empty: none is
    ChannelCounts counts_;
    DestinationStatus status_;

    // Loop thread only.
    std::vector<MessagePointer> messages_;  // of under_way_
    std::string body_;
    std::size_t batch_max_ = alerts_per_request_max;
    std::size_t refused_in_a_row_ = 0;
    std::uint32_t retries_ = 0;  // since the last answer
    bool is_started_ = false;
    sinks::Scheduler::TimerId retry_timer_ = 0;
    sinks::Scheduler::TimerId stop_timer_ = 0;
    bool stopping_ = false;
    bool last_try_ = false;
    bool has_failed_ = false;
    bool is_finished_ = false;
    std::int64_t stop_deadline_ns_ = 0;
    std::function<void()> on_drained_;
    sinks::http::Client client_;  // last: it drops what is under way first
};

}  // namespace pitot::agent::alerts::channels::alertmanager
