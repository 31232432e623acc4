// What is legal in a rule and unlikely to be meant: warnings of `pitot check`.
//
// Each is a trap that rules in the wild have fallen into. A hint never stops a rule.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/expression.h"
#include "agent/alerts/parser.h"

namespace pitot::agent::alerts {

// About an expression: a rate taken for a share, milliseconds taken for seconds, a quotient
// of counts that a ratio() says better.
std::vector<ExpressionFault> hints(
    const Expression& expression,
    const std::function<std::optional<Unit>(std::string_view)>& unit_of);

// About the text of a message: "{{ value }}%" shows 0.12% where 12 % is meant. "" if there
// is nothing to say.
std::string hint_on_message(std::string_view text);

}  // namespace pitot::agent::alerts
