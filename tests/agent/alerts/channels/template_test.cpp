// Templates: what they show, what is wrong with them and where, and that no word of a client
// becomes more than a word.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "agent/alerts/channels/message.h"
#include "agent/alerts/channels/template.h"
#include "tests/support/channel_rig.h"

using namespace pitot;
using namespace pitot::agent::alerts;
using namespace pitot::agent::alerts::channels;
using pitot::tests::channel_message;

namespace {

std::string shown(std::string_view text, const Message& message, const Unit& unit = milliseconds) {
    const auto parsed = parse_template(SourceText(std::string(text)), {});
    REQUIRE_MESSAGE(parsed, parsed.error().what);
    return render(*parsed, message, unit);
}

std::string shown(std::string_view text) {
    return shown(text, channel_message("slow", MessageType::firing));
}

// "column: what"
std::string fault_in(std::string_view text, const TemplateScope& scope = {}) {
    const auto parsed = parse_template(SourceText(std::string(text)), scope);
    if (parsed) return "";
    return std::to_string(parsed.error().position.column) + ": " + parsed.error().what;
}

Unit unit_named(std::string_view name) {
    const auto unit = find_metric_unit(name);
    REQUIRE(unit);
    return *unit;
}

}  // namespace

TEST_CASE("fields are shown as they are") {
    CHECK(shown("") == "");
    CHECK(shown("as it stands, } and {") == "as it stands, } and {");
    CHECK(shown("{{ alert }} {{state}} {{ severity }} {{ level }}") == "slow firing critical 1");
    CHECK(shown("{{ value }} {{ peak }} {{ threshold }} {{ unit }}") == "312 512 250 ms");
    CHECK(shown("{{ labels.service }} on {{ host }}") == "pay on web-1");
    CHECK(shown("{{ labels.'service' }}{{ labels.\"service\" }}") == "paypay");
    CHECK(shown("{{ started }}, for {{ duration }}") == "2026-08-01T00:00:00.000Z, for 1 m");
    CHECK(shown("{{ condition }}") == "p95(checkout.time) > 250ms");
    CHECK(shown("{{ reason }} {{ firing }} {{ resolved }}") == "condition true false");
    CHECK(shown("[{{ labels.none }}]") == "[]");
}

TEST_CASE("a value that there is not is no zero") {
    Message message = channel_message("slow", MessageType::firing);
    message.has_value = false;
    message.threshold.reset();
    CHECK(shown("{{ value }}", message) == "no data");
    CHECK(shown("{{ value | humanize }}", message) == "no data");
    CHECK(shown("{{ value | default: '-' }} {{ threshold | default: 7 | round: 1 }}", message) ==
          "- 7");
    CHECK(shown("{{ if value }}a{{ else }}b{{ end }}", message) == "b");
    CHECK(shown("{{ value | json }}", message) == "null");
    // What ends for want of data was as bad as it was.
    CHECK(shown("{{ peak }}", message) == "512");
    message.has_peak = false;
    CHECK(shown("{{ peak }}", message) == "no data");
}

