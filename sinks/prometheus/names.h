// What Prometheus calls a series: names and labels within its character sets.
//
// Source: Prometheus data model and text exposition format 0.0.4.
//
//   name    [a-zA-Z_:][a-zA-Z0-9_:]*   any other character becomes one '_'; a leading digit
//                                      gets a '_' before it
//   label   [a-zA-Z_][a-zA-Z0-9_]*     likewise
//
// Labels with a meaning of their own (le, quantile, job, instance, the grouping key's, and
// what begins with "__") are renamed with "exported_" before them, as Prometheus does when a
// target's label meets its own.
//
//   tag "env:prod"   env="prod"
//   tag "shell"      shell="true"      an empty value would mean no label at all
//   tag "env:"       no label          which is what an empty value means
//   tags "x.y:1" and "x_y:2", or "role:a" and "role:b"
//                    one label, the values in the order of the tags: x_y="1,2"
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sample.h"

namespace pitot::sinks::prometheus {

std::string metric_name(std::string_view name);
// That of `prefix` and `name` as one, in place of what `out` was.
void write_metric_name(std::string_view prefix, std::string_view name, std::string& out);
std::string label_name(std::string_view name);

// Whether the text is one already.
bool is_metric_name(std::string_view name);
bool is_label_name(std::string_view name);

struct Labels {
    std::string text;          // a="1",b="2": sorted by name, escaped, without braces
    std::uint32_t merged = 0;  // tags that had to share a label with another
};

// `reserved`: label names of the destination, besides those that are always reserved.
Labels label_text(std::span<const protocol::Tag> tags, std::span<const std::string> reserved);

void append_label_value(std::string_view value, std::string& out);

}  // namespace pitot::sinks::prometheus
