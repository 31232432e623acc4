// Values and keys as TOML writes them: for messages, for the list of all options, and for
// configurations that pitot prints (`pitot check --show`, `pitot migrate`).
//
// What comes out can be read again, and holds nothing that a terminal would obey.
#pragma once

#include <string>
#include <string_view>

#include "agent/config/document.h"

namespace pitot::agent {

// A part of a key that needs no quotes: letters, digits, '_' and '-'.
bool is_bare_key(std::string_view key);

// A part of a key, in quotes where it needs them.
std::string toml_key(std::string_view key);

// The same for a message: cut where it is long.
std::string shown_key(std::string_view key);

// A text in quotes, fit to stand in a configuration file: "${" and "$$" are escaped, so
// that they are read as they are (references.h). Bytes that are not UTF-8 become U+FFFD.
std::string toml_text(std::string_view text);

// The same for a text whose references are meant.
std::string toml_text_as_is(std::string_view text);

// Any value on one line; tables are inline ones.
std::string toml_value(const Node& node);

}  // namespace pitot::agent
