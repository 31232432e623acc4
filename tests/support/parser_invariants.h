// What must hold for any bytes a parser is given: for the property test and the fuzzer.
//
//     const std::string broken = broken_invariant(parser, line);   // "" if none
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/parser.h"
#include "protocol/utf8.h"

namespace pitot::tests {

inline bool lies_within(std::string_view part, std::string_view whole) {
    const std::less_equal<> not_behind;
    return not_behind(whole.data(), part.data()) &&
           not_behind(part.data() + part.size(), whole.data() + whole.size());
}

// Empty, or a piece of the line, and never cut through a character.
inline bool is_piece(std::string_view part, std::string_view line) {
    return part.empty() || (lies_within(part, line) && protocol::is_utf8(part));
}

inline std::string broken_part(const protocol::Part& part, std::string_view line,
                               const protocol::Reading& reading) {
    if (!(part.sample_rate > 0 && part.sample_rate <= 1)) return "sample rate outside (0, 1]";
    if (part.kind == protocol::Kind::set) {
        if (!part.values.empty()) return "a set with numbers";
        if (part.member.empty() || !is_piece(part.member, line)) return "member of a set";
        return "";
    }
    if (part.values.empty() || !part.member.empty()) return "values of a part";
    if (!std::all_of(part.values.begin(), part.values.end(),
                     [](double value) { return std::isfinite(value); })) {
        return "a value that is not finite";
    }
    if (part.timer_rate != reading.timer_rate) return "the rate of a timer";
    if (part.gauge_is_delta &&
        (part.kind != protocol::Kind::gauge || reading.gauge_sign != protocol::GaugeSign::delta)) {
        return "a delta that is none";
    }
    return "";
}

inline std::string broken_tags(std::span<const protocol::Tag> tags, std::string_view line) {
    if (tags.size() > protocol::tags_per_line_max) return "too many tags";
    for (const protocol::Tag& tag : tags) {
        if (!is_piece(tag.key, line) || !is_piece(tag.value, line)) return "tag outside the line";
        if (tag.key.empty() && !tag.has_value) return "an empty tag";
        if (!tag.value.empty() && !tag.has_value) return "a value that is not there";
    }
    return "";
}

template <class Record>
std::string broken_origin(const Record& record, std::string_view line) {
    if (record.timestamp_s < 0 || record.timestamp_s > protocol::timestamp_s_max) {
        return "timestamp";
    }
    if (!is_piece(record.container_id, line)) return "container id";
    if (!is_piece(record.external_data, line)) return "external data";
    if (!is_piece(record.cardinality, line)) return "cardinality";
    return "";
}

inline std::string broken_metric(protocol::Parser& parser, std::string_view line,
                                 const protocol::MetricLine& metric) {
    if (metric.name.empty() || !is_piece(metric.name, line)) return "name";
    if (!is_piece(metric.tags, line)) return "text of the tags";
    if (metric.parts.empty() || metric.parts.size() > protocol::parts_per_line_max) return "parts";
    for (const protocol::Part& part : metric.parts) {
        if (std::string broken = broken_part(part, line, parser.reading()); !broken.empty()) {
            return broken;
        }
        if (metric.timestamp_s != 0 && part.kind != protocol::Kind::counter &&
            part.kind != protocol::Kind::gauge) {
            return "a timestamp on a kind that has none";
        }
    }
    if (std::string broken = broken_origin(metric, line); !broken.empty()) return broken;

    protocol::Identity identity;
    const protocol::Reject reject = parser.identity(metric, identity);
    if (reject == protocol::Reject::too_many_tags) return "";
    if (reject == protocol::Reject::empty_name &&
        parser.reading().tags != protocol::TagDialect::none) {
        return "";
    }
    if (reject != protocol::Reject::none) return "identity refused";
    if (identity.name.empty() || !protocol::is_utf8(identity.name)) return "name of the identity";
    return broken_tags(identity.tags, line);
}

inline std::string broken_event(std::string_view line, const protocol::Event& event) {
    if (event.title.empty() || !protocol::is_utf8(event.title)) return "title";
    if (!protocol::is_utf8(event.text)) return "text";
    if (event.title.size() + event.text.size() > line.size()) return "texts longer than the line";
    if (!is_piece(event.hostname, line)) return "hostname";
    if (!is_piece(event.aggregation_key, line)) return "aggregation key";
    if (!is_piece(event.source_type, line)) return "source type";
    if (std::string broken = broken_tags(event.tags, line); !broken.empty()) return broken;
    return broken_origin(event, line);
}

inline std::string broken_service_check(std::string_view line,
                                        const protocol::ServiceCheck& check) {
    if (check.name.empty() || !is_piece(check.name, line)) return "name";
    if (check.status > protocol::CheckStatus::unknown) return "status";
    if (!protocol::is_utf8(check.message) || check.message.size() > line.size()) return "message";
    if (!is_piece(check.hostname, line)) return "hostname";
    if (std::string broken = broken_tags(check.tags, line); !broken.empty()) return broken;
    return broken_origin(check, line);
}

// Reads `line` as what it is, and says which invariant that breaks; "" if none. A line
// that a listener would read as something else is tried as that, too: no precondition
// protects the three functions.
inline std::string broken_invariant(protocol::Parser& parser, std::string_view line) {
    using protocol::Reject;
    const auto refusal = [&](Reject reject) -> std::string {
        if (line.size() > protocol::line_bytes_max && reject != Reject::too_long) return "too long";
        if (!lies_within(parser.refused_part(), line)) return "refused part outside the line";
        return "";
    };
    protocol::MetricLine metric;
    Reject reject = parser.parse_metric(line, metric);
    std::string broken =
        reject == Reject::none ? broken_metric(parser, line, metric) : refusal(reject);
    if (!broken.empty()) return "metric: " + broken;

    protocol::Event event;
    reject = parser.parse_event(line, event);
    broken = reject == Reject::none ? broken_event(line, event) : refusal(reject);
    if (reject == Reject::none && protocol::classify(line) != protocol::LineType::event)
        broken = "mark";
    if (!broken.empty()) return "event: " + broken;

    protocol::ServiceCheck check;
    reject = parser.parse_service_check(line, check);
    broken = reject == Reject::none ? broken_service_check(line, check) : refusal(reject);
    if (reject == Reject::none && protocol::classify(line) != protocol::LineType::service_check) {
        broken = "mark";
    }
    if (!broken.empty()) return "service check: " + broken;
    return "";
}

// Every way a listener can read.
inline std::vector<protocol::Reading> all_readings() {
    using protocol::Dialect;
    using protocol::GaugeSign;
    using protocol::TagDialect;
    std::vector<protocol::Reading> readings;
    for (const Dialect dialect : {Dialect::dogstatsd, Dialect::statsd}) {
        for (const TagDialect tags :
             {TagDialect::none, TagDialect::influx, TagDialect::librato, TagDialect::signalfx}) {
            for (const GaugeSign sign : {GaugeSign::absolute, GaugeSign::delta}) {
                readings.push_back({.dialect = dialect,
                                    .tags = tags,
                                    .gauge_sign = sign,
                                    .timer_rate = sign == GaugeSign::absolute
                                                      ? protocol::TimerRate::weight
                                                      : protocol::TimerRate::count});
            }
        }
    }
    return readings;
}

}  // namespace pitot::tests
