// The quantiles that a sink shows of a point: those the flush has worked out for all sinks, or,
// where it has others, worked out here, all in one pass.
//
//     Quantiles quantiles(context.quantiles);       // kept by an encoder
//     quantiles.begin(snapshot);
//     for (const double value : quantiles.of(point)) …
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/snapshot.h"

namespace pitot::sinks {

class Quantiles {
public:
    // `ranks` in (0, 1], ascending.
    explicit Quantiles(std::vector<double> ranks)
        : ranks_(std::move(ranks)), values_(ranks_.size()) {}

    std::size_t size() const { return ranks_.size(); }
    const std::vector<double>& ranks() const { return ranks_; }

    void begin(const protocol::Snapshot& snapshot) {
        are_there_ = std::ranges::equal(snapshot.quantile_ranks, ranks_);
    }

    // One for each rank; `point` is updated. Until the next call.
    std::span<const double> of(const protocol::TimerPoint& point) {
        if (are_there_) return point.quantiles;
        point.values.quantiles(ranks_, values_);
        return values_;
    }

private:
    std::vector<double> ranks_;
    std::vector<double> values_;
    bool are_there_ = false;
};

// What a field for a quantile is called where a name has no dots: 0.5 is "p50", 0.999 "p99_9".
std::string quantile_field(double quantile);

}  // namespace pitot::sinks
