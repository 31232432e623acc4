// The JavaScript that people write in statsd's config.js: one object literal.
//
// Keys with and without quotes, comments, texts in any of the three quotes, numbers,
// booleans, null, arrays and objects within each other, commas at the end; around it
// parentheses, `module.exports =` or nothing. What computes something (process.env.PORT,
// 60 * 1000, a function) only JavaScript knows the value of: such a key is left out and told of,
// or refused with its place.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/document.h"

namespace pitot::agent {

// null and undefined are left out, as if the key were not there.
std::expected<Table, SyntaxFault> parse_javascript(std::string_view text, std::uint32_t source);

// The same, but values that only JavaScript can work out are left out too; `computed` gets their
// paths, "graphite.globalSuffix".
std::expected<Table, SyntaxFault> parse_plain_javascript(std::string_view text,
                                                         std::uint32_t source,
                                                         std::vector<std::string>& computed);

}  // namespace pitot::agent
