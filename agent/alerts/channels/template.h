// Templates of messages: text with fields of the alert in it.
//
//     {{ labels.service }}: p95 is {{ value | humanize }}, at worst {{ peak | humanize }}
//     {{ if resolved }}over after {{ duration }}{{ else }}since {{ started }}{{ end }}
//     {{ each labels }}{{ name }}={{ value }} {{ end }}
//
//     template = { text | "{{" , tag , "}}" } ;
//     tag      = output | "if" , path | "else" | "each" , "labels" | "end" ;
//     output   = path , { "|" , filter , [ ":" , argument ] } ;
//     argument = number | '"' , text , '"' | "'" , text , "'" ;
//     path     = name | "labels" , "." , ( name | '"' , text , '"' ) ;
//
// Fields: alert state severity level host summary(not in summaries) value peak threshold unit
// condition reason started duration runbook_url firing resolved flapping; labels.NAME. Within
// `each labels`: name and value of the label. `if` asks whether there is something: a text
// that is not empty, a number that exists, what is true.
//
// Filters (template_filters.h): percent humanize bytes duration round json upper default.
//
// Checked when it is parsed: a field or filter that does not exist, a filter for numbers on a
// text, an `if` without its `end` are faults with their place and the nearest name. So
// rendering is total: it has no errors, and an end (template_limits). What it inserts is made
// printable: no control character and no change of reading direction comes out of a label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/parser.h"
#include "agent/alerts/source_text.h"
#include "agent/alerts/unit.h"

namespace pitot::agent::alerts::channels {

struct Message;

namespace template_limits {
// A text that needs more is a page of a runbook.
inline constexpr std::size_t source_bytes_max = 8'192;
// Tags of one template: bounds what rendering costs.
inline constexpr std::size_t tags_max = 256;
// `if` and `each` within one another, which rendering recurses over.
inline constexpr std::size_t depth_max = 8;
// Of one tag.
inline constexpr std::size_t filters_max = 8;
// What comes out. The least of what destinations take (PagerDuty: 1 KiB of summary) is for
// their channels to cut; this is so that labels in a loop cannot fill a queue.
inline constexpr std::size_t output_bytes_max = 8'192;
// A label's value in a text: the rest of it is in the labels.
inline constexpr std::size_t label_characters_max = 256;
}  // namespace template_limits

// Which labels a template may name.
struct TemplateScope {
    std::vector<std::string> labels = {};
    bool has_any_label = true;  // `labels` are not all: which others there are, data decides
};

struct TemplateArgument {
    bool is_number = false;
    double number = 0;
    std::string text;
};

enum class Filter : std::uint8_t {
    percent,   // 0.07 → "7 %"; what is measured in percent stays
    humanize,  // by its unit: "312 ms", "1.20 GiB", "12.3 k"
    bytes,     // "1.20 GiB"
    duration,  // "2 m 5 s"; a number without a unit of time is in seconds
    round,     // to so many decimals, or none
    json,      // as JSON: quoted, escaped
    upper,     // ASCII letters
    otherwise  // `default`: the argument where there is nothing
};

enum class Field : std::uint8_t {
    alert,
    state,
    severity,
    level,
    host,
    value,
    peak,
    threshold,
    unit,
    condition,
    reason,
    started,
    duration,
    runbook_url,
    firing,
    resolved,
    flapping,
    label,       // TemplateNode::name
    each_name,   // of the label that `each` is at
    each_value,  //
};

struct FilterCall {
    Filter filter = Filter::json;
    std::optional<TemplateArgument> argument;
};

// Nodes in the order of the text; a block names where it goes on.
struct TemplateNode {
    enum class Type : std::uint8_t { text, output, condition, each };
    Type type = Type::text;
    std::string text = {};  // as it stands
    Field field = Field::alert;
    std::string name = {};  // of a label
    std::vector<FilterCall> filters = {};
    std::vector<TemplateNode> then = {};       // of `if` and `each`
    std::vector<TemplateNode> otherwise = {};  // of `else`
};

struct Template {
    std::vector<TemplateNode> nodes;
    // Legal and unwise, such as a % behind a value that was not made a percentage.
    std::vector<ExpressionFault> hints;
};

// The fault's `what` reads on after "key: ": "must …".
std::expected<Template, ExpressionFault> parse_template(const SourceText& text,
                                                        const TemplateScope& scope);

// `unit` is that of the message's value and peak.
std::string render(const Template& parsed, const Message& message, const Unit& unit);

}  // namespace pitot::agent::alerts::channels
