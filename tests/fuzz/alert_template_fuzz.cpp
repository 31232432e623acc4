// Any bytes → a template of an alert's message: no crash; a fault has a position and nothing a
// terminal would obey; what renders is bounded, and what a label inserts is printable.
//
// The seeds are templates, right and wrong. The labels are the template's own bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/alerts/channels/message.h"
#include "agent/alerts/channels/template.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/fuzz/terminal_text.h"

namespace {

using namespace pitot;
using namespace pitot::agent::alerts;
using namespace pitot::agent::alerts::channels;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_template(SourceText(text), {});
    if (!parsed) {
        tests::require(parsed.error().position.line > 0, "a fault without a place");
        tests::require(tests::is_fit_for_a_terminal(parsed.error().what), parsed.error().what);
        return 0;
    }
    Message message;
    message.alert = text;
    message.labels = {{"a", text}, {text, "b"}};
    message.has_value = size % 2 == 0;
    message.has_peak = size % 3 == 0;
    message.value = static_cast<double>(size) / 7;
    message.summary = text;
    const std::string shown = render(*parsed, message, milliseconds);
    tests::require(shown.size() <= template_limits::output_bytes_max + 3, "it is too long");
    // The template's own text may hold anything; what it inserts may not.
    if (tests::is_fit_for_a_terminal(text)) {
        tests::require(tests::is_fit_for_a_terminal(shown), "a label escapes: " + shown);
    }
    return 0;
}
