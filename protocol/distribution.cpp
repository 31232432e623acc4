// Moments and their merging, ranks in exact values and in buckets: see distribution.h.
#include "protocol/distribution.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <optional>

namespace pitot::protocol {
namespace {

// The weight that must be reached for quantile q.
//
// Both q and the product are rounded, and so may be the sums it is compared with: 0.07 of
// 100 values is 7.000000000000001 in doubles, and must be the 7th value, not the 8th. So a
// rank counts as reached a little early, by far more than rounding can be off and by far
// less than any sample weighs.
double rank_of(double q, double total) {
    constexpr double rounding_slack = 0x1p-40;
    return q * total * (1 - rounding_slack);
}

// The square root of a variance, held to what minimum and maximum allow (Popoviciu's
// inequality), which no finite values exceed but for rounding and overflow.
double bounded_deviation(double variance, double minimum, double maximum) {
    const double bound = maximum / 2 - minimum / 2;
    const double deviation = std::sqrt(std::max(variance, 0.0));
    return deviation <= bound ? deviation : bound;
}

// What a bucket counts for that a bound lies within.
enum class Divided : std::uint8_t { evenly, whole };

// Weight of a sketch's values <= bound, for bounds that do not fall, each with
// minimum <= bound < maximum: every bucket is added once.
class CountWalk {
public:
    CountWalk(const Distribution& distribution, Divided divided)
        : distribution_(distribution),
          divided_(divided),
          histogram_(distribution.histogram()),
          negative_(histogram_.negative()),
          positive_(histogram_.positive()),
          negative_next_(end_of(negative_) - 1),
          positive_next_(positive_.first_index) {}

    double count_at_most(double bound) {
        const double zeros = bound >= 0 ? histogram_.zero_count() : 0;
        const double negative = negative_part(bound);
        // Sums above 2^25 may be rounded, and those of a part must not exceed that of all.
        return std::min(negative + zeros + positive_part(bound), distribution_.count());
    }

private:
    static int end_of(const Histogram::Side& side) {
        return side.first_index + static_cast<int>(side.counts.size());
    }

    // From the largest index, which has the least values, down.
    double negative_part(double bound) {
        if (negative_.counts.empty()) return 0;
        const int first = negative_.first_index;
        const int split = bound < 0 ? Histogram::index_of(bound, histogram_.schema()) : first - 1;
        while (negative_next_ > split && negative_next_ >= first) {
            negative_weight_ += count(negative_, negative_next_--);
        }
        if (negative_next_ != split || split < first) return negative_weight_;
        return negative_weight_ +
               count(negative_, split) * share(bound, -upper(split), -upper(split - 1));
    }

    double positive_part(double bound) {
        if (positive_.counts.empty() || bound <= 0) return 0;
        const int end = end_of(positive_);
        const int split = Histogram::index_of(bound, histogram_.schema());
        while (positive_next_ < split && positive_next_ < end) {
            positive_weight_ += count(positive_, positive_next_++);
        }
        if (positive_next_ != split || split >= end) return positive_weight_;
        return positive_weight_ +
               count(positive_, split) * share(bound, upper(split - 1), upper(split));
    }

    static double count(const Histogram::Side& side, int index) {
        return side.counts[static_cast<std::size_t>(index - side.first_index)];
    }

    double upper(int index) const { return Histogram::upper_bound(index, histogram_.schema()); }

    // The share of a bucket that covers low … high that is <= bound, if its values lie
    // evenly in the part that minimum and maximum leave of it.
    double share(double bound, double low, double high) const {
        if (divided_ == Divided::whole) return 1;
        low = std::max(low, distribution_.minimum());
        high = std::min(high, distribution_.maximum());
        if (bound >= high) return 1;
        return (bound - low) / (high - low);
    }

    const Distribution& distribution_;
    const Divided divided_;
    const Histogram& histogram_;
    const Histogram::Side negative_;
    const Histogram::Side positive_;
    int negative_next_;  // index of the next bucket to add, on each side
    int positive_next_;
    double negative_weight_ = 0;  // of the buckets added
    double positive_weight_ = 0;
};

// Goes through a sketch's buckets once, from the least values up, for ranks that do not fall.
class RankWalk {
public:
    explicit RankWalk(const Distribution& distribution)
        : distribution_(distribution),
          negative_(distribution.histogram().negative()),
          positive_(distribution.histogram().positive()),
          negative_left_(negative_.counts.size()) {}

    // The representative of the bucket that holds the rank.
    double value_at(double rank) {
        while (!(has_begun_ && reached_ >= rank)) {
            if (!step()) return distribution_.maximum();
        }
        return std::clamp(value(), distribution_.minimum(), distribution_.maximum());
    }

private:
    // To the next bucket; false when there is none.
    bool step() {
        has_begun_ = true;
        if (negative_left_ > 0) {
            reached_ += negative_.counts[--negative_left_];
        } else if (!is_at_zero_) {
            is_at_zero_ = true;
            reached_ += distribution_.histogram().zero_count();
        } else if (positive_read_ < positive_.counts.size()) {
            reached_ += positive_.counts[positive_read_++];
        } else {
            return false;
        }
        return true;
    }

