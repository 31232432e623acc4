// The JavaScript that people write in statsd's config.js: one object literal.
//
// Keys with and without quotes, comments, texts in any of the three quotes, numbers,
// booleans, null, arrays and objects within each other, commas at the end; around it
// parentheses, `module.exports =` or nothing. What computes something (process.env.PORT,
// 60 * 1000, a function) is refused with its place: only JavaScript knows its value.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "agent/config/document.h"

namespace pitot::agent {

// null and undefined are left out, as if the key were not there.
std::expected<Table, SyntaxFault> parse_javascript(std::string_view text, std::uint32_t source);

}  // namespace pitot::agent
