// Covers protocol/distribution.h and compensated_sum.h: exact views, sketches against a
// brute-force reference over many distributions, sample rates, schemas and ways of
// merging, moments without cancellation, counts below a bound, and the edges of doubles.
#include "protocol/distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocation_counter.h"
#include "tests/support/reference_distribution.h"

using pitot::protocol::CompensatedSum;
using pitot::protocol::Distribution;
using pitot::protocol::DistributionView;
using pitot::protocol::Histogram;
using pitot::protocol::HistogramShape;
using pitot::protocol::weight_on_grid;
using pitot::tests::allocations;
using pitot::tests::content_of;
using pitot::tests::ReferenceDistribution;
using pitot::tests::WeightedValue;

namespace {

using Random = std::mt19937_64;

constexpr double smallest = std::numeric_limits<double>::denorm_min();
constexpr double largest = std::numeric_limits<double>::max();

// 0, 0.01, …, 0.5, and what people look at.
std::vector<std::uint64_t> permilles() {
    std::vector<std::uint64_t> all;
    for (std::uint64_t percent = 0; percent <= 50; ++percent) all.push_back(10 * percent);
    for (const std::uint64_t permille : {750U, 900U, 950U, 990U, 999U, 1000U})
        all.push_back(permille);
    return all;
}

double share(std::uint64_t permille) {
    return static_cast<double>(permille) / 1000;
}

struct Source {
    std::string name;
    std::function<double(Random&)> draw;
};

std::vector<Source> sources() {
    return {
        {"uniform", std::uniform_real_distribution<double>(10, 250)},
        {"uniform around zero", std::uniform_real_distribution<double>(-1, 1)},
        {"normal", std::normal_distribution<double>(100, 15)},
        {"normal around zero", std::normal_distribution<double>(0, 3)},
        {"lognormal", std::lognormal_distribution<double>(3, 1)},
        {"wide lognormal", std::lognormal_distribution<double>(0, 8)},
        {"exponential", std::exponential_distribution<double>(0.01)},
        {"pareto",
         [](Random& random) {
             return std::pow(1 - std::uniform_real_distribution<double>()(random), -1 / 1.1);
         }},
        {"bimodal",
         [](Random& random) {
             return random() % 10 < 7 ? std::normal_distribution<double>(2, 0.1)(random)
                                      : std::normal_distribution<double>(3000, 200)(random);
         }},
        {"constant", [](Random&) { return 42.5; }},
        {"negative constant", [](Random&) { return -0.1; }},
        {"zero", [](Random&) { return 0.0; }},
        {"powers of two",
         [](Random& random) { return std::ldexp(1.0, static_cast<int>(random() % 40) - 20); }},
        {"bounds of schema 8",
         [](Random& random) {
             return Histogram::upper_bound(static_cast<int>(random() % 2000) - 1000, 8);
         }},
        {"1e-300 to 1e300",
         [](Random& random) {
             return std::pow(10, std::uniform_real_distribution<double>(-300, 300)(random));
         }},
        {"-1e300 to 1e300",
         [](Random& random) {
             const double exponent = std::uniform_real_distribution<double>(-300, 300)(random);
             return random() % 2 == 0 ? std::pow(10, exponent) : -std::pow(10, exponent);
         }},
        {"subnormal", [](Random& random) { return static_cast<double>(random() % 99) * smallest; }},
        {"whole numbers", [](Random& random) { return static_cast<double>(random() % 1000); }},
        {"few whole numbers", [](Random& random) { return static_cast<double>(random() % 7) - 3; }},
    };
}

struct Sampling {
    std::string name;
    std::vector<double> rates;
};

const std::vector<Sampling>& samplings() {
    static const std::vector<Sampling> all{
        {"1", {1}},     {"0.5", {0.5}},     {"0.1", {0.1}},
        {"0.3", {0.3}}, {"2/3", {2.0 / 3}}, {"mixed", {1, 0.5, 0.1, 0.3, 2.0 / 3, 0.001}}};
    return all;
}

std::vector<WeightedValue> draw(const Source& source, const Sampling& sampling, std::size_t count,
                                Random& random) {
    std::vector<WeightedValue> values(count);
    for (auto& [value, weight] : values) {
        value = source.draw(random);
        weight = 1 / sampling.rates[random() % sampling.rates.size()];
    }
    return values;
}

Distribution distribution_of(const std::vector<WeightedValue>& values, HistogramShape shape) {
    Distribution distribution(shape);
    for (const auto& [value, weight] : values) distribution.add(value, weight);
    return distribution;
}

// The same values, spread over shards and intervals and put together again.
Distribution merged_from_parts(const std::vector<WeightedValue>& values, HistogramShape shape,
                               Random& random) {
    constexpr std::size_t shards = 4;
    constexpr std::size_t intervals = 3;
    std::vector<Distribution> parts(shards * intervals, Distribution(shape));
    for (const auto& [value, weight] : values) parts[random() % parts.size()].add(value, weight);

    Distribution total(shape);
    for (std::size_t interval = 0; interval < intervals; ++interval) {
        Distribution merged(shape);
        for (std::size_t shard = 0; shard < shards; ++shard)
            merged.merge(parts[interval * shards + shard]);
        total.merge(merged);
    }
    return total;
}

double counted_in_buckets(const Histogram& histogram) {
    double sum = histogram.zero_count();
    for (const double count : histogram.positive().counts) sum += count;
    for (const double count : histogram.negative().counts) sum += count;
    return sum;
}

void check_against(const ReferenceDistribution& reference, const Distribution& distribution) {
    const auto view = DistributionView::sketched(distribution);
    const double count = reference.count();
    REQUIRE(view.count() == count);
    REQUIRE(counted_in_buckets(distribution.histogram()) == count);
    REQUIRE(view.minimum() == reference.sorted().front().value);
    REQUIRE(view.maximum() == reference.sorted().back().value);

    const auto sizes = static_cast<double>(reference.sum_of_sizes());
    const double tolerance = 1e-15 * sizes + 2000 * smallest;
    REQUIRE(std::abs(view.sum() - static_cast<double>(reference.sum())) <= tolerance);
    REQUIRE(std::abs(view.mean() - static_cast<double>(reference.mean())) <=
            tolerance / count + smallest);
    constexpr double squares_vanish_below = 1e-160;
    const double spread = view.standard_deviation();
    if (std::max(std::abs(view.minimum()), std::abs(view.maximum())) < 1e150) {
        REQUIRE(std::abs(spread - static_cast<double>(reference.standard_deviation())) <=
                1e-9 * spread + 1e-13 * sizes / count + squares_vanish_below);
    } else {
        REQUIRE(std::isfinite(spread));
    }

    REQUIRE(view.quantile(0) == view.minimum());
    REQUIRE(view.quantile(1) == view.maximum());
    const double error = view.relative_error() * (1 + 1e-9);
    for (const std::uint64_t permille : permilles()) {
        CAPTURE(permille);
        const double exact = reference.quantile(permille);
        REQUIRE(std::abs(view.quantile(share(permille)) - exact) <=
                error * std::abs(exact) + smallest);
    }
}

DistributionView exact_view(const std::vector<double>& values,
                            const std::vector<double>& weights = {}) {
    return DistributionView::exact(values, weights);
}

}  // namespace

