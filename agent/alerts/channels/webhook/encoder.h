// A message as JSON, in one of two forms. Pure functions: equal messages give equal bytes.
//
// README.md has the fields of the first; the second is what Alertmanager sends to its webhook
// receivers ("version": "4"), with one alert in it, so that those understand it.
#pragma once

#include <string>
#include <string_view>

#include "agent/alerts/channels/message.h"

namespace pitot::agent::alerts::channels::webhook {

struct EncoderSettings {
    std::string receiver;  // the channel's name
    std::string link;      // of the agent's pages; may be ""
};

std::string encode_pitot(const Message& message, const EncoderSettings& settings);
std::string encode_alertmanager(const Message& message, const EncoderSettings& settings);

}  // namespace pitot::agent::alerts::channels::webhook
