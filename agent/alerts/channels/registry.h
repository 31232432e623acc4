// Every type of channel this binary has. Nothing registers itself: registry.cpp is the list.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/channels/channel.h"
#include "sinks/options.h"

namespace pitot::agent::alerts::channels {

// Makes the channel that a section describes, once.
using MakeChannel = std::function<std::unique_ptr<Channel>(const ChannelContext& context)>;

struct ChannelType {
    std::string_view name;         // `type = "…"` in the configuration
    std::string_view description;  // one line for the manual
    // Reads its settings; what is wrong with them goes to `options`, and the result is then
    // good for nothing. Opens nothing but files it is told to read.
    MakeChannel (*read)(sinks::Options& options);
};

// In the order the manual lists them.
std::span<const ChannelType> channel_types();

// Null when there is none of that name.
const ChannelType* find_channel_type(std::string_view name);

// One [channels.NAME], read and checked.
struct ChannelDefinition {
    std::string name;
    std::string type;
    bool is_default = false;  // "log", which is there without being written
    MakeChannel make;
};

}  // namespace pitot::agent::alerts::channels
