// The functions of the language, in one table: what the parser accepts, what compilation
// needs to know, and what the manual lists.
//
// `x` in a signature is a metric: a name with conditions, a window and an offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/sample.h"

namespace pitot::agent::alerts {

enum class Function : std::uint8_t {
    rate,
    count,
    sum,
    increase,
    avg,
    min,
    max,
    stddev,
    percentile,  // p50 … p99, p999, p(99.5, x)
    count_over,
    last,
    unique,
    ratio,
    absent,
    age,
    delta,
    deriv,
    ewma,
    series,
    abs,
    floor,
    ceil,
    clamp,
    log10,
};

// What a function makes of its arguments.
enum class FunctionClass : std::uint8_t {
    series,      // of one metric: reads a window of the series that match
    ratio,       // of two
    smoothing,   // ewma: of any expression, and its own last result
    arithmetic,  // of numbers alone
};

// A set of kinds of series.
class Kinds {
public:
    constexpr Kinds() = default;
    template <typename... K>
    constexpr explicit Kinds(protocol::Kind first, K... rest)
        : bits_((bit(first) | ... | bit(rest))) {}
    bool operator==(const Kinds&) const = default;
    constexpr bool contains(protocol::Kind kind) const { return (bits_ & bit(kind)) != 0; }

private:
    static constexpr std::uint32_t bit(protocol::Kind kind) {
        return std::uint32_t{1} << static_cast<std::uint32_t>(kind);
    }
    std::uint32_t bits_ = 0;
};

inline constexpr Kinds all_kinds{protocol::Kind::counter,      protocol::Kind::gauge,
                                 protocol::Kind::timer,        protocol::Kind::histogram,
                                 protocol::Kind::distribution, protocol::Kind::set};

struct FunctionInfo {
    std::string_view name;
    Function function;
    FunctionClass kind;
    std::string_view signature;  // "clamp(value, low, high)"
    std::size_t arguments;
    Kinds accepts;    // series of other kinds are passed over
    bool is_measure;  // its result has the unit of the metric; else it is a plain number
    bool needs_window;
    std::string_view meaning;  // one sentence for the manual
};

std::span<const FunctionInfo> functions();
const FunctionInfo& info(Function function);

// What a name before a parenthesis means. `rank` is in (0, 100), for percentiles that have
// it in their name.
struct NamedFunction {
    Function function{};
    std::optional<double> rank = {};
};
std::optional<NamedFunction> find_function(std::string_view name);

// "; did you mean `p95`?", or "".
std::string_view nearest_function(std::string_view name);

}  // namespace pitot::agent::alerts
