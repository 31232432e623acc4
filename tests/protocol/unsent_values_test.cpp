// Values that clients have left out by sampling, where a rate scales the count alone: what they
// are part of, and what is not theirs.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "protocol/distribution.h"

namespace pitot::protocol {
namespace {

Distribution distribution_of(const std::vector<std::pair<double, double>>& values) {
    Distribution distribution;
    for (const auto& [value, weight] : values) distribution.add(value, weight);
    return distribution;
}

TEST_CASE("values that were left out are in the count, and in what is added up") {
    const std::vector<double> values{1, 2, 3, 10};
    const std::vector<double> weights{1, 2, 5, 2};
    Distribution sketch({.schema = 8});
    DistributionView::exact(values, weights).add_to(sketch);
    for (const DistributionView& seen :
         {DistributionView::exact(values, weights), DistributionView::sketched(sketch)}) {
        CAPTURE(seen.is_exact());
        const DistributionView view = seen.with_unsent(30);
        CHECK(view.count() == 40);
        CHECK(view.sum() == 40);
        CHECK(view.mean() == 4);
        CHECK(view.minimum() == 1);
        CHECK(view.maximum() == 10);
        CHECK(view.standard_deviation() == seen.standard_deviation());
        for (const double q : {0.0, 0.1, 0.2, 0.5, 0.81, 1.0}) {
            CHECK(view.quantile(q) == seen.quantile(q));
            double at_once = 0;
            view.quantiles({&q, 1}, {&at_once, 1});
            CHECK(at_once == seen.quantile(q));
        }
        CHECK(view.total_sum() == 160);
        CHECK(view.count_at_most(0.5) == 0);
        CHECK(view.count_at_most(1) == 4);
        CHECK(view.count_at_most(5) == 32);
        CHECK(view.count_at_most(10) == 40);

        Distribution total({.schema = 8});
        DistributionView::exact(values, weights).add_to(total);
        view.add_to(total);
        CHECK(total.count() == 50);
        CHECK(total.sum() == doctest::Approx(200));
        CHECK(total.mean() == 4);
        CHECK(total.standard_deviation() == doctest::Approx(std::sqrt(9.4)));
        CHECK(DistributionView::sketched(total).count_at_most(2) ==
              doctest::Approx(15).epsilon(0.01));
    }
    CHECK(DistributionView::exact(values, weights).total_sum() == 40);
    constexpr double largest = std::numeric_limits<double>::max();
    const std::vector<double> huge{largest};
    CHECK(DistributionView::exact(huge, {}).with_unsent(9).total_sum() == largest);
}

TEST_CASE("a distribution that is scaled is what larger weights make") {
    std::mt19937 dice(18);
    std::vector<std::pair<double, double>> values;
    for (int i = 0; i < 300; ++i) {
        values.emplace_back((static_cast<double>(dice() % 2'001) - 200) / 7, 1 + dice() % 3);
    }
    for (const double factor : {1.0, 3.0, 10.0}) {
        CAPTURE(factor);
        Distribution scaled = distribution_of(values);
        scaled.scale(factor);
        Distribution heavier;
        for (const auto& [value, weight] : values) heavier.add(value, weight * factor);
        CHECK(scaled.count() == doctest::Approx(heavier.count()));
        CHECK(scaled.sum() == doctest::Approx(heavier.sum()));
        CHECK(scaled.minimum() == heavier.minimum());
        CHECK(scaled.maximum() == heavier.maximum());
        CHECK(scaled.standard_deviation() == doctest::Approx(heavier.standard_deviation()));
        for (const double q : {0.1, 0.5, 0.9}) {
            CHECK(DistributionView::sketched(scaled).quantile(q) ==
                  DistributionView::sketched(distribution_of(values)).quantile(q));
        }
        double weight = scaled.histogram().zero_count();
        for (const double count : scaled.histogram().positive().counts) weight += count;
        for (const double count : scaled.histogram().negative().counts) weight += count;
        CHECK(weight == scaled.count());
    }
    Distribution nothing;
    nothing.scale(2);
    CHECK(nothing.empty());
}

}  // namespace
}  // namespace pitot::protocol
