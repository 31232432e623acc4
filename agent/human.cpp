#include "agent/human.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>
#include <string_view>

namespace pitot::agent {
namespace {

// Three digits, whatever their size: 1.23, 12.3, 123.
std::string three_digits(double value) {
    const double size = std::abs(value);
    const int decimals = size < 9.995 ? 2 : (size < 99.95 ? 1 : 0);
    return fmt::format("{:.{}f}", value, decimals);
}

std::string with_unit(double value, double step, std::span<const std::string_view> units) {
    std::size_t unit = 0;
    // What would be rounded to a whole step is one of the next unit.
    while (unit + 1 < units.size() && std::abs(value) >= step - 0.5) {
        value /= step;
        ++unit;
    }
    return fmt::format("{} {}", three_digits(value), units[unit]);
}

}  // namespace

std::string human_number(double value) {
    if (!std::isfinite(value)) return "?";
    if (std::abs(value) < 9999.5) {
        const bool is_whole = value == std::floor(value);
        return is_whole ? fmt::format("{:.0f}", value) : three_digits(value);
    }
    constexpr std::array<std::string_view, 5> units{"k", "M", "G", "T", "P"};
    return with_unit(value / 1000, 1000, units);
}

std::string human_bytes(double bytes) {
    if (!std::isfinite(bytes)) return "?";
    if (std::abs(bytes) < 1023.5) return fmt::format("{:.0f} B", bytes);
    constexpr std::array<std::string_view, 4> units{"KiB", "MiB", "GiB", "TiB"};
    return with_unit(bytes / 1024, 1024, units);
}

std::string human_duration(double seconds) {
    if (!(seconds > 0)) return "0 s";
    constexpr double minute = 60;
    constexpr double hour = 60 * minute;
    constexpr double day = 24 * hour;
    if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1000);
    if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
    if (seconds < minute - 0.5) return fmt::format("{:.0f} s", seconds);
    const auto two = [seconds](double larger, std::string_view large, double smaller,
                               std::string_view small) {
        const double whole = std::floor(seconds / larger);
        const double rest = std::floor((seconds - whole * larger) / smaller);
        return rest > 0 ? fmt::format("{:.0f} {} {:.0f} {}", whole, large, rest, small)
                        : fmt::format("{:.0f} {}", whole, large);
    };
    if (seconds < hour) return two(minute, "m", 1, "s");
    if (seconds < day) return two(hour, "h", minute, "m");
    return two(day, "d", hour, "h");
}

}  // namespace pitot::agent
