#include "agent/aggregate/line_intake.h"

#include <algorithm>
#include <utility>

#include "agent/limits.h"
#include "protocol/framing.h"

namespace pitot::agent {

using protocol::Reject;

LineIntake::LineIntake(const TableSettings& settings, std::span<const protocol::Reading> readings)
    : table_(settings) {
    for (const protocol::Reading& reading : readings) {
        const auto known = std::ranges::find(parsers_, reading, &protocol::Parser::reading);
        parser_of_listener_.push_back(static_cast<std::uint16_t>(known - parsers_.begin()));
        if (known == parsers_.end()) parsers_.emplace_back(reading);
    }
}

void LineIntake::take(std::uint16_t listener, std::string_view lines, const Peer& sender,
                      std::int64_t now_ns) {
    protocol::Parser& parser = parsers_[parser_of_listener_[listener]];
    IntakeCounts& counts = table_.open_page().counts;
    counts.bytes += lines.size();
    protocol::LineSplitter splitter(lines);
    for (std::string_view line; splitter.next(line);) {
        ++counts.lines;
        const Reject reason = read(parser, line, now_ns);
        if (reason == Reject::none) [[likely]] {
            ++counts.accepted;
        } else {
            ++counts.rejected[std::to_underlying(reason)];
            keep_sample(reason, line, sender);
        }
    }
}

Reject LineIntake::read(protocol::Parser& parser, std::string_view line, std::int64_t now_ns) {
    switch (protocol::classify(line)) {
        case protocol::LineType::metric: {
            protocol::MetricLine metric;
            const Reject refused = parser.parse_metric(line, metric);
            if (refused != Reject::none) return refused;
            table_.open_page().counts.unknown_fields += metric.unknown_fields;
            return table_.record(metric, parser, now_ns);
        }
        case protocol::LineType::event: {
            protocol::Event event;
            const Reject refused = parser.parse_event(line, event);
            if (refused == Reject::none) table_.record(event);
            return refused;
        }
        case protocol::LineType::service_check: {
            protocol::ServiceCheck check;
            const Reject refused = parser.parse_service_check(line, check);
            if (refused == Reject::none) table_.record(check);
            return refused;
        }
    }
    std::unreachable();
}

void LineIntake::refuse(Reject reason, std::string_view beginning, const Peer& sender) {
    IntakeCounts& counts = table_.open_page().counts;
    counts.bytes += beginning.size();
    ++counts.lines;
    ++counts.rejected[std::to_underlying(reason)];
    keep_sample(reason, beginning, sender);
}

void LineIntake::keep_sample(Reject reason, std::string_view line, const Peer& sender) {
    std::vector<RejectedSample>& kept = table_.open_page().rejected_samples;
    if (std::ranges::find(kept, reason, &RejectedSample::reason) != kept.end()) return;
    kept.push_back({.reason = reason,
                    .line = std::string(line.substr(0, limits::rejected_sample_bytes_max)),
                    .sender = sender.to_string()});
}

}  // namespace pitot::agent
