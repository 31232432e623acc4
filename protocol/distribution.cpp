// Moments and their merging, ranks in exact values and in buckets: see distribution.h.
#include "protocol/distribution.h"

#include <algorithm>
#include <cassert>
#include <cmath>

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

// Weight of a sketch's values <= bound, with minimum <= bound < maximum.
class CountBelow {
public:
    CountBelow(const Distribution& distribution, double bound)
        : distribution_(distribution), histogram_(distribution.histogram()), bound_(bound) {}

    double negative_part() const {
        const Histogram::Side side = histogram_.negative();
        if (side.counts.empty()) return 0;
        const int last = side.first_index + static_cast<int>(side.counts.size()) - 1;
        const int split =
            bound_ < 0 ? Histogram::index_of(bound_, histogram_.schema()) : side.first_index - 1;
        double weight = 0;
        int index = last;
        for (; index > split && index >= side.first_index; --index) weight += count(side, index);
        if (index == split && index >= side.first_index)
            weight += count(side, index) * share(-upper(index), -upper(index - 1));
        return weight;
    }

    double positive_part() const {
        const Histogram::Side side = histogram_.positive();
        if (side.counts.empty() || bound_ <= 0) return 0;
        const int end = side.first_index + static_cast<int>(side.counts.size());
        const int split = Histogram::index_of(bound_, histogram_.schema());
        double weight = 0;
        int index = side.first_index;
        for (; index < split && index < end; ++index) weight += count(side, index);
        if (index == split && index < end)
            weight += count(side, index) * share(upper(index - 1), upper(index));
        return weight;
    }

private:
    static double count(const Histogram::Side& side, int index) {
        return side.counts[static_cast<std::size_t>(index - side.first_index)];
    }

    double upper(int index) const { return Histogram::upper_bound(index, histogram_.schema()); }

    // The share of a bucket that covers low … high that is <= bound, if its values lie
    // evenly in the part that minimum and maximum leave of it.
    double share(double low, double high) const {
        low = std::max(low, distribution_.minimum());
        high = std::min(high, distribution_.maximum());
        if (bound_ >= high) return 1;
        return (bound_ - low) / (high - low);
    }

    const Distribution& distribution_;
    const Histogram& histogram_;
    double bound_;
};

// The representative of the bucket that holds the rank.
double sketched_quantile(const Distribution& distribution, double rank) {
    const Histogram& histogram = distribution.histogram();
    const Histogram::Side negative = histogram.negative();
    const Histogram::Side positive = histogram.positive();
    const auto held_to_extremes = [&](double value) {
        return std::clamp(value, distribution.minimum(), distribution.maximum());
    };

    double reached = 0;
    for (std::size_t i = negative.counts.size(); i-- > 0;) {
        reached += negative.counts[i];
        if (reached >= rank) {
            const int index = negative.first_index + static_cast<int>(i);
            return held_to_extremes(-Histogram::representative(index, histogram.schema()));
        }
    }
    reached += histogram.zero_count();
    if (reached >= rank) return held_to_extremes(0);
    for (std::size_t i = 0; i < positive.counts.size(); ++i) {
        reached += positive.counts[i];
        if (reached >= rank) {
            const int index = positive.first_index + static_cast<int>(i);
            return held_to_extremes(Histogram::representative(index, histogram.schema()));
        }
    }
    return distribution.maximum();
}

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

void Distribution::merge(const Distribution& other) {
    histogram_.merge(other.histogram_);
    if (other.empty()) return;

    minimum_ = empty() ? other.minimum_ : std::min(minimum_, other.minimum_);
    maximum_ = empty() ? other.maximum_ : std::max(maximum_, other.maximum_);
    sum_.merge(other.sum_);
    // Chan, Golub and LeVeque, 1979: the spread of a union of two.
    const double count = count_ + other.count_;
    const double distance = other.mean_ - mean_;
    const double share = other.count_ / count;
    deviation_ += other.deviation_ + distance * distance * (count_ * share);
    mean_ = empty() ? other.mean_ : mean_ + distance * share;
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

bool DistributionView::empty() const {
    return distribution_ != nullptr ? distribution_->empty() : values_.empty();
}

double DistributionView::count() const {
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
    return values_.empty() ? 0 : std::clamp(sum() / count(), minimum(), maximum());
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
    return bounded_deviation(squares / count(), minimum(), maximum());
}

double DistributionView::quantile(double q) const {
    assert(q >= 0 && q <= 1);
    if (q <= 0) return minimum();
    if (q >= 1 || empty()) return maximum();
    const double rank = rank_of(q, count());
    if (distribution_ != nullptr) return sketched_quantile(*distribution_, rank);

    double reached = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        reached += weight_at(i);
        if (reached >= rank) return values_[i];
    }
    return maximum();
}

double DistributionView::count_at_most(double bound) const {
    if (empty() || bound < minimum()) return 0;
    if (bound >= maximum()) return count();
    if (distribution_ == nullptr) {
        CompensatedSum weight;
        for (std::size_t i = 0; i < values_.size() && values_[i] <= bound; ++i)
            weight.add(weight_at(i));
        return weight.value();
    }
    const CountBelow below(*distribution_, bound);
    const double zeros = bound >= 0 ? distribution_->histogram().zero_count() : 0;
    // Sums above 2^25 may be rounded, and those of a part must not exceed that of all.
    return std::min(below.negative_part() + zeros + below.positive_part(), count());
}

double DistributionView::relative_error() const {
    return distribution_ != nullptr ? distribution_->histogram().relative_error() : 0;
}

void DistributionView::add_to(Distribution& out) const {
    if (distribution_ != nullptr) {
        out.merge(*distribution_);
        return;
    }
    for (std::size_t i = 0; i < values_.size(); ++i) out.add(values_[i], weight_at(i));
}

double DistributionView::weight_at(std::size_t position) const {
    return weights_.empty() ? 1 : weights_[position];
}

}  // namespace pitot::protocol
