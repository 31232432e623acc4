#include "agent/alerts/channels/registry.h"

#include <algorithm>
#include <array>

#include "agent/alerts/channels/alertmanager/alertmanager.h"
#include "agent/alerts/channels/log/log.h"
#include "agent/alerts/channels/webhook/webhook.h"

namespace pitot::agent::alerts::channels {
namespace {

constexpr std::array types{
    ChannelType{"log", "the agent's own log", log::read},
    ChannelType{"webhook", "a URL: pitot's JSON, or Alertmanager's version 4", webhook::read},
    ChannelType{"alertmanager", "Prometheus Alertmanager, by its API version 2",
                alertmanager::read},
};

}  // namespace

std::span<const ChannelType> channel_types() {
    return types;
}

const ChannelType* find_channel_type(std::string_view name) {
    const auto* const found = std::ranges::find(types, name, &ChannelType::name);
    return found == types.end() ? nullptr : found;
}

}  // namespace pitot::agent::alerts::channels
