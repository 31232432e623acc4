// The truth about weighted values, by brute force: all of them, sorted, with weights as
// whole numbers of 2^-28, so that ranks are decided without rounding.
//
// Written to be read: it is what protocol/distribution.h is measured against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "protocol/histogram.h"
#include "tests/support/reference_histogram.h"

namespace pitot::tests {

class ReferenceDistribution {
public:
    explicit ReferenceDistribution(std::vector<WeightedValue> values) : values_(std::move(values)) {
        std::ranges::sort(
            values_, [](const auto& left, const auto& right) { return left.value < right.value; });
        for (auto& [value, weight] : values_) weight = protocol::weight_on_grid(weight);
        for (const auto& [value, weight] : values_) total_units_ += units(weight);
    }

    const std::vector<WeightedValue>& sorted() const { return values_; }

    double count() const { return static_cast<double>(total_units_) * 0x1p-28; }

    long double sum() const {
        long double sum = 0;
        for (const auto& [value, weight] : values_)
            sum += static_cast<long double>(value) * static_cast<long double>(weight);
        return sum;
    }

    // The sum of the sizes of what is summed up: what rounding is measured against.
    long double sum_of_sizes() const {
        long double sum = 0;
        for (const auto& [value, weight] : values_)
            sum += std::abs(static_cast<long double>(value)) * static_cast<long double>(weight);
        return sum;
    }

    long double mean() const { return sum() / static_cast<long double>(count()); }

    long double standard_deviation() const {
        const long double center = mean();
        long double squares = 0;
        for (const auto& [value, weight] : values_) {
            const long double distance = static_cast<long double>(value) - center;
            squares += static_cast<long double>(weight) * distance * distance;
        }
        return std::sqrt(squares / static_cast<long double>(count()));
    }

    // The smallest value such that it and those below weigh at least permille / 1000 of
    // all. Overflows above some 2^26 samples of weight 1.
    double quantile(std::uint64_t permille) const {
        std::uint64_t reached = 0;
        for (const auto& [value, weight] : values_) {
            reached += units(weight);
            if (reached * 1000 >= total_units_ * permille) return value;
        }
        return 0;
    }

    double count_at_most(double bound) const {
        std::uint64_t weight_at_most = 0;
        for (const auto& [value, weight] : values_)
            if (value <= bound) weight_at_most += units(weight);
        return static_cast<double>(weight_at_most) * 0x1p-28;
    }

    double count_below(double bound) const {
        std::uint64_t weight_below = 0;
        for (const auto& [value, weight] : values_)
            if (value < bound) weight_below += units(weight);
        return static_cast<double>(weight_below) * 0x1p-28;
    }

private:
    static std::uint64_t units(double weight_on_grid) {
        return static_cast<std::uint64_t>(weight_on_grid * 0x1p28);
    }

    std::vector<WeightedValue> values_;
    std::uint64_t total_units_ = 0;
};

}  // namespace pitot::tests
