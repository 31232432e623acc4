// How one destination of a channel is: its status, and what the log says of it.
//
// Shared by the Outbox and by the Alertmanager's peers. The log has a line when trouble
// begins, one when its reason changes, once a minute at most, and one when it is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/alerts/channels/channel.h"
#include "sinks/delivery/backoff.h"

namespace pitot::agent::alerts::channels {

// An attempt succeeded.
void succeed(DestinationStatus& status, std::int64_t now_unix_ns);
// It did not; `state` is retrying, throttled or refused. A destination that refuses everything
// tells nobody either, so a refusal is a failure in a row as well.
void fail(DestinationStatus& status, ChannelState state, const std::string& reason,
          std::int64_t now_unix_ns);
// Nothing is left of what failed.
void rest(DestinationStatus& status, std::int64_t now_unix_ns);
// `failures`: since the last answer, whatever that was. Full jitter, at least what the destination
// asked for.
std::chrono::nanoseconds retry_delay(const sinks::Backoff& backoff, std::uint32_t failures,
                                     std::optional<std::chrono::nanoseconds> asked, double random);

// For one thread, or under its user's lock.
class DestinationLog {
public:
    DestinationLog(std::string channel, const sinks::Context& context)
        : channel_(std::move(channel)), context_(context) {}

    void works(const DestinationStatus& status);
    void fails(const DestinationStatus& status, std::uint64_t waiting);
    void refused(const Message& message, std::string_view reason);
    void queue_full(std::uint64_t messages);
    void lost_at_stop(std::uint64_t messages);

private:
    std::string channel_;
    const sinks::Context& context_;
    bool in_trouble_ = false;
    std::string told_reason_;
    std::int64_t told_ns_ = 0;
};

}  // namespace pitot::agent::alerts::channels
