// A base-2 exponential histogram: the form of Prometheus' native histograms and of
// OpenTelemetry's exponential histograms, so that the data structure is the wire format.
// (OpenTelemetry counts its indices from one less: its bucket i is our bucket i + 1.)
//
// At schema s bucket i of the positive side covers (b^(i-1), b^i] with b = 2^(2^-s):
// upper bound included, as in Prometheus. Negative values have a side of their own, by
// their absolute value; zeros have a bucket of their own.
//
// A histogram that would need more than buckets_max buckets on a side halves its
// resolution: the schema falls by one and buckets 2i-1 and 2i become bucket i. That is
// exact, the result is what the coarser schema would have counted from the start. So the
// state depends on what was added and not on the order: the schema is the highest one,
// up to the shape's, at which both sides fit. Merging keeps that property. It takes the
// coarser of both shapes and adds counts, hence it is associative and commutative.
//
// Counts are doubles, because a sample rate of 0.3 is a weight of 3.33. Weights are
// rounded to multiples of 2^-28 when they are added, so that sums up to 2^25 are exact
// and the order of merging cannot change a count; above that it can by one part in 10^16.
// Whole weights stay exact up to 2^53.
//
// What it does not know: count, sum, minimum, maximum (distribution.h has them), and
// values that are not finite, which the parser refuses.
//
// Not safe to share between threads. Allocates when a side grows, from the memory resource
// it is made with; after clear() it holds on to its memory, so that an interval like the
// last one allocates nothing. Copies use the default resource. Where memory is short,
// limit_growth() trades resolution for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <vector>

namespace pitot::protocol {

inline constexpr int schema_min = -4;
inline constexpr int schema_max = 8;

// The least legal buckets_max. At schema_min the smallest double falls into bucket -67
// and the largest into bucket 64, so with 132 buckets any values whatever fit a side.
inline constexpr std::size_t buckets_max_min = 132;

struct HistogramShape {
    int schema = 5;                  // -4 … 8; relative error 1.083 % at 5, 0.5415 % at 6
    std::size_t buckets_max = 1024;  // per side, >= buckets_max_min; a contrast of 4·10^9 at 5

    bool operator==(const HistogramShape&) const = default;
};

// `weight` as histograms and distributions count it: rounded to a multiple of 2^-28, and
// at least that. In [2^24, 2^25) doubles are 2^-28 apart: adding 2^24 rounds a smaller
// weight, and a larger one is such a multiple already. 0.3 is 80530636.8 times 2^-28;
// 2^24 + 0.3 can only be 2^24 + 80530637 times 2^-28, and without 2^24 that is left.
inline double weight_on_grid(double weight) {
    constexpr double on_grid_from = 0x1p24;
    if (weight >= on_grid_from) return weight;
    const double rounded = (weight + on_grid_from) - on_grid_from;
    return rounded > 0 ? rounded : 0x1p-28;
}

class Histogram {
public:
    explicit Histogram(HistogramShape shape = {},
                       std::pmr::memory_resource* memory = std::pmr::get_default_resource());

    // `value` finite, `weight` finite and positive.
    void add(double value, double weight = 1);
    // Each with weight 1.
    void add(std::span<const double> values);
    void merge(const Histogram& other);
    // As if each weight had been `factor` times as large; at least 1. Counts stay on the grid.
    // Returns the weight there is then.
    double scale(double factor);
    // Forgets all counts and restores the shape's schema; keeps the memory.
    void clear();
    // From here to clear() a side that has fewer than `buckets` (at least buckets_max_min)
    // grows no further than that, and one that has more does not grow: the resolution is
    // halved instead. What is counted stays counted; the schema then depends on when this
    // was called.
    void limit_growth(std::size_t buckets);

    // The present schema: the shape's, or less after halving or merging.
    int schema() const { return present_.schema; }
    // How far representative() is from any value of its bucket, at most, as a share of
    // the value: (b - 1) / (b + 1) at the present schema.
    double relative_error() const;
    double zero_count() const { return zero_count_; }

    // One side: counts of the buckets first_index, first_index + 1, … The first and the
    // last one are not zero. Valid until the Histogram changes.
    struct Side {
        int first_index = 0;
        std::span<const double> counts;
    };
    Side positive() const { return positive_.side(); }
    Side negative() const { return negative_.side(); }

    // The index of the bucket of |value|, at a schema; `value` finite and not zero.
    // Exact: no logarithm is taken, the mantissa is compared with a table of bounds.
    static int index_of(double value, int schema);
    // The largest double that belongs to the bucket: b^index, rounded down to a double.
    static double upper_bound(int index, int schema);
    // The harmonic mean of the bucket's bounds, which is relatively as far from the one
    // as from the other.
    static double representative(int index, int schema);

private:
    // The counts of one side: a run of storage_ that can grow at both ends. All of
    // storage_ outside that run is zero.
    class Buckets {
    public:
        explicit Buckets(std::pmr::memory_resource* memory) : storage_(memory) {}

        bool empty() const { return width_ == 0; }
        int first() const { return first_; }
        int last() const { return first_ + width_ - 1; }
        bool covers(int index) const { return index >= first_ && index - first_ < width_; }
        double& operator[](int index) {
            const int position = offset_ + (index - first_);
            return storage_[static_cast<std::size_t>(position)];
        }
        Side side() const;
        std::size_t capacity() const { return storage_.size(); }

        // Covers `first` … `last`, too, which with the present run fit in `buckets_max`.
        void cover(int first, int last, std::size_t buckets_max);
        // Halves the resolution `halvings` times.
        void coarsen(int halvings);
        double scale(double factor);
        void add(const Buckets& other, int other_halvings, std::size_t buckets_max);
        void clear();

    private:
        void move_to(int offset);

        // clear() makes the run empty and keeps where it began, so that values like the last ones
        // find their places again.
        int first_ = 0;   // index of the first bucket of the run
        int width_ = 0;   // buckets in the run
        int offset_ = 0;  // where in storage_ the run begins
        std::pmr::vector<double> storage_;
    };

    // `counted`: a weight on the grid.
    void count(double value, double counted);
    // Makes `buckets` cover `index`, or what becomes of it by halving, which it returns.
    int make_room(Buckets& buckets, int index);
    // How many buckets a side may have.
    std::size_t width_max(const Buckets& buckets) const;
    void coarsen(int halvings);

    HistogramShape shape_;
    HistogramShape present_;  // shape_, made coarser by halving and by merging
    std::size_t growth_max_ = std::numeric_limits<std::size_t>::max();  // limit_growth()
    double zero_count_ = 0;
    Buckets positive_;
    Buckets negative_;
};

}  // namespace pitot::protocol
