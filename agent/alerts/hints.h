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

// A number with "%" that is compared with a metric of which nobody has said what it is in: it is
// a share of 1 then. Right for a metric from 0 to 1, and a rule that always or never fires for
// one from 0 to 100.
struct UndeclaredShare {
    NodeId value = 0;  // what is compared
    std::string told;  // how the number is read, and what to do if that is not meant
};
std::vector<UndeclaredShare> undeclared_shares(
    const Expression& expression,
    const std::function<std::optional<Unit>(std::string_view)>& unit_of);

// About the text of a message: "{{ value }}%" shows 0.12% where 12 % is meant. "" if there
// is nothing to say.
std::string hint_on_message(std::string_view text);

}  // namespace pitot::agent::alerts
