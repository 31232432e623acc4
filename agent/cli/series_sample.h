// The series that `pitot check --explain` holds rules against: those of a running agent
// (--live), or those that lines of a file make (--lines).
//
// Of an agent only series of names that rules read are asked for, and the names of all others,
// for what may have been meant instead. Lines are read as the first listener of the
// configuration reads them, on the data path of the agent, as one interval.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/agent_target.h"
#include "agent/clock.h"
#include "agent/config/config.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// Of name and tags: what a Series can tell, and far more than an agent admits
// (protocol::identity_bytes_max).
inline constexpr std::size_t series_text_bytes_max = UINT16_MAX;

// Of a file of lines: a day of a busy host is not an example.
inline constexpr std::size_t sample_file_bytes_max = std::size_t{64} << 20U;

class SeriesSample {
public:
    using Tags = std::vector<std::pair<std::string, std::string>>;

    // One beyond series_text_bytes_max is no agent's, and is left out.
    void add(std::string_view name, protocol::Kind kind, Tags tags);
    // Good until the next add().
    std::span<const protocol::Series> series() const { return series_; }

    // What is to be known beside it, a sentence each: what was cut short, lines refused.
    std::vector<std::string> remarks = {};

private:
    std::deque<std::string> texts_;  // of the series; they stay where they are
    std::vector<protocol::Series> series_;
};

// The error is a sentence.
std::expected<SeriesSample, std::string> series_of_lines(const std::filesystem::path& file,
                                                         const Config& config);
std::expected<SeriesSample, std::string> series_of_agent(const AgentTarget& target,
                                                         const alerts::AlertsConfig& config,
                                                         const Clock& clock);

}  // namespace pitot::agent
