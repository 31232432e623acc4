// Configurations of other StatsD servers, as ours: `pitot migrate`.
//
//     etsy       statsd's config.js: a JavaScript object            javascript.h
//     statsite   INI                                                ini.h
//     telegraf   TOML: [[inputs.statsd]], outputs, global tags
//     datadog    datadog.yaml: what is for DogStatsD                yaml.h
//
// The result is TOML that `pitot check` takes, with a comment for every setting that has no
// counterpart and why. It is a beginning for a person to read, and errs on the side of
// telling: nothing that the other file sets is passed over in silence. Secrets are not
// copied; where one belongs, the result says how to give it.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/problem.h"

namespace pitot::agent {

enum class OtherServer : std::uint8_t { etsy, statsite, telegraf, datadog };

// The words for them, in their order.
std::span<const std::string_view> other_servers();

// `name` is the file's, for messages. `sink_types` are those that this binary has: only
// they are written.
std::expected<std::string, std::vector<Problem>> migrate(
    OtherServer server, const std::string& name, const std::string& text,
    std::span<const std::string_view> sink_types);

}  // namespace pitot::agent
