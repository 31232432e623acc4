// Between a channel that hands over one message at a time (a Carrier) and what it is told:
// filters, rate limit, queue, superseding, repeats, back-off, counts. Most channels are this
// and a Carrier.
//
//     told ─► wanted? ─► within the rate? ─► queue ─► Carrier ─► delivered
//                │              └► counted in one overflow message
//                └► unwanted
//
// An attempt's Answer decides:
//
//   delivered  counted; the next message
//   retry      again after a back-off with full jitter, at least what was asked for
//   throttled  likewise
//   refused    dropped, counted, and shown with what the destination said; the next message
//
// Order is kept: no message overtakes one that waits for its next attempt. The rate limit is
// for what begins; the end of an alert that was told is told, or who was woken by it would
// never learn. The log has a line when trouble begins, one when its reason changes (once a
// minute at most), and one when it is over; a message that is refused is an error each time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/alerts/channels/alert_memory.h"
#include "agent/alerts/channels/channel.h"
#include "agent/alerts/channels/message_queue.h"
#include "agent/alerts/channels/rate_limit.h"
#include "sinks/delivery/backoff.h"
#include "sinks/options.h"

namespace pitot::agent::alerts::channels {

enum class AnswerVerdict : std::uint8_t { delivered, retry, throttled, refused };

struct Answer {
    AnswerVerdict verdict = AnswerVerdict::delivered;
    std::string reason = {};  // for the operator, without credentials
    std::optional<std::chrono::nanoseconds> retry_after = {};
    bool may_be_known = false;  // it failed, and may have arrived all the same
};

// One attempt to hand over one message. Loop thread only.
class Carrier {
public:
    using Done = std::function<void(Answer)>;

    virtual ~Carrier() = default;
    // Calls `done` once, not from inside this call, and by the deadline at the latest. The
    // message stays until then. Never called while another attempt is under way.
    virtual void carry(const Message& message, std::int64_t deadline_steady_ns, Done done) = 0;
    // Ends the attempt that is under way, if any; its `done` is called soon.
    virtual void cancel() = 0;
    // For people: "127.0.0.1:9093", without path and credentials.
    virtual std::string destination() const = 0;
};

struct OutboxSettings {
    std::string name;
    std::string_view type;
    Wanted wanted = {};
    Rate rate = {};
    bool deliver_stale = false;         // what ended before it was delivered, too
    std::chrono::nanoseconds repeat{};  // where the rule has none; 0: never
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // of one attempt
    std::chrono::nanoseconds age_max = std::chrono::hours(24);
    sinks::Backoff backoff = {.base = std::chrono::seconds(1), .cap = std::chrono::minutes(5)};
};

// `carrier` is the channel's from then on.
std::unique_ptr<Channel> make_outbox(OutboxSettings settings, std::unique_ptr<Carrier> carrier,
                                     const ChannelContext& context);

// The options that all channels of this kind have; problems go to `options`:
//
//   min_severity   "info"   of severity.h
//   send_resolved  true
//   rate_limit     "20/m" or what the channel says; "none"
//   repeat         "4h" or what the channel says; 0: never
//   max_age        "24h"
//   deliver_stale  false
struct OutboxDefaults {
    std::string_view rate_limit = "20/m";
    std::chrono::nanoseconds repeat = std::chrono::hours(4);
};
OutboxSettings read_outbox_options(sinks::Options& options, std::string_view type,
                                   const OutboxDefaults& defaults = {});

// The first of them, which every channel has.
std::size_t read_min_severity(sinks::Options& options);

}  // namespace pitot::agent::alerts::channels
