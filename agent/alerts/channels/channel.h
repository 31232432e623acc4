// A Channel carries Messages to people, or to what wakes them.
//
// It has two halves, as a sink has (sinks/sink.h): a pure encoder from Message to bytes, and a
// deliverer that owns a queue, makes attempts on the channels' loop and counts. Most channels
// are a Carrier (outbox.h), which makes one attempt to hand over one message; the queue,
// superseding, rate limit, repeats, back-off, deadline and counts are the Outbox's. One that
// keeps a destination's state up to date (alertmanager/) implements Channel itself.
//
// The contract, which tests/agent/alerts/channels/compliance_test.cpp checks for every type of
// the registry:
//
//   * tell() and recall() are called by the flush thread and never wait.
//   * Every message told is accounted for, at all times: status().counts.closed().
//   * What fires and then ends before it was delivered is not delivered at all (superseded).
//   * A destination that is down, slow, wrong or hostile costs its own queue, and nothing else.
//   * Retried: no connection, timeout, 408, 425, 429, 5xx. Other answers are final: the message
//     is dropped, counted as refused, and shown with what the destination said.
//   * Credentials are in no log line, no error, no status and no queue file.
//   * restore() of what saved() gave goes on where it stopped.
//   * After stop() each waiting message gets one last attempt while time remains; what is left
//     is in the queue file, or lost(shutdown) where there is none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/channels/message.h"
#include "sinks/context.h"

namespace pitot::agent::alerts::channels {

// Of each channel; what is beyond pushes out the oldest. A person reads twenty messages; a
// thousand are for a receiver that was away for a night.
inline constexpr std::size_t queued_messages_max = 1'000;
inline constexpr std::size_t queued_bytes_max = std::size_t{4} << 20U;
// Firing alerts that a channel remembers, to repeat them and to know what their end means. An
// alert beyond is told like others and not repeated.
inline constexpr std::size_t alerts_remembered_max = 10'000;

// Messages that somebody wanted told and were not.
enum class MessageLoss : std::uint8_t {
    queue_full,    // the destination was away for longer than the queue is deep
    too_old,       // waited longer than max_age
    refused,       // the destination does not want it: 4xx
    rate_limited,  // above rate_limit; an overflow message told how many
    shutdown,      // not delivered at the stop, and no state directory to keep it in
};
inline constexpr std::size_t message_loss_count = 5;
std::string_view to_string(MessageLoss loss);

// In messages since the start; `told` includes what was restored, repeats and overflows. Of a
// channel with several destinations, each message counts once for each.
struct ChannelCounts {
    std::uint64_t told = 0;
    std::uint64_t delivered = 0;
    std::uint64_t waiting = 0;     // for their turn, for the next attempt, or under way
    std::uint64_t superseded = 0;  // ended, or were told anew, before they were delivered
    std::uint64_t unwanted = 0;    // min_severity, send_resolved
    std::array<std::uint64_t, message_loss_count> lost{};

    std::uint64_t& operator[](MessageLoss loss) { return lost[std::to_underlying(loss)]; }
    std::uint64_t operator[](MessageLoss loss) const { return lost[std::to_underlying(loss)]; }
    std::uint64_t lost_sum() const;
    bool closed() const { return told == delivered + waiting + superseded + unwanted + lost_sum(); }
    void add(const ChannelCounts& other);
};

enum class ChannelState : std::uint8_t {
    idle,       // nothing was sent yet, or nothing is left of what failed
    working,    // the last attempt succeeded
    retrying,   // the last attempt failed; the next one comes after a back-off
    throttled,  // the destination asked for time
    refused,    // the last message was refused for good
    stopped,
};
std::string_view to_string(ChannelState state);

struct DestinationStatus {
    std::string name;  // "127.0.0.1:9093"; without path and credentials
    ChannelState state = ChannelState::idle;
    std::int64_t since_unix_ns = 0;         // the state began
    std::int64_t last_success_unix_ns = 0;  // 0: never
    std::string last_error;                 // "" when there was none
    std::int64_t last_error_unix_ns = 0;
    std::uint32_t failures_in_a_row = 0;  // attempts and refusals
    std::uint64_t attempts = 0;
    std::int64_t next_attempt_unix_ns = 0;  // 0: none is waited for
};

struct ChannelStatus {
    ChannelCounts counts;
    std::size_t queued_bytes = 0;
    std::size_t alerts = 0;  // firing, that it remembers
    std::vector<DestinationStatus> destinations;

    // Messages do not arrive: the last attempt at one of the destinations failed, or was refused.
    bool is_failing() const;
};

// What a queue file keeps. Ages instead of times: the clock may have been set meanwhile.
struct SavedMessage {
    MessagePointer message;
    std::int64_t age_ns = 0;    // since it was told
    bool may_be_known = false;  // of an attempt that failed nobody knows how far it came
};
struct SavedAlert {
    MessagePointer message;   // the last of that instance
    std::int64_t age_ns = 0;  // since it was last told
    bool is_known = false;    // the destination has it
};
struct SavedChannel {
    std::vector<SavedMessage> queue;
    std::vector<SavedAlert> alerts;
};

// What the set lends to its channels; it and all in it outlive them.
struct ChannelContext {
    const sinks::Context& io;      // the channels' own loop, time, chance, log
    std::string host;              // label `host`, and in messages
    std::string link;              // where the agent's pages are: "http://web-1:9125"; may be ""
    std::int64_t interval_ns = 0;  // between flushes
    bool is_kept = false;          // there is a queue file: what waits at a stop is not lost
};

class Channel {
public:
    // On the loop's thread after on_drained, or on any thread when that is gone.
    virtual ~Channel() = default;

    virtual std::string_view name() const = 0;  // "oncall" in [channels.oncall]
    virtual std::string_view type() const = 0;  // "webhook"

    // Flush thread. `is_addressed`: the rule names this channel; else it takes only the end of
    // what it was told before, for rules change over restarts.
    virtual void tell(const MessagePointer& message, bool is_addressed) = 0;
    // Flush thread: this fires and was told before. Who repeats it goes on with these values,
    // and takes it up if it did not know.
    virtual void recall(const MessagePointer& message) = 0;

    // Before start(): what a queue file had, `away_ns` after it was written.
    virtual void restore(SavedChannel saved, std::int64_t away_ns) = 0;
    // Any thread. Grows whenever saved() is worth writing again.
    virtual std::uint64_t changes() const = 0;
    virtual SavedChannel saved() const = 0;

    // Loop thread, once, before anything is sent.
    virtual void start() = 0;
    // Any thread, once, after the last tell(). `on_drained` runs on the loop's thread.
    virtual void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) = 0;

    // Any thread.
    virtual ChannelStatus status() const = 0;
};

}  // namespace pitot::agent::alerts::channels