    double value() const {
        const int schema = distribution_.histogram().schema();
        if (!is_at_zero_) {
            const int index = negative_.first_index + static_cast<int>(negative_left_);
            return -Histogram::representative(index, schema);
        }
        if (positive_read_ == 0) return 0;
        const int index = positive_.first_index + static_cast<int>(positive_read_) - 1;
        return Histogram::representative(index, schema);
    }

    const Distribution& distribution_;
    const Histogram::Side negative_;
    const Histogram::Side positive_;
    std::size_t negative_left_;      // buckets not read yet; the last one has the least values
    bool is_at_zero_ = false;        // or beyond
    std::size_t positive_read_ = 0;  // buckets
    bool has_begun_ = false;
    double reached_ = 0;  // weight of the buckets read
};

}  // namespace

void Distribution::add(double value, double weight) {
    histogram_.add(value, weight);  // first: it may run out of memory

    const double counted = weight_on_grid(weight);
    minimum_ = empty() ? value : std::min(minimum_, value);
    maximum_ = empty() ? value : std::max(maximum_, value);
    sum_.add(value * counted);
    // West, 1979: the mean moves by its share of the distance, and no large numbers are
    // subtracted from each other in the end.
    count_ += counted;
    const double distance = value - mean_;
    mean_ += distance * (counted / count_);
    deviation_ += counted * distance * (value - mean_);
}

void Distribution::add(std::span<const double> values) {
    if (values.empty()) return;
    histogram_.add(values);  // first: it may run out of memory

    // Two passes: distances to a mean that is known need no division for each value. The first
    // value stands in for the mean until then, lest sums of large ones lose their last digits.
    const double first = values.front();
    Moments moments{
        .count = static_cast<double>(values.size()), .minimum = first, .maximum = first};
    double beyond_first = 0;
    for (const double value : values) {
        moments.minimum = std::min(moments.minimum, value);
        moments.maximum = std::max(moments.maximum, value);
        sum_.add(value);
        beyond_first += value - first;
    }
    moments.mean = first + beyond_first / moments.count;
    for (const double value : values) {
        const double distance = value - moments.mean;
        moments.deviation += distance * distance;
    }
    add(moments);
}

void Distribution::merge(const Distribution& other) {
    histogram_.merge(other.histogram_);
    if (other.empty()) return;

    sum_.merge(other.sum_);
    add({.count = other.count_,
         .mean = other.mean_,
         .deviation = other.deviation_,
         .minimum = other.minimum_,
         .maximum = other.maximum_});
}

void Distribution::add(const Moments& other) {
    const bool is_first = empty();
    minimum_ = is_first ? other.minimum : std::min(minimum_, other.minimum);
    maximum_ = is_first ? other.maximum : std::max(maximum_, other.maximum);
    // Chan, Golub and LeVeque, 1979: the spread of a union of two.
    const double count = count_ + other.count;
    const double distance = is_first ? 0 : other.mean - mean_;
    const double share = other.count / count;
    deviation_ += other.deviation + distance * distance * (count_ * share);
    mean_ = is_first ? other.mean : mean_ + distance * share;
    count_ = count;
}

void Distribution::scale(double factor) {
    if (empty()) return;
    const double count = histogram_.scale(factor);
    CompensatedSum sum;
    sum.add(sum_.value() * (count / count_));
    sum_ = sum;
    deviation_ *= count / count_;
    count_ = count;
}

void Distribution::clear() {
    count_ = 0;
    minimum_ = 0;
    maximum_ = 0;
    mean_ = 0;
    deviation_ = 0;
    sum_ = {};
    histogram_.clear();
}

double Distribution::mean() const {
    return empty() ? 0 : std::clamp(sum() / count_, minimum_, maximum_);
}

double Distribution::standard_deviation() const {
    return empty() ? 0 : bounded_deviation(deviation_ / count_, minimum_, maximum_);
}

DistributionView DistributionView::exact(std::span<const double> values,
                                         std::span<const double> weights) {
    assert(std::ranges::is_sorted(values));
    assert(weights.empty() || weights.size() == values.size());
    DistributionView view;
    view.values_ = values;
    view.weights_ = weights;
    return view;
}

DistributionView DistributionView::sketched(const Distribution& distribution) {
    DistributionView view;
    view.distribution_ = &distribution;
    return view;
}

DistributionView DistributionView::with_unsent(double unsent) const {
    assert(unsent >= 0);
    DistributionView view = *this;
    view.unsent_ = unsent;
    return view;
}

bool DistributionView::empty() const {
    return distribution_ != nullptr ? distribution_->empty() : values_.empty();
}

double DistributionView::count() const {
    return weight() + unsent_;
}

double DistributionView::scale() const {
    if (unsent_ <= 0) return 1;
    const double seen = weight();
    return (seen + unsent_) / seen;
}

double DistributionView::weight() const {
    if (distribution_ != nullptr) return distribution_->count();
    if (weights_.empty()) return static_cast<double>(values_.size());
    CompensatedSum count;
    for (const double weight : weights_) count.add(weight);
    return count.value();
}

double DistributionView::sum() const {
    if (distribution_ != nullptr) return distribution_->sum();
    CompensatedSum sum;
    for (std::size_t i = 0; i < values_.size(); ++i) sum.add(values_[i] * weight_at(i));
    return sum.value();
}

double DistributionView::total_sum() const {
    CompensatedSum sum;
    sum.add(this->sum() * scale());
    return sum.value();
}

double DistributionView::minimum() const {
    if (distribution_ != nullptr) return distribution_->minimum();
    return values_.empty() ? 0 : values_.front();
}

double DistributionView::maximum() const {
    if (distribution_ != nullptr) return distribution_->maximum();
    return values_.empty() ? 0 : values_.back();
}

double DistributionView::mean() const {
    if (distribution_ != nullptr) return distribution_->mean();
    return values_.empty() ? 0 : std::clamp(sum() / weight(), minimum(), maximum());
}

double DistributionView::standard_deviation() const {
    if (distribution_ != nullptr) return distribution_->standard_deviation();
    if (values_.empty()) return 0;
    const double center = mean();
    double squares = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const double distance = values_[i] - center;
        squares += weight_at(i) * distance * distance;
    }
    return bounded_deviation(squares / weight(), minimum(), maximum());
}

