// Intervals with very many series, cheap to make: for what is about amounts.
//
//     ManySeries many({.counters = 600'000, .gauges = 400'000});
//     sink.send(many.next_interval());     // the view is valid until the next call
//
// All series are updated in each interval and keep their totals. A metric name is shared by
// a thousand series of one kind, which differ in their tags: "node:n17" and further ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "tests/support/series_texts.h"

namespace pitot::tests {

struct ManySeriesShape {
    std::size_t counters = 0;
    std::size_t gauges = 0;
    std::size_t sets = 0;
    std::size_t timers = 0;  // five values an interval
    std::size_t tags = 1;    // of each series, up to 4
};

class ManySeries {
public:
    explicit ManySeries(const ManySeriesShape& shape) : shape_(shape) {
        const std::size_t count = shape.counters + shape.gauges + shape.sets + shape.timers;
        series_.reserve(count);
        for (std::size_t i = 0; i < 1000; ++i) nodes_.push_back("n" + std::to_string(i));
        for (std::size_t i = 0; i < shape.counters; ++i) {
            counters_.push_back({.id = add(protocol::Kind::counter, "requests", i)});
        }
        for (std::size_t i = 0; i < shape.gauges; ++i) {
            gauges_.push_back({.id = add(protocol::Kind::gauge, "queue.length", i)});
        }
        for (std::size_t i = 0; i < shape.sets; ++i) {
            sets_.push_back({.id = add(protocol::Kind::set, "users.unique", i)});
        }
        for (std::size_t i = 0; i < shape.timers; ++i) {
            timers_.emplace_back().id = add(protocol::Kind::timer, "request.time", i);
        }
    }

    std::size_t series() const { return series_.size(); }

    protocol::Snapshot next_interval() {
        ++sequence_;
        const auto step = static_cast<double>(sequence_);
        for (protocol::CounterPoint& point : counters_) {
            point.updated = true;
            point.delta = step + static_cast<double>(point.id % 10);
            point.total += point.delta;
        }
        for (protocol::GaugePoint& point : gauges_) {
            point.updated = true;
            point.value = static_cast<double>(point.id) + step / 8;
        }
        for (protocol::SetPoint& point : sets_) {
            point.updated = true;
            point.unique = step + static_cast<double>(point.id % 100);
        }
        for (std::size_t i = 0; i < values_.size(); ++i) {
            values_[i] = (12.5 + step) * static_cast<double>(i + 1);
        }
        for (protocol::TimerPoint& point : timers_) {
            point.updated = true;
            point.values = protocol::DistributionView::exact(values_, weights_);
            point.total_count += static_cast<double>(values_.size());
            for (const double value : values_) point.total_sum += value;
        }
        return view();
    }

private:
    static constexpr std::size_t series_per_name = 1000;

    protocol::SeriesId add(protocol::Kind kind, std::string_view name, std::size_t index) {
        static constexpr std::array<std::string_view, 4> keys{"node", "path", "region", "zone"};
        const std::size_t place = index % series_per_name;
        if (place == 0) {
            name_ = std::string(name) + "." + std::to_string(index / series_per_name);
        }
        std::string tags;
        for (std::size_t i = 0; i < shape_.tags; ++i) {
            if (i > 0) tags += ',';
            tags.append(keys[i]).append(":").append(nodes_[(place * (i + 1)) % nodes_.size()]);
        }
        series_.push_back(texts_.make(kind, name_, tags, series_.size() + 1, start_ns));
        return static_cast<protocol::SeriesId>(series_.size() - 1);
    }

    protocol::Snapshot view() const {
        protocol::Snapshot out;
        out.sequence = sequence_;
        out.start_unix_ns = start_ns + static_cast<std::int64_t>(sequence_ - 1) * interval_ns;
        out.end_unix_ns = out.start_unix_ns + interval_ns;
        out.elapsed_s = 10;
        out.series = series_;
        out.counters = counters_;
        out.gauges = gauges_;
        out.timers = timers_;
        out.sets = sets_;
        return out;
    }

    static constexpr std::int64_t start_ns = 1'785'542'400'000'000'000;  // 2026-08-01
    static constexpr std::int64_t interval_ns = 10'000'000'000;

    ManySeriesShape shape_;
    std::string name_;  // of the series being made
    std::vector<std::string> nodes_;
    SeriesTexts texts_;
    std::vector<protocol::Series> series_;
    std::vector<protocol::CounterPoint> counters_;
    std::vector<protocol::GaugePoint> gauges_;
    std::vector<protocol::TimerPoint> timers_;
    std::vector<protocol::SetPoint> sets_;
    std::array<double, 5> values_{};
    std::array<double, 5> weights_{1, 1, 1, 1, 1};
    std::uint64_t sequence_ = 0;
};

}  // namespace pitot::tests
