// Units of numbers in expressions, and of metrics.
//
// A unit is a dimension and a factor to its base: seconds, bytes, one. A number with a
// unit of time can be compared with what is a time only. Bytes, shares ("80%") and counts
// ("10k") are multipliers: they go with any metric, unless the metric was declared to have
// a unit, which they are then converted to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace pitot::agent::alerts {

enum class Dimension : std::uint8_t { none, time, bytes, share };

// "a time", "a size", "a share": for messages.
std::string_view to_string(Dimension dimension);

struct Unit {
    std::string_view name;  // as written; empty for a bare number
    Dimension dimension = Dimension::none;
    // How many of the base unit it is, as a fraction: a hundredth is no double, and 7 % must
    // be 0.07 and nothing beside it.
    double times = 1;
    double per = 1;

    bool operator==(const Unit&) const = default;
};

inline constexpr Unit milliseconds{"ms", Dimension::time, 1, 1e3};
inline constexpr Unit seconds{"s", Dimension::time, 1};

// An amount of one unit in another one of the same dimension, or of none.
double converted(double amount, const Unit& from, const Unit& to);

// "ns us ms s m h d", "%", "B kB MB GB KiB MiB GiB", "k M".
std::span<const Unit> number_units();
std::optional<Unit> find_number_unit(std::string_view name);

// Of a declared metric: those of time and size, "percent" and "ratio".
std::span<const Unit> metric_units();
std::optional<Unit> find_metric_unit(std::string_view name);

}  // namespace pitot::agent::alerts
