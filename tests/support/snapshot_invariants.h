// What holds for every Snapshot, whatever was sent: each number in it is finite. The fuzzer of
// the pipeline and the tests of limits ask it.
//
//     CHECK(not_finite_in(rig.flush()) == "");
#pragma once

#include <cmath>
#include <initializer_list>
#include <string>

#include "protocol/snapshot.h"

namespace pitot::tests {

// The names of the series that have a number which is not finite, or nothing.
inline std::string not_finite_in(const protocol::Snapshot& snapshot) {
    std::string found;
    const auto check = [&](std::string_view name, std::initializer_list<double> numbers) {
        for (const double number : numbers) {
            if (!std::isfinite(number)) return void(found.append(name).append(" "));
        }
    };
    const auto name_of = [&](protocol::SeriesId id) { return snapshot.series[id].name(); };
    for (const protocol::CounterPoint& point : snapshot.counters) {
        check(name_of(point.id), {point.delta, point.total});
    }
    for (const protocol::GaugePoint& point : snapshot.gauges) {
        check(name_of(point.id), {point.value});
    }
    const auto check_view = [&](std::string_view name, const protocol::DistributionView& view) {
        check(name, {view.count(), view.sum(), view.minimum(), view.maximum(), view.mean(),
                     view.standard_deviation()});
        for (const double q : {0.0, 0.5, 0.99, 1.0}) {
            const double value = view.quantile(q);
            check(name, {value, view.count_at_most(value)});
        }
    };
    for (const protocol::TimerPoint& point : snapshot.timers) {
        check(name_of(point.id), {point.total_count, point.total_sum});
        check_view(name_of(point.id), point.values);
        if (point.total != nullptr) {
            check_view(name_of(point.id), protocol::DistributionView::sketched(*point.total));
        }
    }
    for (const protocol::SetPoint& point : snapshot.sets) check(name_of(point.id), {point.unique});
    for (const protocol::TimedPoint& point : snapshot.timed) check(point.name, {point.value});
    return found;
}

}  // namespace pitot::tests
