// What is known of the values of one timer, histogram or distribution in some time.
//
// While values are few the series table keeps them as they are; then they become a
// Distribution: count, sum, minimum, maximum and spread beside a base-2 exponential
// histogram (histogram.h). DistributionView reads either, so that no reader has to care:
// the flush hands one to alert rules and sinks with every timer (snapshot.h).
//
// Percentiles are by nearest rank: quantile(q) is the smallest value such that it and
// the values below make up at least the share q of the total weight. (DogStatsD's own
// rule: the median of 1 2 2 4 5 10 is 2.) Exact values answer exactly; a histogram within
// relative_error(). Nothing is interpolated between two values.
//
// Clients that sample leave values out. Where a rate is to scale the count alone
// (TimerRate::count), those are known by their number only: count() tells them, and what is one
// interval's (sum, mean, extremes, spread, percentiles) is of the values that came. What goes on
// to be added up with others (total_sum(), counts below bounds, add_to()) is scaled to count(),
// as if those left out had been like the others: sum over count is the mean there, too.
//
// All results are finite, whatever finite values were added, as long as their total
// weight is.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>

#include "protocol/compensated_sum.h"
#include "protocol/histogram.h"

namespace pitot::protocol {

class Distribution {
public:
    explicit Distribution(HistogramShape shape = {},
                          std::pmr::memory_resource* memory = std::pmr::get_default_resource())
        : histogram_(shape, memory) {}

    // `value` finite, `weight` finite and positive (1 / sample rate). Everything here
    // counts the weight as the histogram does (weight_on_grid()).
    void add(double value, double weight = 1);
    // Each with weight 1: what adding them one by one gives, the spread but for the last bit or
    // two. The division that moves the mean is one for all.
    void add(std::span<const double> values);
    // Counts, minimum, maximum and histogram are the same, bit for bit, in whatever order
    // parts are merged; sum, mean and spread but for the last bit or two.
    void merge(const Distribution& other);
    // As if each weight had been `factor` times as large; at least 1.
    void scale(double factor);
    // Keeps the memory of the buckets.
    void clear();
    // Until clear(): see Histogram.
    void limit_growth(std::size_t buckets) { histogram_.limit_growth(buckets); }

    bool empty() const { return !(count_ > 0); }
    // The sum of the weights: what the histogram's buckets and its zeros add up to.
    double count() const { return count_; }
    // Saturates at the largest double.
    double sum() const { return sum_.value(); }
    double minimum() const { return minimum_; }  // 0 when empty, as are the following
    double maximum() const { return maximum_; }
    double mean() const;
    // Of the population, weighted. Where squares leave the range of doubles (values
    // beyond 10^153), the largest that minimum and maximum allow: half their distance;
    // 0 where squares vanish (distances below 10^-162).
    double standard_deviation() const;
    const Histogram& histogram() const { return histogram_; }

private:
    // Adds what is known of values that are no part of this: their count, mean, sum of squared
    // distances to it, and extremes.
    struct Moments {
        double count = 0;
        double mean = 0;
        double deviation = 0;
        double minimum = 0;
        double maximum = 0;
    };
    void add(const Moments& other);

    double count_ = 0;
    double minimum_ = 0;
    double maximum_ = 0;
    double mean_ = 0;       // running, for the spread only
    double deviation_ = 0;  // sum of weighted squared distances to the mean
    CompensatedSum sum_;
    Histogram histogram_;
};

// Does not own what it views; lives as long as the values or the Distribution do, and
// until they change.
class DistributionView {
public:
    DistributionView() = default;
    // `values` finite and sorted ascending; `weights` beside them, finite and positive, or
    // empty where each is 1. Weights count as they are given, without rounding.
    static DistributionView exact(std::span<const double> values, std::span<const double> weights);
    static DistributionView sketched(const Distribution& distribution);
    // The same with so many values more that clients have left out; finite, not negative.
    DistributionView with_unsent(double unsent) const;

    bool empty() const;
    bool is_exact() const { return distribution_ == nullptr; }
    double count() const;  // with those unsent
    double sum() const;
    double total_sum() const;  // mean() for each that count() tells; saturates like sum()
    double minimum() const;    // 0 when empty, as are the following
    double maximum() const;
    double mean() const;
    double standard_deviation() const;  // of the population, weighted
    // q in [0, 1]; 0 gives minimum() and 1 gives maximum(), exactly.
    double quantile(double q) const;
    // Several at once, in one pass: out[i] is quantile(qs[i]). `qs` ascending, `out` as long.
    void quantiles(std::span<const double> qs, std::span<double> out) const;
    // How many of count() are at most `bound`; never falls as `bound` rises. Exact
    // for exact values. For a sketch exact below the minimum, from the maximum on, at
    // zero and where a positive `bound` is a bucket's bound, else interpolated within one
    // bucket. (Bounds of buckets are included away from zero: values that equal a
    // negative bucket's bound are not told from those inside.)
    double count_at_most(double bound) const;
    // Several at once, in one pass: out[i] is count_at_most(bounds[i]). `bounds` ascending,
    // `out` as long.
    void counts_at_most(std::span<const double> bounds, std::span<double> out) const;
    // Likewise, but a sketch's bucket counts whole for a bound that lies within it. So values
    // that equal a bound are always under it, as one expects of round bounds and round values;
    // and with them those up to a bucket's width above it (2.2 % at schema 5).
    void counts_by_bucket(std::span<const double> bounds, std::span<double> out) const;
    // How far quantile() may be from the truth, as a share of it: 0 when exact, 0.01083
    // at schema 5.
    double relative_error() const;

    // Adds all values to `out`, those unsent with them.
    void add_to(Distribution& out) const;

private:
    void count_up_to(std::span<const double> bounds, std::span<double> out,
                     bool whole_buckets) const;
    double weight_at(std::size_t position) const;
    double weight() const;  // of the values: count() without those unsent
    double scale() const;   // count() over weight()

    std::span<const double> values_;
    std::span<const double> weights_;
    const Distribution* distribution_ = nullptr;
    double unsent_ = 0;
};

}  // namespace pitot::protocol