TEST_CASE("an exact view answers by nearest rank") {
    const std::vector<double> values{1, 2, 2, 4, 5, 10};
    const auto view = exact_view(values);
    CHECK(view.is_exact());
    CHECK(view.relative_error() == 0);
    CHECK(view.count() == 6);
    CHECK(view.sum() == 24);
    CHECK(view.minimum() == 1);
    CHECK(view.maximum() == 10);
    CHECK(view.mean() == 4);
    CHECK(view.standard_deviation() == doctest::Approx(3));
    const std::pair<double, double> rows[] = {{0, 1},   {0.1, 1},  {0.2, 2},   {0.5, 2}, {0.51, 4},
                                              {0.8, 5}, {0.9, 10}, {0.95, 10}, {1, 10}};
    for (const auto& [q, value] : rows) {
        CAPTURE(q);
        CHECK(view.quantile(q) == value);
    }
}

TEST_CASE("weights count in an exact view") {
    const std::vector<double> values{1, 2, 3, 10};
    const std::vector<double> weights{1, 2, 5, 2};
    const auto view = exact_view(values, weights);
    CHECK(view.count() == 10);
    CHECK(view.sum() == 40);
    CHECK(view.mean() == 4);
    CHECK(view.standard_deviation() == doctest::Approx(std::sqrt(9.4)));
    const std::pair<double, double> rows[] = {{0.1, 1}, {0.2, 2}, {0.3, 2},   {0.31, 3},
                                              {0.5, 3}, {0.8, 3}, {0.81, 10}, {0.95, 10}};
    for (const auto& [q, value] : rows) {
        CAPTURE(q);
        CHECK(view.quantile(q) == value);
    }
    CHECK(view.count_at_most(0.99) == 0);
    CHECK(view.count_at_most(1) == 1);
    CHECK(view.count_at_most(2.5) == 3);
    CHECK(view.count_at_most(9) == 8);
    CHECK(view.count_at_most(10) == 10);
    CHECK(view.count_at_most(std::numeric_limits<double>::infinity()) == 10);
}

