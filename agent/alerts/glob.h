// Names with `*` in them.
//
// In a name of a metric `*` stands for one or more characters other than a dot, as in the
// templates of StatsD servers: "api.*.errors" is not "api.v1.users.errors". In the value of
// a tag it stands for any characters, or none. What the `*` of a name stood for are its
// captures, $1 to $9.
//
// The first way that fits is taken, each `*` as short as it may be. Time is bounded by the
// product of the lengths.
#pragma once

#include <string_view>
#include <vector>

namespace pitot::agent::alerts {

inline bool is_glob(std::string_view pattern) {
    return pattern.contains('*');
}

// Appends the captures to `captures` if the name matches; leaves it as it was otherwise.
bool matches_name_glob(std::string_view pattern, std::string_view name,
                       std::vector<std::string_view>& captures);

bool matches_value_glob(std::string_view pattern, std::string_view value);

}  // namespace pitot::agent::alerts
