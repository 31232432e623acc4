// Any bytes → an expression of an alert rule: no crash; a fault has a position and nothing a
// terminal would obey; a tree is printed to a text that gives the same tree, and the same
// text again.
//
// The seeds are expressions, right and wrong.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/alerts/limits.h"
#include "agent/alerts/parser.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/fuzz/terminal_text.h"

namespace {

using namespace pitot;
using agent::alerts::SourceText;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto expression = agent::alerts::parse_expression(SourceText(text));
    if (!expression) {
        tests::require(expression.error().position.line > 0, "a fault without a place");
        tests::require(tests::is_fit_for_a_terminal(expression.error().what),
                       expression.error().what);
        return 0;
    }
    const std::string printed = to_text(*expression);
    // Printing adds blanks and quotes, which may lead beyond the longest text.
    if (printed.size() > agent::alerts::limits::expression_bytes_max) return 0;
    const auto again = agent::alerts::parse_expression(SourceText(printed));
    tests::require(again.has_value(), "what was printed does not parse: " + printed);
    tests::require(*expression == *again, "printed and parsed it is another tree: " + printed);
    tests::require(to_text(*again) == printed, "printed again it is another text: " + printed);
    return 0;
}
