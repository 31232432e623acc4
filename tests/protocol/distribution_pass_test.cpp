// Several quantiles, and several counts below bounds, in one pass over a distribution: each is
// what is found when it is asked for alone, bit for bit, in exact values and in sketches, on
// both sides of zero, with and without weights.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "protocol/distribution.h"

using pitot::protocol::Distribution;
using pitot::protocol::DistributionView;

namespace {

void check(const DistributionView& view) {
    const std::vector<double> qs{0,   1e-9, 0.07, 0.25,  0.5,       0.5, 0.75,
                                 0.9, 0.95, 0.99, 0.999, 1 - 1e-12, 1,   1};
    std::vector<double> quantiles(qs.size(), -1);
    view.quantiles(qs, quantiles);
    for (std::size_t i = 0; i < qs.size(); ++i) {
        CAPTURE(qs[i]);
        CHECK(quantiles[i] == view.quantile(qs[i]));
    }

    std::vector<double> bounds{-1e300, -7, -1, -0.001, 0, 0, 1e-12, 0.5, 1, 3, 10, 1e4, 1e300};
    bounds.insert(bounds.end(), quantiles.begin(), quantiles.end());
    for (const double quantile : quantiles) bounds.push_back(std::nextafter(quantile, -1e300));
    std::ranges::sort(bounds);
    std::vector<double> counts(bounds.size(), -1);
    view.counts_at_most(bounds, counts);
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        CAPTURE(bounds[i]);
        CHECK(counts[i] == view.count_at_most(bounds[i]));
        if (i > 0) CHECK(counts[i] >= counts[i - 1]);
    }
    view.quantiles({}, {});
    view.counts_at_most({}, {});
}

}  // namespace

TEST_CASE("of nothing") {
    check(DistributionView());
    check(DistributionView::sketched(Distribution()));
}

TEST_CASE("of values of every sign and size") {
    std::mt19937_64 random(18);
    std::lognormal_distribution<double> size(1, 2);
    for (const int signs : {1, -1, 0}) {
        for (const std::size_t count : {1U, 2U, 7U, 32U, 500U}) {
            for (int round = 0; round < 20; ++round) {
                std::vector<double> values;
                std::vector<double> weights;
                Distribution sketch;
                for (std::size_t i = 0; i < count; ++i) {
                    double value = size(random) * (signs == 0 ? 1 : signs);
                    if (signs == 0 && random() % 3 == 0) value = random() % 2 == 0 ? -value : 0;
                    values.push_back(value);
                    weights.push_back(random() % 2 == 0 ? 1 : 1 / 0.3);
                    sketch.add(value, weights.back());
                }
                std::ranges::sort(values);
                check(DistributionView::sketched(sketch));
                check(DistributionView::exact(values, {}));
                check(DistributionView::exact(values, weights));
            }
        }
    }
}
