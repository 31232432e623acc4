// What one metric line says, in the words of the protocol.
//
// Parser (parser.h) fills these; the series table (agent/aggregate) and `pitot
// explain` read them.
//
// Every string_view and span points into the line or into the Parser that read it.
// They live until that Parser reads its next line, and no longer: whoever wants to
// keep a name or a tag copies it (the series table does, once per new spelling of a series).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pitot::protocol {

// The six metric types of DogStatsD 1.6 (`c g ms h d s`); etsy's StatsD has four of them.
enum class Kind : std::uint8_t { counter, gauge, timer, histogram, distribution, set };
inline constexpr std::size_t kind_count = 6;

// "counter", "gauge", …: as in logs and JSON.
std::string_view to_string(Kind kind) noexcept;

// Which of two incompatible grammars a listener reads. They differ in packing only:
// `dogstatsd` packs values (a:1:2|c), `statsd` values (a:1:2|c) and whole samples
// (a:1|c:2|ms).
enum class Dialect : std::uint8_t { dogstatsd, statsd };

// Where a name may carry tags, besides DogStatsD's `|#` section, which is always read.
enum class TagDialect : std::uint8_t {
    none,      // names are names
    influx,    // name,key=value,…:1|c
    librato,   // name#key=value,…:1|c
    signalfx,  // na[key=value,…]me:1|c
};

// What a sign before a gauge's value means: "-3|g" sets it to -3, or lowers it by 3.
// No rule about content can tell (one client sends the same bytes for both), so the
// operator says it per listener.
enum class GaugeSign : std::uint8_t { absolute, delta };

// What the sample rate of a timer, histogram or distribution scales. A value at the rate 0.1
// counts for ten in either case. With `weight` it is ten values in all other numbers, too; with
// `count` they see it once, as in statsd.
enum class TimerRate : std::uint8_t { weight, count };

// How a listener reads its lines. Fixed for the life of a Parser.
struct Reading {
    Dialect dialect = Dialect::dogstatsd;
    TagDialect tags = TagDialect::none;
    GaugeSign gauge_sign = GaugeSign::absolute;
    TimerRate timer_rate = TimerRate::weight;

    bool operator==(const Reading&) const = default;
};

// One tag, as written: "key:value", or a bare word, which is a key without a value.
struct Tag {
    std::string_view key;
    std::string_view value;
    bool has_value = false;  // false for "shell", true for "env:" and "env:prod"

    bool operator==(const Tag&) const = default;
};

// A run of values of one kind. A line holds one, unless it packs samples.
struct Part {
    Kind kind = Kind::counter;
    bool gauge_is_delta = false;               // the values move a gauge instead of setting it
    TimerRate timer_rate = TimerRate::weight;  // of timers: that of the reading
    double sample_rate = 1;                    // in [sample_rate_min, 1]
    std::span<const double> values;            // finite, also divided by the rate; empty for a set
    std::string_view member;                   // the value of a set
};

// Everything one metric line says. Optional fields are empty views when absent.
struct MetricLine {
    std::string_view name;             // as written, before the first ':', dialect tags included
    std::string_view tags;             // text of the last '#' section, without the '#'
    std::span<const Part> parts;       // at least one
    std::int64_t timestamp_s = 0;      // `|T`, seconds since 1970, positive; 0 when absent
    std::string_view container_id;     // `|c:`, with its "ci-" or "cid-" prefix removed
    std::uint64_t cgroup_inode = 0;    // `|c:in-…`; 0 when absent
    std::string_view external_data;    // `|e:`
    std::string_view cardinality;      // `|card:`
    std::uint32_t unknown_fields = 0;  // sections that no version of the protocol known here names
};

}  // namespace pitot::protocol