TEST_CASE("an exact view takes weights as they are, a sketch rounds them") {
    const std::vector<double> values{1};
    const std::vector<double> weights{1 / 0.3};
    const auto view = exact_view(values, weights);
    CHECK(view.count() == 1 / 0.3);
    CHECK(view.sum() == 1 / 0.3);
    Distribution distribution;
    view.add_to(distribution);
    CHECK(distribution.count() == weight_on_grid(1 / 0.3));
    CHECK(distribution.mean() == 1);
}

TEST_CASE("nothing at all") {
    const Distribution distribution;
    for (const auto& view :
         {DistributionView(), exact_view({}), DistributionView::sketched(distribution)}) {
        CHECK(view.empty());
        CHECK(view.count() == 0);
        CHECK(view.sum() == 0);
        CHECK(view.minimum() == 0);
        CHECK(view.maximum() == 0);
        CHECK(view.mean() == 0);
        CHECK(view.standard_deviation() == 0);
        for (const double q : {0.0, 0.5, 1.0}) CHECK(view.quantile(q) == 0);
        for (const double bound : {-1.0, 0.0, 1.0}) CHECK(view.count_at_most(bound) == 0);
        Distribution out;
        view.add_to(out);
        CHECK(out.empty());
    }
}

TEST_CASE("a rank that is a whole number is not missed by rounding") {
    // 0.07 * 100 is 7.000000000000001 in doubles, 0.95 * 20 is 19 by luck.
    std::vector<double> values;
    for (std::uint64_t n = 1; n <= 300; ++n) {
        values.push_back(static_cast<double>(n));
        const auto view = exact_view(values);
        Distribution distribution({.schema = 8});
        view.add_to(distribution);
        const auto sketched = DistributionView::sketched(distribution);
        for (std::uint64_t permille = 1; permille <= 1000; ++permille) {
            CAPTURE(n);
            CAPTURE(permille);
            const std::uint64_t whole_rank = (n * permille + 999) / 1000;
            const auto rank = static_cast<double>(whole_rank);
            REQUIRE(view.quantile(share(permille)) == rank);
            REQUIRE(std::abs(sketched.quantile(share(permille)) - rank) <=
                    sketched.relative_error() * rank * (1 + 1e-9));
        }
    }
}