TEST_CASE("filters") {
    Message message = channel_message("slow", MessageType::firing);
    const auto of = [&](double value, std::string_view text, const Unit& unit) {
        message.value = value;
        return shown(text, message, unit);
    };
    const Unit none{};
    CHECK(of(0.12, "{{ value | percent }}", none) == "12%");
    CHECK(of(0.0705, "{{ value | percent }}", none) == "7.05%");
    CHECK(of(85, "{{ value | percent }}", unit_named("percent")) == "85%");
    CHECK(of(-0.00001, "{{ value | percent }}", none) == "-0.001%");
    CHECK(of(312, "{{ value | humanize }}", milliseconds) == "312 ms");
    CHECK(of(-312, "{{ value | humanize }}", milliseconds) == "-312 ms");
    CHECK(of(12'345, "{{ value | humanize }}", none) == "12.3 k");
    CHECK(of(1'288'490'189, "{{ value | bytes }}", none) == "1.20 GiB");
    CHECK(of(125, "{{ value | duration }}", none) == "2 m 5 s");
    CHECK(of(125'000, "{{ value | duration }}", milliseconds) == "2 m 5 s");
    CHECK(of(3.14159, "{{ value | round: 2 }} {{ value | round }}", none) == "3.14 3");
    CHECK(of(0.1 + 0.2, "{{ value }}", none) == "0.3");
    CHECK(of(1e300, "{{ value | round: 15 }}", none) == "1e+300");
    CHECK(shown("{{ alert | upper }} {{ alert | json }}") == "SLOW \"slow\"");
    CHECK(shown("{{ value | percent | upper | default: 'x' }}") == "31200%");
}

TEST_CASE("blocks") {
    Message message = channel_message("slow", MessageType::firing);
    message.labels = {{"service", "pay"}, {"zone", ""}};
    CHECK(shown("{{ if resolved }}over{{ else }}on{{ end }}", message) == "on");
    CHECK(shown("{{ if labels.zone }}{{ labels.zone }}{{ end }}!", message) == "!");
    CHECK(shown("{{ each labels }}{{ name }}={{ value | upper }};{{ end }}", message) ==
          "service=PAY;zone=;");
    CHECK(shown("{{ each labels }}{{ if value }}{{ name }} of {{ alert }}{{ end }}{{ end }}",
                message) == "service of slow");
    CHECK(shown("{{each labels}}{{each labels}}{{name}} {{end}}{{end}}", message) ==
          "service zone service zone ");
    message.type = MessageType::settled;
    message.level = 0;
    CHECK(shown("{{ if resolved }}over{{ else }}on{{ end }}", message) == "over");
}

TEST_CASE("what is wrong is said, with its place") {
    CHECK(fault_in("{{ valeu }}") == "4: must name a field, got \"valeu\"; did you mean `value`?");
    CHECK(fault_in("{{ $value }}%") ==
          "4: must name a field, got \"$value\"; did you mean `value`?");
    CHECK(fault_in("{{ $labels.job }}") ==
          "4: must name a field, got \"$labels.job\"; did you mean `labels.job`?");
    CHECK(fault_in("{{ .Labels.job }}") ==
          "4: must name a field, got \".Labels.job\"; did you mean `labels.job`?");
    CHECK(fault_in("a {{ value | percnt }}") ==
          "14: must name a filter, got \"percnt\"; did you mean `percent`?");
    CHECK(fault_in("{{ alert | percent }}") ==
          "12: must be for a text, got `percent`, which is for a number");
    CHECK(fault_in("{{ value | upper }}") ==
          "12: must be for a number, got `upper`, which is for a text");
    CHECK(fault_in("{{ value | round: 2.5 }}") ==
          "19: must be a whole number of decimals from 0 to 15");
    CHECK(fault_in("{{ value | percent: 2 }}") ==
          "21: must have no argument for `percent`, got \"2\"");
    CHECK(fault_in("{{ unit | default }}") == "11: must say what else: default: \"none\"");
    CHECK(fault_in("{{ value") == "1: must end each {{ with }}, got the end of the text");
    CHECK(fault_in("{{ value peak }}") ==
          "10: must have }} or a filter (\"| humanize\") here, got \"peak\"");
    CHECK(fault_in("x{{ if firing }}y") == "2: must have an {{ end }} for this `if`");
    CHECK(fault_in("{{ each labels }}") == "1: must have an {{ end }} for this `each`");
    CHECK(fault_in("{{ each alerts }}") == "9: must say `each labels`, got \"alerts\"");
    CHECK(fault_in("x {{ end }}") == "6: must have an `if` or `each` before this end");
    CHECK(fault_in("{{ else }}") == "4: must have an `if` before this else");
    CHECK(fault_in("{{ if firing }}{{ else }}{{ else }}{{ end }}") ==
          "29: must have one `else` in an `if`, got a second one");
    CHECK(fault_in("{{ unit | default: \"a }}") ==
          "20: must end this text with the quote that it begins with");
    CHECK(fault_in("{{ name }}").starts_with("4: must name a field, got \"name\""));
}

TEST_CASE("labels that the rule cannot have are faults") {
    const TemplateScope scope{.labels = {"host", "service"}, .has_any_label = false};
    CHECK(fault_in("{{ labels.service }}", scope) == "");
    CHECK(fault_in("{{ labels.servce }}", scope) ==
          "4: must name a label that the rule has (host, service), got \"servce\"; did you mean "
          "`service`?");
    CHECK(fault_in("{{ labels. }}", scope) ==
          "4: must name a label: labels.service, labels.\"a b\"");
}

TEST_CASE("a percent sign behind a share is worth a hint") {
    const auto hints = [](std::string_view text) {
        return parse_template(SourceText(std::string(text)), {})->hints.size();
    };
    CHECK(hints("rate is {{ value }}%") == 1);
    CHECK(hints("rate is {{ value | round: 2 }}%") == 1);
    CHECK(hints("rate is {{ value | percent }}") == 0);
    CHECK(hints("{{ alert }}%") == 0);
}

TEST_CASE("what clients write stays on its line, and within its bounds") {
    Message message = channel_message("slow", MessageType::firing);
    message.labels = {{"service", "a\x1b[31m\nb\xe2\x80\xae"}};
    const std::string text = shown("{{ labels.service }}", message);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find("\xe2\x80\xae") == std::string::npos);
    CHECK(shown("a\nb") == "a\nb");  // the operator's own lines are his

    message.labels = {{"service", "{{ value }} <b> <!channel> %s {}"}};
    CHECK(shown("{{ labels.service }}", message) == "{{ value }} <b> <!channel> %s {}");
    message.labels = {{"service", std::string(10'000, 'x')}};
    CHECK(shown("{{ labels.service }}", message).size() <=
          template_limits::label_characters_max + 3);
}

TEST_CASE("output is bounded, and cut between characters") {
    Message message = channel_message("slow", MessageType::firing);
    message.labels.clear();
    for (int i = 0; i < 16; ++i) message.labels.push_back({"n", std::string(200, 'v')});
    const std::string text =
        shown("{{ each labels }}{{ each labels }}é{{ value }}{{ end }}{{ end }}", message);
    CHECK(text.size() <= template_limits::output_bytes_max + 3);
    CHECK(text.ends_with("…"));
    const std::string letters(template_limits::source_bytes_max - 2, 'x');
    CHECK(shown(letters + "é").size() <= template_limits::output_bytes_max + 3);
    CHECK(fault_in(letters + "ééx").starts_with("1: must be at most 8192 bytes long"));
}

TEST_CASE("tags and nesting are bounded") {
    std::string many;
    for (std::size_t i = 0; i <= template_limits::tags_max; ++i) many += "{{unit}}";
    CHECK(fault_in(many).ends_with("must have at most 256 tags"));
    std::string deep;
    for (std::size_t i = 0; i <= template_limits::depth_max; ++i) deep += "{{ if firing }}";
    CHECK(fault_in(deep).ends_with("must be nested at most 8 deep"));
    std::string filters = "{{ unit ";
    for (std::size_t i = 0; i <= template_limits::filters_max; ++i) filters += "| upper ";
    CHECK(fault_in(filters + "}}").ends_with("must have at most 8 filters"));
}
