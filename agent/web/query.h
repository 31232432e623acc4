// What stands behind the '?' of an address.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::agent {

using Query = std::vector<std::pair<std::string, std::string>>;

// "a=b%20c&d" is (a, "b c") and (d, ""), in order; a '+' is a blank. What is no escape is
// taken as it stands. The server bounds its length.
Query parse_query(std::string_view text);

// A value such that parse_query() gives it back.
std::string query_escaped(std::string_view text);

}  // namespace pitot::agent
