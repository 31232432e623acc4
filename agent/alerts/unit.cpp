#include "agent/alerts/unit.h"

#include <algorithm>
#include <array>

namespace pitot::agent::alerts {

namespace {

constexpr double kilo = 1e3;
constexpr double kibi = 1024;

// Times and sizes, which literals and metrics are measured in alike.
constexpr std::array measures{
    Unit{"ns", Dimension::time, 1, 1e9},
    Unit{"us", Dimension::time, 1, 1e6},
    milliseconds,
    seconds,
    Unit{"m", Dimension::time, 60},
    Unit{"h", Dimension::time, 3'600},
    Unit{"d", Dimension::time, 86'400},
    Unit{"B", Dimension::bytes, 1},
    Unit{"kB", Dimension::bytes, kilo},
    Unit{"MB", Dimension::bytes, kilo* kilo},
    Unit{"GB", Dimension::bytes, kilo* kilo* kilo},
    Unit{"KiB", Dimension::bytes, kibi},
    Unit{"MiB", Dimension::bytes, kibi* kibi},
    Unit{"GiB", Dimension::bytes, kibi* kibi* kibi},
};

// `first`, then the measures, then `last`.
template <std::size_t Firsts, std::size_t Lasts>
constexpr auto around_measures(const std::array<Unit, Firsts>& first,
                               const std::array<Unit, Lasts>& last) {
    std::array<Unit, Firsts + measures.size() + Lasts> all{};
    auto at = std::ranges::copy(first, all.begin()).out;
    at = std::ranges::copy(measures, at).out;
    std::ranges::copy(last, at);
    return all;
}

constexpr auto number_unit_list = around_measures(
    std::array{Unit{"%", Dimension::share, 1, 100}},
    std::array{Unit{"k", Dimension::none, kilo}, Unit{"M", Dimension::none, kilo* kilo}});

constexpr auto metric_unit_list = around_measures(
    std::array<Unit, 0>{},
    std::array{Unit{"percent", Dimension::share, 1, 100}, Unit{"ratio", Dimension::share, 1}});

std::optional<Unit> find(std::span<const Unit> units, std::string_view name) {
    const auto found = std::ranges::find(units, name, &Unit::name);
    if (found == units.end()) return std::nullopt;
    return *found;
}

}  // namespace

std::string_view to_string(Dimension dimension) {
    switch (dimension) {
        case Dimension::none:
            return "a number";
        case Dimension::time:
            return "a time";
        case Dimension::bytes:
            return "a size";
        case Dimension::share:
            return "a share";
    }
    return "";
}

double converted(double amount, const Unit& from, const Unit& to) {
    return amount * (from.times * to.per) / (from.per * to.times);
}

std::span<const Unit> number_units() {
    return number_unit_list;
}

std::optional<Unit> find_number_unit(std::string_view name) {
    return find(number_unit_list, name);
}

std::span<const Unit> metric_units() {
    return metric_unit_list;
}

std::optional<Unit> find_metric_unit(std::string_view name) {
    return find(metric_unit_list, name);
}

}  // namespace pitot::agent::alerts
