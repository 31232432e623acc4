#include "agent/config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

namespace pitot::agent {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::array<Unit, 7> units_of_time{{{"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", second_ns},
                                             {"m", 60 * second_ns},
                                             {"h", 3'600 * second_ns},
                                             {"d", 86'400 * second_ns}}};
constexpr std::uint64_t thousand = 1'000;
constexpr std::uint64_t kibi = 1'024;
constexpr std::array<Unit, 9> units_of_size{{{"B", 1},
                                             {"KiB", kibi},
                                             {"MiB", kibi* kibi},
                                             {"GiB", kibi* kibi* kibi},
                                             {"TiB", kibi* kibi* kibi* kibi},
                                             {"kB", thousand},
                                             {"MB", thousand* thousand},
                                             {"GB", thousand* thousand* thousand},
                                             {"TB", thousand* thousand* thousand* thousand}}};

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();

// 10 to this power still fits.
constexpr std::size_t fraction_digits_max = 18;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <typename Predicate>
std::string_view cut_while(std::string_view& rest, Predicate holds) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), holds);
    const auto length = static_cast<std::size_t>(end - rest.begin());
    const std::string_view head = rest.substr(0, length);
    rest.remove_prefix(length);
    return head;
}

// whole × factor + 0.fraction × factor; nothing when it is too large, or no whole number
// of the smallest unit.
std::optional<std::uint64_t> scaled(std::string_view whole, std::string_view fraction,
                                    std::uint64_t factor) {
    std::uint64_t sum = 0;
    for (const char digit : whole) {
        const auto value = static_cast<std::uint64_t>(digit - '0');
        if (sum > (most / factor - value) / 10) return std::nullopt;
        sum = sum * 10 + value;
    }
    sum *= factor;

    while (fraction.ends_with('0')) fraction.remove_suffix(1);
    if (fraction.size() > fraction_digits_max) return std::nullopt;
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;
    for (const char digit : fraction) {
        numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
        denominator *= 10;
        if (numerator > most / factor) return std::nullopt;
    }
    if (factor * numerator % denominator != 0) return std::nullopt;
    const std::uint64_t part = factor * numerator / denominator;
    if (sum > most - part) return std::nullopt;
    sum += part;
    return sum;
}

// Cuts one "1.5s" off the front.
std::optional<std::uint64_t> cut_quantity(std::string_view& rest, std::span<const Unit> units) {
    const std::string_view whole = cut_while(rest, is_digit);
    if (whole.empty()) return std::nullopt;
    std::string_view fraction;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = cut_while(rest, is_digit);
        if (fraction.empty()) return std::nullopt;
    }
    const std::string_view name = cut_while(rest, is_letter);
    const auto unit = std::ranges::find(units, name, &Unit::name);
    if (unit == units.end()) return std::nullopt;
    return scaled(whole, fraction, unit->factor);
}

// The largest unit of the first `count` that divides the amount.
std::string formatted(std::uint64_t amount, std::span<const Unit> units) {
    const Unit* best = units.data();
    for (const Unit& unit : units) {
        if (unit.factor > best->factor && amount % unit.factor == 0) best = &unit;
    }
    return fmt::format("{}{}", amount / best->factor, best->name);
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    if (text == "0") return std::chrono::nanoseconds{0};
    if (text.empty()) return std::nullopt;
    std::uint64_t sum = 0;
    while (!text.empty()) {
        const auto part = cut_quantity(text, units_of_time);
        if (!part || sum > most - *part) return std::nullopt;
        sum += *part;
    }
    return std::chrono::nanoseconds{static_cast<std::int64_t>(sum)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    if (!text.empty() && std::ranges::all_of(text, is_digit)) return scaled(text, "", 1);
    const auto amount = cut_quantity(text, units_of_size);
    return text.empty() ? amount : std::nullopt;
}

bool is_bare_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::string_view whole = cut_while(text, is_digit);
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        cut_while(text, is_digit);
    }
    return !whole.empty() && text.empty();
}

std::string format_duration(std::chrono::nanoseconds duration) {
    if (duration.count() == 0) return "0s";
    // Days are left out: "24h" says the same, and is how such settings are written.
    return formatted(static_cast<std::uint64_t>(duration.count()),
                     std::span(units_of_time).first(6));
}

std::string format_size(std::uint64_t bytes) {
    if (bytes == 0) return "0B";
    return formatted(bytes, std::span(units_of_size).first(5));
}

}  // namespace pitot::agent
