// What must hold of the quick reading of any bytes: it is the plain reading, wherever there is
// one, and the same with every set of vectors. For the property test and the fuzzer.
//
//     const std::string broken = broken_quick_reading(chunk);   // "" if nothing is
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/framing.h"
#include "protocol/line_marks.h"
#include "protocol/parser.h"
#include "protocol/quick_line.h"
#include "tests/support/parser_invariants.h"

namespace pitot::tests {

// All lines of a chunk, taken a few at a time.
inline std::vector<protocol::LineMark> all_marks(protocol::VectorSet set, std::string_view chunk) {
    const protocol::LineMarker marker(set);
    std::vector<protocol::LineMark> all;
    std::array<protocol::LineMark, 3> some;
    while (!chunk.empty()) {
        const std::size_t count = marker.mark(chunk, some);
        all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
}

// Marks, found byte by byte.
inline std::vector<protocol::LineMark> plain_marks(std::string_view chunk) {
    constexpr std::size_t window_bytes = 128;
    std::vector<protocol::LineMark> all;
    protocol::LineSplitter lines(chunk);
    for (std::string_view line; lines.next(line);) {
        const std::string_view window = line.substr(0, window_bytes);
        protocol::LineMark mark;
        mark.begin = line.data();
        mark.size = static_cast<std::uint32_t>(line.size());
        const auto place = [](std::size_t at) {
            return at == std::string_view::npos ? protocol::LineMark::absent
                                                : static_cast<std::uint16_t>(at);
        };
        mark.colon = place(window.find(':'));
        std::size_t from = 0;
        for (std::uint16_t& bar : mark.bar) {
            const std::size_t at = window.find('|', from);
            bar = place(at);
            from = at == std::string_view::npos ? window.size() : at + 1;
        }
        const auto is_high = [](char byte) { return static_cast<unsigned char>(byte) > 0x7F; };
        mark.has_far_bars = line.size() > window_bytes &&
                            line.substr(window_bytes).find('|') != std::string_view::npos;
        mark.is_ascii = std::ranges::none_of(line, is_high);
        all.push_back(mark);
    }
    return all;
}

inline std::string broken_quick_line(const protocol::LineMark& mark, protocol::Parser& parser) {
    protocol::QuickLine quick;
    if (!protocol::read_quickly(mark, parser.reading(), quick)) return "";
    protocol::MetricLine plain;
    const std::string line(mark.text());
    if (protocol::classify(mark.text()) != protocol::LineType::metric) return "no metric: " + line;
    if (const auto reject = parser.parse_metric(mark.text(), plain);
        reject != protocol::Reject::none) {
        return fmt::format("is refused, {}: {}", to_string(reject), line);
    }
    if (plain.parts.size() != 1 || plain.parts[0].values.size() != 1) return "packed: " + line;
    const protocol::Part& part = plain.parts[0];
    const bool is_same =
        plain.name == quick.name && plain.tags == quick.tags && part.kind == quick.kind &&
        std::bit_cast<std::uint64_t>(part.values[0]) == std::bit_cast<std::uint64_t>(quick.value) &&
        part.sample_rate == quick.sample_rate && part.gauge_is_delta == quick.gauge_is_delta;
    if (!is_same) return "says something else: " + line;
    const bool has_more = plain.timestamp_s != 0 || !plain.container_id.empty() ||
                          plain.cgroup_inode != 0 || !plain.external_data.empty() ||
                          !plain.cardinality.empty() || plain.unknown_fields != 0;
    return has_more ? "says more: " + line : "";
}

inline std::string broken_quick_reading(std::string_view chunk) {
    static std::vector<protocol::Parser> parsers = [] {
        std::vector<protocol::Parser> all;
        for (const protocol::Reading& reading : all_readings()) all.emplace_back(reading);
        return all;
    }();
    const std::vector<protocol::LineMark> expected = plain_marks(chunk);
    for (const protocol::VectorSet set : protocol::available_vector_sets()) {
        if (all_marks(set, chunk) != expected) {
            return fmt::format("the marks of {} differ", to_string(set));
        }
    }
    for (const protocol::LineMark& mark : expected) {
        for (protocol::Parser& parser : parsers) {
            if (std::string broken = broken_quick_line(mark, parser); !broken.empty()) {
                return broken;
            }
        }
    }
    return "";
}

}  // namespace pitot::tests
