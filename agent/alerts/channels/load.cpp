#include "agent/alerts/channels/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/alerts/channels/log/log.h"

namespace pitot::agent::alerts::channels {

LoadedChannels read_channels(SectionReader& root) {
    LoadedChannels loaded;
    loaded.sections = root.sections("channels");
    if (loaded.sections.size() > channels_max) {
        root.problem("channels", fmt::format("must be at most {} tables, got {}", channels_max,
                                             loaded.sections.size()));
        loaded.sections.resize(channels_max);
    }
    std::vector<std::string_view> names;
    for (const ChannelType& type : channel_types()) names.push_back(type.name);

    for (std::unique_ptr<SectionReader>& section : loaded.sections) {
        const auto type = section->required_choice("type", names);
        // Without its type nobody can say what its options mean.
        if (!type) {
            section.reset();
            continue;
        }
        if (section->name() == default_channel && names[*type] != default_channel) {
            section->problem("type", fmt::format("must be \"{0}\" in channels.{0}, which rules "
                                                 "without channels are told to",
                                                 default_channel));
        }
        loaded.definitions.push_back({.name = std::string(section->name()),
                                      .type = std::string(names[*type]),
                                      .is_default = false,
                                      .make = channel_types()[*type].read(*section)});
    }
    std::erase(loaded.sections, nullptr);

    if (std::ranges::find(loaded.definitions, default_channel, &ChannelDefinition::name) ==
        loaded.definitions.end()) {
        loaded.definitions.push_back({.name = std::string(default_channel),
                                      .type = std::string(default_channel),
                                      .is_default = true,
                                      .make = log::make_default(std::string(default_channel))});
    }
    return loaded;
}

}  // namespace pitot::agent::alerts::channels
