#include "tests/bench/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string_view>

namespace pitot::bench {
namespace {

// Draws a number below `count` with a chance that falls as 1 / (n + 1).
// (Inversion of the harmonic distribution's integral: near enough for a load, and without a
// table as long as the series are many.)
std::size_t draw_zipf(std::size_t count, double uniform) {
    const double place = std::exp(uniform * std::log(static_cast<double>(count) + 1)) - 1;
    return std::min(static_cast<std::size_t>(place), count - 1);
}

// Those that come after the ones that differ from series to series.
constexpr std::array<std::string_view, tags_max - 3> more_tags = {
    ",service:checkout-api", ",version:2026.11.3", ",method:post",    ",status:200",
    ",team:payments",        ",zone:eu-west-1b",   ",cluster:blue-7",
};

std::string_view to_string(Draw draw) {
    switch (draw) {
        case Draw::uniform:
            return "uniform";
        case Draw::zipf:
            return "zipf";
        case Draw::in_turn:
            return "in turn";
    }
    return "";
}

std::string_view to_string(Types types) {
    switch (types) {
        case Types::mixed:
            return "counters and timers";
        case Types::counters:
            return "counters";
        case Types::gauges:
            return "gauges";
        case Types::timers:
            return "timers";
    }
    return "";
}

Types type_of(Types types, std::size_t series) {
    if (types != Types::mixed) return types;
    return series % 3 == 0 ? Types::timers : Types::counters;
}

}  // namespace

Workload::Workload(const WorkloadShape& shape) : shape_(shape) {
    std::mt19937_64 random(shape.seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::string datagram;
    const auto ship = [&] {
        totals_.bytes += datagram.size();
        datagrams_.push_back(std::move(datagram));
        datagram.clear();
    };
    while (totals_.lines < shape.lines) {
        const std::string text = line(draw(uniform(random), random()), random());
        if (!datagram.empty() && datagram.size() + 1 + text.size() > shape.datagram_bytes) ship();
        if (!datagram.empty()) datagram += '\n';
        datagram += text;
        ++totals_.lines;
    }
    if (!datagram.empty()) ship();
}

std::size_t Workload::draw(double uniform, std::uint64_t random) const {
    switch (shape_.draw) {
        case Draw::uniform:
            return random % shape_.series;
        case Draw::zipf:
            return draw_zipf(shape_.series, uniform);
        case Draw::in_turn:
            return totals_.lines % shape_.series;
    }
    return 0;
}

std::string Workload::line(std::size_t series, std::uint64_t random) {
    const Types type = type_of(shape_.types, series);
    std::string text = shape_.short_names ? fmt::format("app.hit{:06}", series)
                                          : fmt::format("checkout.orders.http.{:07}", series);
    if (type == Types::timers) {
        const std::uint64_t hundredths = 1 + random % 100'000;
        text += fmt::format(":{}.{:02}|ms", hundredths / 100, hundredths % 100);
        ++totals_.timer_values;
        totals_.timer_sum_hundredths += static_cast<double>(hundredths);
    } else if (type == Types::gauges) {
        text += fmt::format(":{}|g", 1 + random % 9'999);
    } else {
        const std::uint64_t value = 1 + random % 99;
        text += fmt::format(":{}|c", value);
        totals_.counter_sum += static_cast<double>(value);
    }
    if (shape_.tags > 0) text += "|#env:prod";
    if (shape_.tags > 1) text += ",region:eu-west-1";
    if (shape_.tags > 2) text += fmt::format(",host:web-{:04}", series % 50);
    for (unsigned tag = 3; tag < std::min(shape_.tags, tags_max); ++tag) {
        text += more_tags[tag - 3];
    }
    return text;
}

std::string Workload::description() const {
    const auto lines = static_cast<double>(totals_.lines);
    return fmt::format("{} series ({}), {} tags, {}, {:.0f} B a line, {:.1f} lines a datagram",
                       shape_.series, to_string(shape_.types), shape_.tags, to_string(shape_.draw),
                       static_cast<double>(totals_.bytes) / lines,
                       lines / static_cast<double>(datagrams_.size()));
}

}  // namespace pitot::bench
