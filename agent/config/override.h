// One setting from the command line: --set KEY=VALUE.
//
// The text is one TOML key and value, dots included: `sinks.out.type="console"`,
// `percentiles=[50, 99]`, `limits={series=1000}`. As shells eat quotes, a value that is
// no TOML is taken as a text as it stands: `interval=1s`, `sinks.out.type=console`,
// `listeners.a.address=127.0.0.1:8125`. Not so when it begins with a quote or a bracket:
// that was meant to be TOML, and what is wrong with it is reported. Without quotes nobody
// said of which type a value is: `10` is a number to an option that takes one, and a text
// to one that takes a text (Node::words).
//
// The values of PITOT_ variables are read in the same way (variables.h).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "agent/config/document.h"

namespace pitot::agent {

// Positions are within the text, which counts as the only line of its source.
std::expected<Table, SyntaxFault> parse_override(std::string_view text, std::uint32_t source);

// A value alone, which may have several lines. `position` becomes that of the node.
std::expected<Node, SyntaxFault> parse_value(std::string_view text, Position position);

// Whether these words are TOML, and what of.
std::optional<Node> value_of_words(std::string_view words, Position position);

}  // namespace pitot::agent
