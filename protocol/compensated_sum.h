// A sum of doubles that carries along what rounding took from it (Neumaier, 1974; the
// error of one addition by Knuth's TwoSum): ten times 0.1 is 1, and a million additions
// are as accurate as one.
//
// Distribution and DistributionView use it. A sum that leaves the range of doubles stays
// at the largest one, because sinks have no way to write an infinite number, and because
// what is infinite once is so for ever. saturating_add() is that rule without the rest, for
// counters and gauges.
#pragma once

#include <cmath>
#include <limits>

namespace pitot::protocol {

// left + right, both finite; the largest double of that sign where it would be infinite.
inline double saturating_add(double left, double right) {
    const double sum = left + right;
    if (std::isfinite(sum)) [[likely]]
        return sum;
    return std::copysign(std::numeric_limits<double>::max(), sum);
}

class CompensatedSum {
public:
    void add(double term) {
        const double total = sum_ + term;
        if (!std::isfinite(total)) [[unlikely]] {
            sum_ = std::copysign(std::numeric_limits<double>::max(), total);
            lost_ = 0;
            return;
        }
        const double added = total - sum_;
        lost_ += (sum_ - (total - added)) + (term - added);
        sum_ = total;
    }

    // What `other` has lost is added apart, so that merging loses nothing more. By value,
    // as `other` may be this sum itself.
    void merge(CompensatedSum other) {
        add(other.sum_);
        add(other.lost_);
    }

    double value() const {
        const double total = sum_ + lost_;
        return std::isfinite(total) ? total : sum_;
    }

private:
    double sum_ = 0;
    double lost_ = 0;
};

}  // namespace pitot::protocol
