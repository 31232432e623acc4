// Alerts as Alertmanager's API version 2 takes them: the body of POST /api/v2/alerts.
//
// Pure functions. What fires ends by itself at `firing_ends_unix_ns` unless it is sent again,
// so that an agent that is gone leaves nothing firing for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/alerts/channels/message.h"

namespace pitot::agent::alerts::channels::alertmanager {

struct EncoderSettings {
    std::string link;  // generatorURL; "": none
    std::int64_t firing_ends_unix_ns = 0;
};

// A JSON array, one alert for each message.
std::string encode(std::span<const MessagePointer> messages, const EncoderSettings& settings);

}  // namespace pitot::agent::alerts::channels::alertmanager
