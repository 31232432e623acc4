// What a channel of alerts needs to live, for tests: time moved by hand, a log in memory, and
// messages to tell.
//
//     ChannelRig rig;
//     auto channel = rig.make("webhook", options);   // REQUIREs that nothing is wrong with them
//     channel->start();
//     channel->tell(rig.firing("slow"), true);
//     rig.run_until([&] { return channel->status().counts.delivered == 1; });
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/alerts/channels/channel.h"
#include "agent/alerts/channels/registry.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"

namespace pitot::tests {

using agent::alerts::channels::Channel;
using agent::alerts::channels::ChannelContext;
using agent::alerts::channels::Message;
using agent::alerts::channels::MessagePointer;
using agent::alerts::channels::MessageType;

// Of a rule with one tag; what a test does not care about is always the same.
inline Message channel_message(std::string alert, MessageType type, std::string service = "pay") {
    Message message;
    message.type = type;
    message.alert = std::move(alert);
    message.labels = {{"service", std::move(service)}};
    message.severity = "critical";
    message.level = type == MessageType::resolved ? 0 : 1;
    message.has_value = true;
    message.has_peak = true;
    message.value = 312;
    message.peak = 512;
    message.threshold = 250;
    message.unit = "ms";
    message.condition = "p95(checkout.time) > 250ms";
    message.host = "web-1";
    message.summary = message.alert + " is slow";
    message.started_unix_ns = 1'785'542'400'000'000'000;
    message.told_unix_ns = 1'785'542'460'000'000'000;
    message.duration_ns = 60'000'000'000;
    return message;
}

struct ChannelRig : SinkRig {
    ChannelContext channels{.io = context,
                            .host = "web-1",
                            .link = "http://web-1:9125",
                            .interval_ns = 10'000'000'000,
                            .is_kept = false};

    std::unique_ptr<Channel> make(std::string_view type, SinkOptions& options) const {
        const auto* const found = agent::alerts::channels::find_channel_type(type);
        REQUIRE(found != nullptr);
        const auto maker = found->read(options);
        REQUIRE(options.problems() == "");
        return maker(channels);
    }

    static MessagePointer firing(std::string alert, std::string service = "pay") {
        return pointer(channel_message(std::move(alert), MessageType::firing, std::move(service)));
    }
    static MessagePointer resolved(std::string alert, std::string service = "pay") {
        return pointer(
            channel_message(std::move(alert), MessageType::resolved, std::move(service)));
    }
    static MessagePointer pointer(Message message) {
        return std::make_shared<const Message>(std::move(message));
    }

    // Stops it and waits for its word.
    void stop(Channel& channel, std::chrono::nanoseconds time_left) {
        bool is_drained = false;
        channel.stop(time.steady_ns() + time_left.count(), [&] { is_drained = true; });
        run_until([&] { return is_drained; });
    }
};

}  // namespace pitot::tests
