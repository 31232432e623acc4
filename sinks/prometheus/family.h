// What a series is in Prometheus: the family it belongs to, and the settings that decide it.
//
// Source: Prometheus naming practice (base units, `_total`) and the text format 0.0.4.
//
//   counter                 counter   name + counter_suffix
//   gauge, set              gauge     name
//   timer (ms)              summary   name + "_seconds", values in seconds
//   histogram, distribution summary   name: their unit is their sender's
//
// A rule may make classic histograms of timers, histograms and distributions instead.
//
// In OpenMetrics a counter's family is called by the name without "_total", and a family's
// names include "_created": page_records.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks::prometheus {

enum class Form : std::uint8_t { summary, histogram };

// [sinks.NAME.rules.RULE]; the first that matches decides.
struct FormRule {
    std::string match;  // glob on the StatsD name
    Form form = Form::summary;
    std::vector<double> buckets = {};  // upper bounds, ascending, finite; in seconds for timers
};

// Those of the Prometheus client libraries: made for requests measured in seconds.
std::vector<double> default_buckets();

// Of the text of all families. Ends of items are 32 bits wide (batch.h), and the series that
// reaches the bound is written whole.
inline constexpr std::size_t exposition_bytes_max = 4'000'000'000;

struct ExpositionSettings {
    std::string prefix;  // of every name; "" or a valid beginning of one
    std::string counter_suffix = "_total";
    std::vector<FormRule> rules;
    std::vector<double> quantiles;
    std::vector<std::string> reserved_labels;      // of the destination: renamed when a tag's
    std::vector<std::string> reserved_names;       // of the destination: a family of ours clashes
    bool open_metrics = false;                     // the text is shown in that form too
    std::size_t bytes_max = exposition_bytes_max;  // series beyond are lost(too_large)
};

enum class FamilyType : std::uint8_t { counter, gauge, summary, histogram };

// "counter", "gauge", …: as in TYPE lines.
std::string_view to_string(FamilyType type) noexcept;

inline constexpr std::uint32_t no_rule = 0xffffffff;

struct Classified {
    std::string name;  // of the family
    FamilyType type = FamilyType::gauge;
    std::uint32_t rule = no_rule;  // index into ExpositionSettings::rules
};

// What the family of such a series is called, in place of what `out` was.
void write_family_name(std::string_view name, protocol::Kind kind,
                       const ExpositionSettings& settings, std::string& out);

Classified classify(const protocol::Series& series, const ExpositionSettings& settings);

// The sample names of a family: its own, and those of its parts.
enum class NamePart : std::uint8_t { own, sum, count, bucket, created };

// "", "_sum", "_count", "_bucket", "_created".
std::string_view suffix_of(NamePart part) noexcept;
// Those that a family uses, its own first: x, x_sum, x_count, x_bucket, and with `open_metrics`
// x_created.
std::span<const NamePart> parts_of(FamilyType type, bool open_metrics) noexcept;

// The names by which OpenMetrics knows a counter beside its sample's: "x" and "x_created" for
// "x_total". None where it cannot be a counter there. (They are no claims: where one of them
// is another family's, the counter is shown as unknown.)
struct OpenMetricsCounterNames {
    std::string family;
    std::string created;
};
std::optional<OpenMetricsCounterNames> open_metrics_counter_names(std::string_view name);

}  // namespace pitot::sinks::prometheus
