// Reads the tables [channels.NAME].
//
// Each is read by its type (registry.h) through the same Options as a sink's, so that all
// problems of a file come out at once. There always is a channel "log": the agent's log, where
// rules are told that name no channel. It is made if nobody wrote it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/alerts/channels/registry.h"
#include "agent/config/options.h"

namespace pitot::agent::alerts::channels {

inline constexpr std::string_view default_channel = "log";
inline constexpr std::size_t channels_max = 32;

struct LoadedChannels {
    std::vector<ChannelDefinition> definitions;
    // For report_unknown(), once all options of the file as a whole are known.
    std::vector<std::unique_ptr<SectionReader>> sections;
};

LoadedChannels read_channels(SectionReader& root);

}  // namespace pitot::agent::alerts::channels