TEST_CASE("exact views agree with the reference at any sample rate") {
    Random random(11);
    for (const auto& source : sources()) {
        for (const auto& sampling : samplings()) {
            for (const std::size_t count : {1U, 2U, 3U, 20U, 32U}) {
                CAPTURE(source.name);
                CAPTURE(sampling.name);
                const ReferenceDistribution reference(draw(source, sampling, count, random));
                std::vector<double> values;
                std::vector<double> weights;
                for (const auto& [value, weight] : reference.sorted()) {
                    values.push_back(value);
                    weights.push_back(weight);
                }
                const auto view = exact_view(values, weights);
                REQUIRE(view.count() == reference.count());
                for (const std::uint64_t permille : permilles()) {
                    CAPTURE(permille);
                    REQUIRE(view.quantile(share(permille)) == reference.quantile(permille));
                }
                for (const double value : values) {
                    REQUIRE(view.count_at_most(value) == reference.count_at_most(value));
                    const double below = std::nextafter(value, -largest);
                    REQUIRE(view.count_at_most(below) == reference.count_at_most(below));
                }
                REQUIRE(std::abs(view.sum() - static_cast<double>(reference.sum())) <=
                        1e-15 * static_cast<double>(reference.sum_of_sizes()) + 32 * smallest);
                REQUIRE(view.mean() >= view.minimum());
                REQUIRE(view.mean() <= view.maximum());
                REQUIRE(std::isfinite(view.standard_deviation()));
            }
        }
    }
}

TEST_CASE("sketches are within their relative error, single and merged") {
    Random random(12);
    for (const auto& source : sources()) {
        for (const auto& sampling : samplings()) {
            CAPTURE(source.name);
            CAPTURE(sampling.name);
            const auto values = draw(source, sampling, 2000, random);
            const ReferenceDistribution reference(values);
            for (int schema = 3; schema <= 8; ++schema) {
                CAPTURE(schema);
                // 160 buckets is what some servers take; most sources need halving then.
                for (const std::size_t buckets_max : {std::size_t{4096}, std::size_t{160}}) {
                    CAPTURE(buckets_max);
                    const HistogramShape shape{.schema = schema, .buckets_max = buckets_max};
                    const Distribution single = distribution_of(values, shape);
                    const Distribution merged = merged_from_parts(values, shape, random);
                    check_against(reference, single);
                    check_against(reference, merged);
                    REQUIRE(content_of(single.histogram()) == content_of(merged.histogram()));
                }
            }
        }
    }
}

TEST_CASE("halving is asked for by some of the sources above, and not by all") {
    Random random(13);
    const HistogramShape shape{.schema = 8, .buckets_max = 160};
    int halved = 0;
    int kept = 0;
    for (const auto& source : sources()) {
        const auto distribution = distribution_of(draw(source, {"1", {1}}, 2000, random), shape);
        ++(distribution.histogram().schema() < 8 ? halved : kept);
    }
    CHECK(halved >= 10);
    CHECK(kept >= 3);
}

TEST_CASE("the spread survives a large mean") {
    const std::pair<double, double> rows[] = {
        {0, 1e-12}, {1e6, 1e-9}, {1e9, 1e-7}, {-1e12, 1e-6}, {1e15, 1e-4}};
    for (const auto& [offset, error] : rows) {
        CAPTURE(offset);
        Distribution single;
        Distribution halves[2];
        for (int i = 0; i < 9000; ++i) {
            const double value = offset + i % 3;
            single.add(value);
            halves[i % 2].add(value);
        }
        halves[0].merge(halves[1]);
        // Of 0 1 2, as often each: the square root of 2/3.
        CHECK(single.standard_deviation() == doctest::Approx(std::sqrt(2.0 / 3)).epsilon(error));
        CHECK(halves[0].standard_deviation() == doctest::Approx(std::sqrt(2.0 / 3)).epsilon(error));
        CHECK(single.mean() == offset + 1);
        CHECK(halves[0].mean() == offset + 1);
    }
}

