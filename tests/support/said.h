// What a parser makes of a line, as one line of text: for tables of rows.
//
//     said(parser, "a:1:2|ms|@0.5|#env:prod,x|T9")  ->  "a timer 1 2 @0.5 #env=prod #x T=9"
//     said(parser, "a:x|c")                         ->  "!bad_number x"
//
// A tag without value has no '='. A reason is followed by the part to blame, if any.
#pragma once

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "protocol/parser.h"

namespace pitot::tests {

inline std::string number_text(double value) {
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

inline std::string tags_text(std::span<const protocol::Tag> tags) {
    std::string text;
    for (const protocol::Tag& tag : tags) {
        text += " #" + std::string(tag.key);
        if (tag.has_value) text += "=" + std::string(tag.value);
    }
    return text;
}

template <class Record>
std::string fields_text(const Record& record) {
    std::string text;
    const auto field = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) text.append(" ").append(name).append("=").append(value);
    };
    if (record.timestamp_s != 0) field("T", std::to_string(record.timestamp_s));
    field("container", record.container_id);
    if (record.cgroup_inode != 0) field("inode", std::to_string(record.cgroup_inode));
    field("external", record.external_data);
    field("card", record.cardinality);
    if (record.unknown_fields != 0) field("unknown", std::to_string(record.unknown_fields));
    return text;
}

inline std::string refused_text(const protocol::Parser& parser, protocol::Reject reject) {
    std::string text = "!" + std::string(to_string(reject));
    if (!parser.refused_part().empty()) text.append(" ").append(parser.refused_part());
    return text;
}

inline std::string said_metric(protocol::Parser& parser, std::string_view line) {
    protocol::MetricLine metric;
    protocol::Reject reject = parser.parse_metric(line, metric);
    if (reject != protocol::Reject::none) return refused_text(parser, reject);
    std::string parts;
    for (const protocol::Part& part : metric.parts) {
        parts.append(parts.empty() ? " " : " + ").append(to_string(part.kind));
        if (part.gauge_is_delta) parts += " delta";
        for (const double value : part.values) parts += " " + number_text(value);
        if (part.kind == protocol::Kind::set) parts.append(" ").append(part.member);
        if (part.sample_rate != 1) parts += " @" + number_text(part.sample_rate);
    }
    protocol::Identity identity;
    reject = parser.identity(metric, identity);
    if (reject != protocol::Reject::none) return refused_text(parser, reject);
    return std::string(identity.name) + parts + tags_text(identity.tags) + fields_text(metric);
}

inline std::string said_event(protocol::Parser& parser, std::string_view line) {
    protocol::Event event;
    const protocol::Reject reject = parser.parse_event(line, event);
    if (reject != protocol::Reject::none) return refused_text(parser, reject);
    std::string text = "event [" + std::string(event.title) + "] [" + std::string(event.text) + "]";
    if (event.priority != protocol::Priority::normal) {
        text.append(" p=").append(to_string(event.priority));
    }
    if (event.alert_type != protocol::AlertType::info) {
        text.append(" t=").append(to_string(event.alert_type));
    }
    if (!event.hostname.empty()) text.append(" h=").append(event.hostname);
    if (!event.aggregation_key.empty()) text.append(" k=").append(event.aggregation_key);
    if (!event.source_type.empty()) text.append(" s=").append(event.source_type);
    return text + tags_text(event.tags) + fields_text(event);
}

inline std::string said_service_check(protocol::Parser& parser, std::string_view line) {
    protocol::ServiceCheck check;
    const protocol::Reject reject = parser.parse_service_check(line, check);
    if (reject != protocol::Reject::none) return refused_text(parser, reject);
    std::string text =
        "check " + std::string(check.name) + " " + std::string(to_string(check.status));
    if (!check.hostname.empty()) text.append(" h=").append(check.hostname);
    if (!check.message.empty()) text.append(" m=[").append(check.message).append("]");
    return text + tags_text(check.tags) + fields_text(check);
}

inline std::string said(protocol::Parser& parser, std::string_view line) {
    switch (protocol::classify(line)) {
        case protocol::LineType::metric:
            return said_metric(parser, line);
        case protocol::LineType::event:
            return said_event(parser, line);
        case protocol::LineType::service_check:
            return said_service_check(parser, line);
    }
    return {};
}

}  // namespace pitot::tests
