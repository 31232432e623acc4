// The state of alerts on disk, so that a restart neither forgets nor repeats anything.
//
// One file, written whole beside the old one and renamed, so that it is either the old or
// the new state, whenever the process or the machine stops. It begins with its version, its
// length and a checksum. A file that is not whole, or not ours, is set aside under another
// name with a message, and the agent starts without: an alert that is told twice is better
// than an agent that does not start.
//
// Blocks on the disk: for start-up and for a thread that may wait, not for the flush.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/alerts/engine.h"

namespace pitot::agent::alerts {

std::string encode(const SavedState& state);
// The error is "must …".
std::expected<SavedState, std::string> decode(std::string_view bytes);

// The error is a sentence for the log.
std::expected<void, std::string> write_state(const std::filesystem::path& path,
                                             const SavedState& state);

struct ReadState {
    std::optional<SavedState> state;  // nothing: begin anew
    std::string problem;              // a sentence for the log and /health; empty if all is well
};
ReadState read_state(const std::filesystem::path& path);

}  // namespace pitot::agent::alerts
