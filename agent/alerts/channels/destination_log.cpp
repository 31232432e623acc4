#include "agent/alerts/channels/destination_log.h"

#include <spdlog/logger.h>

#include <algorithm>

#include "agent/printable.h"

namespace pitot::agent::alerts::channels {
namespace {

// The least time between two log lines about trouble whose words change.
constexpr std::int64_t log_pause_ns = 60'000'000'000;

void set_state(DestinationStatus& status, ChannelState state, std::int64_t now_unix_ns) {
    if (status.state == state) return;
    status.state = state;
    status.since_unix_ns = now_unix_ns;
}

}  // namespace

void succeed(DestinationStatus& status, std::int64_t now_unix_ns) {
    set_state(status, ChannelState::working, now_unix_ns);
    status.last_success_unix_ns = now_unix_ns;
    status.failures_in_a_row = 0;
}

void fail(DestinationStatus& status, ChannelState state, const std::string& reason,
          std::int64_t now_unix_ns) {
    set_state(status, state, now_unix_ns);
    status.last_error = reason;
    status.last_error_unix_ns = now_unix_ns;
    ++status.failures_in_a_row;
}

void rest(DestinationStatus& status, std::int64_t now_unix_ns) {
    const bool has_failed =
        status.state == ChannelState::retrying || status.state == ChannelState::throttled;
    if (!has_failed) return;
    set_state(status, ChannelState::idle, now_unix_ns);
    status.failures_in_a_row = 0;
}

std::chrono::nanoseconds retry_delay(const sinks::Backoff& backoff, std::uint32_t failures,
                                     std::optional<std::chrono::nanoseconds> asked, double random) {
    constexpr std::chrono::nanoseconds none{0};
    return std::max(sinks::backoff_delay(backoff, failures, random),
                    std::clamp(asked.value_or(none), none, sinks::retry_after_max));
}

void DestinationLog::works(const DestinationStatus& status) {
    if (!in_trouble_) return;
    in_trouble_ = false;
    context_.log.info("channels.{}: {} takes messages again", channel_, status.name);
}

void DestinationLog::fails(const DestinationStatus& status, std::uint64_t waiting) {
    const std::int64_t now_ns = context_.time.steady_ns();
    const bool is_news =
        !in_trouble_ || (told_reason_ != status.last_error && now_ns - told_ns_ >= log_pause_ns);
    if (!is_news) return;
    in_trouble_ = true;
    told_reason_ = status.last_error;
    told_ns_ = now_ns;
    context_.log.warn("channels.{}: {} does not take messages: {}; {} wait(s), and is tried again",
                      channel_, status.name, status.last_error, waiting);
}

void DestinationLog::refused(const Message& message, std::string_view reason) {
    context_.log.error("channels.{}: the message that {} is {} is refused for good and dropped: {}",
                       channel_, printable(message.alert), to_string(message.type), reason);
}

void DestinationLog::queue_full(std::uint64_t messages) {
    context_.log.error(
        "channels.{}: the queue is full, and the {} message(s) that waited longest are lost; the "
        "destination takes less than comes in, or nothing",
        channel_, messages);
}

void DestinationLog::lost_at_stop(std::uint64_t messages) {
    context_.log.error(
        "channels.{}: {} message(s) were not delivered before the stop and are lost; with a "
        "state directory they would be delivered by the next start",
        channel_, messages);
}

}  // namespace pitot::agent::alerts::channels
