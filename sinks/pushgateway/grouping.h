// The grouping key: the part of the URL that names the group a push replaces.
//
// Source: the Pushgateway's README, "URL". Every value goes as URL-safe base64 (with
// "@base64" after the label), because a value with a slash, even escaped, is split at it, and
// an empty one cannot stand in a path at all.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks::pushgateway {

// `path` is that of the gateway's URL; `labels` begin with job, whose value is not empty.
// "/metrics/job@base64/cGl0b3Q=/instance@base64/aG9zdA=="
std::string group_target(std::string_view path,
                         const std::vector<std::pair<std::string, std::string>>& labels);

}  // namespace pitot::sinks::pushgateway