TEST_CASE("values that are all the same have no spread, and are every quantile") {
    for (const double value : {0.1, -7.3, 1e200, 1e-200, largest, smallest, 0.0}) {
        CAPTURE(value);
        Distribution single;
        for (int i = 0; i < 1000; ++i) single.add(value, 1 / 0.3);
        Distribution merged;
        merged.merge(single);
        merged.merge(single);
        for (const auto* distribution : {&single, &merged}) {
            const auto view = DistributionView::sketched(*distribution);
            CHECK(view.standard_deviation() == 0);
            CHECK(view.mean() == value);
            for (const std::uint64_t permille : permilles())
                CHECK(view.quantile(share(permille)) == value);
        }
    }
}

TEST_CASE("a sum loses nothing to rounding") {
    Distribution tenths;
    for (int i = 0; i < 10; ++i) tenths.add(0.1);
    CHECK(tenths.sum() == 1);

    Distribution small_after_large;
    small_after_large.add(1e16);
    for (int i = 0; i < 1000; ++i) small_after_large.add(1);
    small_after_large.add(-1e16);
    CHECK(small_after_large.sum() == 1000);

    Distribution merged;
    for (int i = 0; i < 10; ++i) merged.merge(tenths);
    CHECK(merged.sum() == 10);

    CompensatedSum doubled;
    for (int i = 0; i < 5; ++i) doubled.add(0.1);
    doubled.merge(doubled);
    CHECK(doubled.value() == 1);
}

TEST_CASE("results are finite at the edges of doubles") {
    const std::vector<double> values{-largest, -largest, -1,      -smallest, 0,
                                     smallest, 1,        largest, largest,   largest};
    Distribution distribution;
    for (const double value : values) distribution.add(value, 2);
    Distribution merged;
    merged.merge(distribution);
    merged.merge(distribution);
    for (const auto& view : {exact_view(values), DistributionView::sketched(distribution),
                             DistributionView::sketched(merged)}) {
        CHECK(std::isfinite(view.sum()));
        CHECK(view.mean() >= -largest);
        CHECK(view.mean() <= largest);
        CHECK(view.standard_deviation() >= 0);
        CHECK(view.standard_deviation() <= largest);
        CHECK(view.minimum() == -largest);
        CHECK(view.maximum() == largest);
        for (const std::uint64_t permille : permilles())
            CHECK(std::isfinite(view.quantile(share(permille))));
        CHECK(view.count_at_most(largest) == view.count());
        CHECK(view.count_at_most(0) == doctest::Approx(view.count() / 2));
    }

    Distribution only_large;
    for (int i = 0; i < 3; ++i) only_large.add(largest, 10);
    CHECK(only_large.sum() == largest);
    for (int i = 0; i < 3; ++i) only_large.add(-largest, 10);
    CHECK(std::isfinite(only_large.sum()));
}

TEST_CASE("counts below a bound") {
    Random random(14);
    const std::vector<HistogramShape> shapes{{.schema = 5}, {.schema = 8, .buckets_max = 160}};
    for (const auto& source : sources()) {
        for (const auto& shape : shapes) {
            CAPTURE(source.name);
            const auto values = draw(source, samplings().back(), 500, random);
            const ReferenceDistribution reference(values);
            const Distribution distribution = distribution_of(values, shape);
            const auto view = DistributionView::sketched(distribution);
            const int schema = distribution.histogram().schema();

            std::vector<double> bounds{0, -0.0, -largest, largest, smallest, -smallest, 1, -1};
            for (const auto& [value, weight] : values) {
                if (value == 0) continue;
                const int index = Histogram::index_of(value, schema);
                const double sign = value < 0 ? -1 : 1;
                const double low = sign * Histogram::upper_bound(index - 1, schema);
                const double high = sign * Histogram::upper_bound(index, schema);
                bounds.insert(bounds.end(),
                              {value, low, high, low / 2 + high / 2, std::nextafter(high, -largest),
                               std::nextafter(high, largest), source.draw(random)});
            }
            std::ranges::sort(bounds);

            double before = 0;
            for (const double bound : bounds) {
                CAPTURE(bound);
                const double estimate = view.count_at_most(bound);
                REQUIRE(estimate >= before);
                before = estimate;
                if (bound < view.minimum()) {
                    REQUIRE(estimate == 0);
                } else if (bound >= view.maximum()) {
                    REQUIRE(estimate == view.count());
                } else if (bound == 0) {
                    REQUIRE(estimate == reference.count_at_most(0));
                } else {
                    // No farther off than the bucket that holds the bound.
                    const int index = Histogram::index_of(bound, schema);
                    const double far = Histogram::upper_bound(index, schema);
                    const double near = Histogram::upper_bound(index - 1, schema);
                    if (bound > 0) {
                        REQUIRE(estimate >= reference.count_at_most(near));
                        REQUIRE(estimate <= reference.count_at_most(far));
                        if (bound == far) REQUIRE(estimate == reference.count_at_most(far));
                    } else {
                        REQUIRE(estimate >= reference.count_below(-far));
                        REQUIRE(estimate <= reference.count_below(-near));
                    }
                }
            }
        }
    }
}

