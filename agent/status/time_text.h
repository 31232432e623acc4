// A moment as RFC 3339 has it.
#pragma once

#include <cstdint>
#include <string>

namespace pitot::agent {

// "2026-08-01T00:00:10.250Z": UTC, always with milliseconds. Moments before 1970 are 1970.
std::string rfc3339(std::int64_t unix_ns);

}  // namespace pitot::agent
