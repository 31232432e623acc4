#include "agent/aggregate/line_intake.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "agent/limits.h"

namespace pitot::agent {

using protocol::Reject;

LineIntake::LineIntake(const TableSettings& settings, std::span<const protocol::Reading> readings,
                       Way way, protocol::QuickReader reader)
    : table_(settings), way_(way), reader_(reader) {
    for (const protocol::Reading& reading : readings) {
        const auto known = std::ranges::find(parsers_, reading, &protocol::Parser::reading);
        const auto parser = static_cast<std::uint16_t>(known - parsers_.begin());
        if (known == parsers_.end()) parsers_.emplace_back(reading);
        const Accent accent = accent_of(listeners_.size(), reading.tags);
        listeners_.push_back({.parser = parser, .accent = accent});
    }
}

// Listeners that read tags alike and add the same share a spelling: a line of one is found
// for all of them.
Accent LineIntake::accent_of(std::size_t listener, protocol::TagDialect dialect) const {
    const std::vector<Additions>& additions = table_.settings().additions;
    if (listener >= additions.size() || additions[listener].empty()) {
        return {.spelling = spelling_of(dialect)};
    }
    for (std::size_t other = 0; other < listener; ++other) {
        const Listener& before = listeners_[other];
        if (before.accent.additions != nullptr && additions[other] == additions[listener] &&
            parsers_[before.parser].reading().tags == dialect) {
            return before.accent;
        }
    }
    const std::size_t number = spelling_with_additions_min + listener;
    assert(number <= UINT8_MAX);
    return {.spelling = static_cast<Spelling>(number), .additions = &additions[listener]};
}

void LineIntake::take(std::uint16_t listener, std::string_view lines, const Peer& sender,
                      std::int64_t now_ns) {
    table_.open_page().counts.bytes += lines.size();
    const Listener& of = listeners_[listener];
    const protocol::Reading& reading = parsers_[of.parser].reading();
    // Never so within a batch of Shard; who has no batches need not settle() at each moment.
    if (waiting_.count != 0 && (waiting_.listener != of || waiting_.now_ns != now_ns)) settle();
    waiting_.listener = of;
    waiting_.now_ns = now_ns;
    while (!lines.empty()) {
        const std::span<protocol::QuickLine> room =
            std::span(waiting_.lines).subspan(waiting_.count);
        const std::size_t count = reader_.read(lines, reading, room);
        if (count == 0) break;  // nothing but blank ones
        if (way_ == Way::plain) {
            for (protocol::QuickLine& line : room.first(count)) line.is_usual = false;
        }
        waiting_.count += count;
        waiting_.runs[waiting_.run_count++] = {.sender = sender, .end = waiting_.count};
        if (waiting_.count == Waiting::lines_max) settle();
    }
}

const Peer& LineIntake::Waiting::sender_of(std::size_t line) const {
    std::size_t run = 0;
    while (runs[run].end <= line) ++run;
    return runs[run].sender;
}

void LineIntake::settle() {
    const std::span<const protocol::QuickLine> lines =
        std::span(waiting_.lines).first(waiting_.count);
    std::array<RowId, Waiting::lines_max> rows{};
    table_.find(lines, waiting_.listener.accent.spelling, rows);
    const protocol::TimerRate timer_rate = parsers_[waiting_.listener.parser].reading().timer_rate;
    std::size_t known = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::size_t recorded = table_.record(lines.subspan(i), std::span(rows).subspan(i),
                                                   timer_rate, waiting_.now_ns);
        known += recorded;
        i += recorded;
        if (i == lines.size()) break;
        take_slowly(waiting_.listener, lines[i].text(), waiting_.sender_of(i), waiting_.now_ns);
    }
    IntakeCounts& counts = table_.open_page().counts;
    counts.lines += known;
    counts.accepted += known;
    waiting_.count = waiting_.run_count = 0;
    table_.move_on();
}

void LineIntake::take_slowly(const Listener& listener, std::string_view line, const Peer& sender,
                             std::int64_t now_ns) {
    IntakeCounts& counts = table_.open_page().counts;
    ++counts.lines;
    const Reject reason = read(listener, line, now_ns);
    if (reason == Reject::none) [[likely]] {
        ++counts.accepted;
    } else {
        ++counts.rejected[std::to_underlying(reason)];
        keep_sample(reason, line, sender);
    }
}

Reject LineIntake::read(const Listener& listener, std::string_view line, std::int64_t now_ns) {
    protocol::Parser& parser = parsers_[listener.parser];
    switch (protocol::classify(line)) {
        case protocol::LineType::metric: {
            protocol::MetricLine metric;
            const Reject refused = parser.parse_metric(line, metric);
            if (refused != Reject::none) return refused;
            table_.open_page().counts.unknown_fields += metric.unknown_fields;
            return table_.record(metric, parser, listener.accent, now_ns);
        }
        case protocol::LineType::event: {
            protocol::Event event;
            const Reject refused = parser.parse_event(line, event);
            if (refused == Reject::none) table_.record(event, listener.accent);
            return refused;
        }
        case protocol::LineType::service_check: {
            protocol::ServiceCheck check;
            const Reject refused = parser.parse_service_check(line, check);
            if (refused == Reject::none) table_.record(check, listener.accent);
            return refused;
        }
    }
    std::unreachable();
}

void LineIntake::refuse(Reject reason, std::string_view beginning, const Peer& sender) {
    settle();  // of each reason the first line is kept, so those before it come first
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
