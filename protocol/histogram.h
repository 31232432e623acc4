// A base-2 exponential histogram: the form of Prometheus' native histograms and of
// OpenTelemetry's exponential histograms, so that the data structure is the wire format.
//
// At schema s bucket i of the positive side covers (b^(i-1), b^i] with b = 2^(2^-s):
// upper bound included, as in Prometheus. Negative values have a side of their own, by
// their absolute value; values up to zero_threshold in absolute value fall in one zero
// bucket. Merging two histograms is adding counts; a histogram that would need more than
// buckets_max buckets on a side halves its resolution (two neighbours become one), which
// is exact: the result is what the coarser schema would have counted from the start.
//
// Counts are doubles, because a sample rate of 0.3 is a weight of 3.33. Weights are
// rounded to multiples of 2^-28 when they are added, so that sums up to 2^25 are exact
// and the order of merging cannot change a count; above that it can by one part in 10^16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pitot::protocol {

struct HistogramShape {
    int schema = 5;                  // -4 … 8; relative error 1.09 % at 5, 0.55 % at 6
    std::size_t buckets_max = 1024;  // per side; at schema 5 a contrast of 4·10^9

    bool operator==(const HistogramShape&) const = default;
};

inline constexpr int schema_min = -4;
inline constexpr int schema_max = 8;

class Histogram {
public:
    explicit Histogram(HistogramShape shape = {});

    void add(double value, double weight = 1);
    void merge(const Histogram& other);
    void clear();

    // The present schema: the shape's, or less after halving.
    int schema() const { return schema_; }
    double relative_error() const;
    double zero_count() const { return zero_count_; }

    // One side: counts of the buckets first_index, first_index + 1, …
    struct Side {
        int first_index = 0;
        std::vector<double> counts;
    };
    const Side& positive() const { return positive_; }
    const Side& negative() const { return negative_; }

    // The index of the bucket of |value| > 0, and a bucket's upper bound, at a schema.
    static int index_of(double value, int schema);
    static double upper_bound(int index, int schema);

private:
    HistogramShape shape_;
    int schema_;
    double zero_count_ = 0;
    Side positive_;
    Side negative_;
};

}  // namespace pitot::protocol
