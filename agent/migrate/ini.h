// INI files, as statsite reads them: [section], key = value, ';' and '#' for comments.
//
// All values are texts; they have no quotes. Keys above the first section are in the one
// named "".
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "agent/config/document.h"

namespace pitot::agent {

std::expected<Table, SyntaxFault> parse_ini(std::string_view text, std::uint32_t source);

}  // namespace pitot::agent
