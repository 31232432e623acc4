// The YAML that is in a datadog.yaml: keys and values, lists, and tables by indentation.
//
// Plain and quoted texts, numbers, booleans, [a, b] and "- a", comments. Of the rest
// (anchors, block texts, tables within lists) the key is kept and the value is not: a list
// with tables in it is an empty list. Tabs before a key are refused, as YAML does.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "agent/config/document.h"

namespace pitot::agent {

// A key without a value is left out: it has its default there.
std::expected<Table, SyntaxFault> parse_yaml(std::string_view text, std::uint32_t source);

}  // namespace pitot::agent