double DistributionView::quantile(double q) const {
    assert(q >= 0 && q <= 1);
    if (q <= 0) return minimum();
    if (q >= 1 || empty()) return maximum();
    const double rank = rank_of(q, weight());
    if (distribution_ != nullptr) return RankWalk(*distribution_).value_at(rank);

    double reached = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        reached += weight_at(i);
        if (reached >= rank) return values_[i];
    }
    return maximum();
}

void DistributionView::quantiles(std::span<const double> qs, std::span<double> out) const {
    assert(qs.size() == out.size());
    assert(std::ranges::is_sorted(qs));
    if (empty()) {
        std::ranges::fill(out, 0.0);
        return;
    }
    const double total = weight();
    std::optional<RankWalk> walk;
    if (distribution_ != nullptr) walk.emplace(*distribution_);
    std::size_t read = 0;  // exact values
    double reached = 0;    // their weight
    for (std::size_t i = 0; i < qs.size(); ++i) {
        const double rank = rank_of(qs[i], total);
        if (qs[i] <= 0) {
            out[i] = minimum();
        } else if (qs[i] >= 1) {
            out[i] = maximum();
        } else if (walk) {
            out[i] = walk->value_at(rank);
        } else {
            while (read == 0 || (reached < rank && read < values_.size())) {
                reached += weight_at(read++);
            }
            out[i] = reached >= rank ? values_[read - 1] : maximum();
        }
    }
}

double DistributionView::count_at_most(double bound) const {
    double count = 0;
    counts_at_most({&bound, 1}, {&count, 1});
    return count;
}

void DistributionView::counts_at_most(std::span<const double> bounds, std::span<double> out) const {
    count_up_to(bounds, out, false);
}

void DistributionView::counts_by_bucket(std::span<const double> bounds,
                                        std::span<double> out) const {
    count_up_to(bounds, out, true);
}

void DistributionView::count_up_to(std::span<const double> bounds, std::span<double> out,
                                   bool whole_buckets) const {
    assert(bounds.size() == out.size());
    assert(std::ranges::is_sorted(bounds));
    std::optional<CountWalk> walk;
    if (distribution_ != nullptr) {
        walk.emplace(*distribution_, whole_buckets ? Divided::whole : Divided::evenly);
    }
    const double factor = scale();
    const double total = count();
    std::size_t read = 0;  // exact values
    CompensatedSum weight;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const double bound = bounds[i];
        if (empty() || bound < minimum()) {
            out[i] = 0;
        } else if (bound >= maximum()) {
            out[i] = total;
        } else if (walk) {
            out[i] = std::min(walk->count_at_most(bound) * factor, total);
        } else {
            for (; read < values_.size() && values_[read] <= bound; ++read) {
                weight.add(weight_at(read));
            }
            out[i] = std::min(weight.value() * factor, total);
        }
    }
}

double DistributionView::relative_error() const {
    return distribution_ != nullptr ? distribution_->histogram().relative_error() : 0;
}

void DistributionView::add_to(Distribution& out) const {
    const double factor = scale();
    if (distribution_ != nullptr && factor > 1) {
        Distribution scaled = *distribution_;
        scaled.scale(factor);
        out.merge(scaled);
        return;
    }
    if (distribution_ != nullptr) return out.merge(*distribution_);
    for (std::size_t i = 0; i < values_.size(); ++i) out.add(values_[i], weight_at(i) * factor);
}

double DistributionView::weight_at(std::size_t position) const {
    return weights_.empty() ? 1 : weights_[position];
}

}  // namespace pitot::protocol
