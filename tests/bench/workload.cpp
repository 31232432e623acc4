#include "tests/bench/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace pitot::bench {
namespace {

// Draws a number below `count` with a chance that falls as 1 / (n + 1).
// (Inversion of the harmonic distribution's integral: near enough for a load, and without a
// table as long as the series are many.)
std::size_t draw_zipf(std::size_t count, double uniform) {
    const double place = std::exp(uniform * std::log(static_cast<double>(count) + 1)) - 1;
    return std::min(static_cast<std::size_t>(place), count - 1);
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
        const std::size_t series = shape.draw == Draw::zipf
                                       ? draw_zipf(shape.series, uniform(random))
                                       : random() % shape.series;
        const std::string text = line(series, random());
        if (!datagram.empty() && datagram.size() + 1 + text.size() > shape.datagram_bytes) ship();
        if (!datagram.empty()) datagram += '\n';
        datagram += text;
        ++totals_.lines;
    }
    if (!datagram.empty()) ship();
}

std::string Workload::line(std::size_t series, std::uint64_t random) {
    const bool is_timer = shape_.timers && series % 3 == 0;
    std::string text = shape_.short_names ? fmt::format("app.hit{:06}", series)
                                          : fmt::format("checkout.orders.http.{:07}", series);
    if (is_timer) {
        const std::uint64_t hundredths = 1 + random % 100'000;
        text += fmt::format(":{}.{:02}|ms", hundredths / 100, hundredths % 100);
        ++totals_.timer_values;
        totals_.timer_sum_hundredths += static_cast<double>(hundredths);
    } else {
        const std::uint64_t value = 1 + random % 99;
        text += fmt::format(":{}|c", value);
        totals_.counter_sum += static_cast<double>(value);
    }
    if (shape_.tags > 0) text += "|#env:prod";
    if (shape_.tags > 1) text += ",region:eu-west-1";
    if (shape_.tags > 2) text += fmt::format(",host:web-{:04}", series % 50);
    return text;
}

std::string Workload::description() const {
    const auto lines = static_cast<double>(totals_.lines);
    return fmt::format("{} series, {} tags, {}, {:.0f} B a line, {:.1f} lines a datagram",
                       shape_.series, shape_.tags, shape_.draw == Draw::zipf ? "zipf" : "uniform",
                       static_cast<double>(totals_.bytes) / lines,
                       lines / static_cast<double>(datagrams_.size()));
}

}  // namespace pitot::bench
