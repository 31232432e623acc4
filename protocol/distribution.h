// What is known of the values of one timer, histogram or distribution in some time.
//
// While values are few they are kept as they are; then they become a Distribution:
// exact count, sum, minimum, maximum and spread beside a base-2 exponential histogram
// (histogram.h). DistributionView reads either, so that no reader has to care.
//
// Percentiles are by nearest rank: quantile(q) is the smallest value that at least the
// share q of the total weight does not exceed. (DogStatsD's own rule: the median of
// 1 2 2 4 5 10 is 2.) Exact values answer exactly; a histogram within relative_error().
#pragma once

#include <cstdint>
#include <span>

#include "protocol/histogram.h"

namespace pitot::protocol {

class Distribution {
public:
    explicit Distribution(HistogramShape shape = {}) : histogram_(shape) {}

    // `value` finite, `weight` finite and positive (1 / sample rate).
    void add(double value, double weight = 1);
    // Exact: counts and buckets are sums, so merging is associative and commutative.
    void merge(const Distribution& other);
    // Keeps the memory of the buckets.
    void clear();

    bool empty() const { return !(count_ > 0); }
    double count() const { return count_; }
    double sum() const { return sum_; }
    double minimum() const { return minimum_; }
    double maximum() const { return maximum_; }
    double mean() const;
    double standard_deviation() const;  // of the population, weighted
    const Histogram& histogram() const { return histogram_; }

private:
    double count_ = 0;
    double sum_ = 0;
    double minimum_ = 0;
    double maximum_ = 0;
    double mean_ = 0;       // running, for the spread only
    double deviation_ = 0;  // sum of weighted squared distances to the mean
    Histogram histogram_;
};

// Does not own what it views; lives as long as the values or the Distribution do.
class DistributionView {
public:
    DistributionView() = default;
    // `values` sorted ascending; `weights` beside them, or empty where each is 1.
    static DistributionView exact(std::span<const double> values, std::span<const double> weights);
    static DistributionView sketched(const Distribution& distribution);

    bool empty() const;
    bool is_exact() const { return distribution_ == nullptr; }
    double count() const;
    double sum() const;
    double minimum() const;  // 0 when empty, as are the following
    double maximum() const;
    double mean() const;
    double standard_deviation() const;
    double quantile(double q) const;  // q in [0, 1]
    // Weight of the values that are at most `bound`. Exact for exact values; for a sketch
    // exact where `bound` is a bucket's bound, else interpolated within one bucket.
    double count_at_most(double bound) const;
    // Half of the widest bucket against its middle: 0 when exact, 0.0109 at schema 5.
    double relative_error() const;

    // Adds all values to `out`.
    void add_to(Distribution& out) const;

private:
    std::span<const double> values_;
    std::span<const double> weights_;
    const Distribution* distribution_ = nullptr;
};

}  // namespace pitot::protocol
