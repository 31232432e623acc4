// What a channel keeps over a restart, as a file: its queue, and the alerts it has told of.
//
// One file for each channel, so that damage to one is no other's; saved_file.h says how it is
// written. The texts of messages are in it, credentials are not: these are the channel's.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/alerts/channels/channel.h"

namespace pitot::agent::alerts::channels {

struct QueueFile {
    std::int64_t saved_unix_ns = 0;
    SavedChannel channel;
};

std::string encode_queue(const QueueFile& file);
// The error is "must …".
std::expected<QueueFile, std::string> decode_queue(std::string_view bytes);

// The error is a sentence for the log.
std::expected<void, std::string> write_queue(const std::filesystem::path& path,
                                             const QueueFile& file);
// Nothing where there is no file. Of one that is wrong the error is a sentence; it is set aside.
std::expected<std::optional<QueueFile>, std::string> read_queue(const std::filesystem::path& path);

}  // namespace pitot::agent::alerts::channels