TEST_CASE("inside one bucket a count is interpolated between what is known of it") {
    Distribution distribution({.schema = 0});
    for (int i = 0; i < 100; ++i) distribution.add(5 + 0.02 * (i + 0.5));  // in (4, 8]
    const auto view = DistributionView::sketched(distribution);
    CHECK(view.count_at_most(5) == 0);
    CHECK(view.count_at_most(6) == doctest::Approx(50).epsilon(0.02));
    CHECK(view.count_at_most(6.5) == doctest::Approx(75).epsilon(0.02));
    CHECK(view.count_at_most(7) == 100);
}

TEST_CASE("a view adds itself to a distribution") {
    Random random(15);
    const auto values = draw(sources()[4], samplings().back(), 30, random);
    const ReferenceDistribution reference(values);
    std::vector<double> sorted;
    std::vector<double> weights;
    for (const auto& [value, weight] : reference.sorted()) {
        sorted.push_back(value);
        weights.push_back(weight);
    }
    Distribution total = distribution_of(values, {});
    const Distribution once = total;
    exact_view(sorted, weights).add_to(total);
    DistributionView::sketched(once).add_to(total);
    CHECK(total.count() == 3 * reference.count());
    CHECK(total.sum() == doctest::Approx(3 * static_cast<double>(reference.sum())));
    CHECK(total.standard_deviation() ==
          doctest::Approx(static_cast<double>(reference.standard_deviation())));
    CHECK(DistributionView::sketched(total).quantile(0.5) ==
          DistributionView::sketched(once).quantile(0.5));
}

TEST_CASE("merging with nothing, and with itself") {
    Random random(16);
    const auto values = draw(sources()[7], samplings().back(), 300, random);
    Distribution distribution = distribution_of(values, {});
    distribution.merge(Distribution());
    check_against(ReferenceDistribution(values), distribution);

    Distribution other;
    other.merge(distribution);
    check_against(ReferenceDistribution(values), other);

    std::vector<WeightedValue> twice = values;
    twice.insert(twice.end(), values.begin(), values.end());
    distribution.merge(distribution);
    check_against(ReferenceDistribution(twice), distribution);
}

TEST_CASE("a cleared distribution starts anew, and in the same memory") {
    Random random(17);
    const auto wide = draw(sources()[14], samplings().front(), 300, random);
    const auto usual = draw(sources()[4], samplings().front(), 300, random);
    Distribution distribution = distribution_of(wide, {});
    distribution.clear();
    CHECK(distribution.empty());
    CHECK(DistributionView::sketched(distribution).quantile(0.5) == 0);
    for (const auto& [value, weight] : usual) distribution.add(value, weight);
    check_against(ReferenceDistribution(usual), distribution);

    const auto before = allocations();
    for (int interval = 0; interval < 10; ++interval) {
        distribution.clear();
        for (const auto& [value, weight] : usual) distribution.add(value, weight);
    }
    CHECK(allocations() == before);
    check_against(ReferenceDistribution(usual), distribution);
}
