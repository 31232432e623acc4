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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/framing.h"
#include "protocol/parser.h"
#include "protocol/quick_line.h"
#include "tests/support/parser_invariants.h"

namespace pitot::tests {

// All lines of a chunk, taken a few at a time.
inline std::vector<protocol::QuickLine> all_lines(protocol::VectorSet set, std::string_view chunk,
                                                  const protocol::Reading& reading) {
    const protocol::QuickReader reader(set);
    std::vector<protocol::QuickLine> all;
    std::array<protocol::QuickLine, 3> some;
    while (!chunk.empty()) {
        const std::size_t count = reader.read(chunk, reading, some);
        all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
}

inline bool are_lines_of(std::string_view chunk, std::span<const protocol::QuickLine> found) {
    protocol::LineSplitter lines(chunk);
    for (const protocol::QuickLine& line : found) {
        std::string_view plain;
        if (!lines.next(plain) || plain.data() != line.begin || plain.size() != line.size) {
            return false;
        }
    }
    std::string_view more;
    return !lines.next(more);
}

inline std::string broken_quick_line(const protocol::QuickLine& quick, protocol::Parser& parser) {
    if (!quick.is_usual) return "";
    protocol::MetricLine plain;
    const std::string line(quick.text());
    if (protocol::classify(quick.text()) != protocol::LineType::metric) return "no metric: " + line;
    if (const auto reject = parser.parse_metric(quick.text(), plain);
        reject != protocol::Reject::none) {
        return fmt::format("is refused, {}: {}", to_string(reject), line);
    }
    if (plain.parts.size() != 1 || plain.parts[0].values.size() != 1) return "packed: " + line;
    const protocol::Part& part = plain.parts[0];
    const bool is_same =
        plain.name == quick.name() && plain.tags == quick.tags() && part.kind == quick.kind &&
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
    for (protocol::Parser& parser : parsers) {
        std::vector<protocol::QuickLine> portable;
        for (const protocol::VectorSet set : protocol::available_vector_sets()) {
            const std::vector<protocol::QuickLine> lines = all_lines(set, chunk, parser.reading());
            if (!are_lines_of(chunk, lines)) {
                return fmt::format("{} finds other lines", to_string(set));
            }
            for (const protocol::QuickLine& line : lines) {
                if (std::string broken = broken_quick_line(line, parser); !broken.empty()) {
                    return fmt::format("{}: {}", to_string(set), broken);
                }
            }
            if (set == protocol::VectorSet::portable) portable = lines;
            if (!std::ranges::equal(lines, portable, {}, &protocol::QuickLine::is_usual,
                                    &protocol::QuickLine::is_usual)) {
                return fmt::format("what is usual to {} is another", to_string(set));
            }
        }
    }
    return "";
}

}  // namespace pitot::tests
