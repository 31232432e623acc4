// Covers protocol/histogram.h: the bounds of buckets and the index of a value at every
// schema, growth at both ends, halving, merging in any order, weights, and clear().
#include "protocol/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/allocation_counter.h"
#include "tests/support/reference_histogram.h"

using pitot::protocol::buckets_max_min;
using pitot::protocol::Histogram;
using pitot::protocol::HistogramShape;
using pitot::protocol::schema_max;
using pitot::protocol::schema_min;
using pitot::protocol::weight_on_grid;
using pitot::tests::allocations;
using pitot::tests::content_of;
using pitot::tests::HistogramContent;
using pitot::tests::reference_histogram;
using pitot::tests::WeightedValue;

namespace {

constexpr double smallest = std::numeric_limits<double>::denorm_min();
constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest_normal = std::numeric_limits<double>::min();

double just_above(double value) {
    return std::nextafter(value, std::numeric_limits<double>::infinity());
}

// Every finite positive double is as likely as any other: exponents of all sizes.
double random_double(std::mt19937_64& random) {
    for (;;) {
        const auto value = std::bit_cast<double>(random() >> 1);
        if (std::isfinite(value) && value > 0) return value;
    }
}

const HistogramContent nothing_at_schema_5{
    .schema = 5, .zero_count = 0, .positive = {}, .negative = {}};

double total(const Histogram& histogram) {
    double sum = histogram.zero_count();
    for (const double count : histogram.positive().counts) sum += count;
    for (const double count : histogram.negative().counts) sum += count;
    return sum;
}

// Magnitudes of 10^-contrast … 10^contrast, both signs and zeros, sampled at many rates.
std::vector<WeightedValue> random_values(std::mt19937_64& random, std::size_t count,
                                         double contrast) {
    constexpr double rates[] = {1, 1, 1, 0.5, 0.1, 0.3, 2.0 / 3};
    std::uniform_real_distribution<double> exponent(-contrast, contrast);
    std::vector<WeightedValue> values(count);
    for (auto& [value, weight] : values) {
        const auto kind = random() % 8;
        value = kind == 0 ? 0 : std::pow(10, exponent(random)) * (kind == 1 ? -1 : 1);
        weight = 1 / rates[random() % std::size(rates)];
    }
    return values;
}

Histogram histogram_of(const std::vector<WeightedValue>& values, HistogramShape shape) {
    Histogram histogram(shape);
    for (const auto& [value, weight] : values) histogram.add(value, weight);
    return histogram;
}

}  // namespace

TEST_CASE("the bounds of one octave are 2^(k/256), rounded down") {
    const long double tolerance = 4 * std::numeric_limits<long double>::epsilon();
    for (int k = 0; k < 256; ++k) {
        CAPTURE(k);
        const double bound = Histogram::upper_bound(k, 8);
        const long double exact = std::exp2(static_cast<long double>(k) / 256);
        CHECK(static_cast<long double>(bound) <= exact + tolerance);
        CHECK(static_cast<long double>(just_above(bound)) >= exact - tolerance);
    }
}

TEST_CASE("a bound doubles from octave to octave, and coarser bounds are among the finer") {
    for (int schema = schema_min; schema <= schema_max; ++schema) {
        CAPTURE(schema);
        // From a bound that all schemas have, to the last that is not beyond doubles.
        for (int finest = -1008 * 256; finest < 1024 * 256; finest += 1 << (8 - schema)) {
            const int index = finest >> (8 - schema);
            const double bound = Histogram::upper_bound(index, schema);
            REQUIRE(bound == std::ldexp(Histogram::upper_bound(finest & 255, 8), finest >> 8));
        }
    }
}

TEST_CASE("known values fall into known buckets") {
    struct Row {
        double value;
        int schema;
        int index;
    };
    // Schema 3 is the worked example of Prometheus' documentation of native histograms:
    // 0 (0.917, 1], 1 (1, 1.0905], 5 (1.414, 1.542].
    const Row rows[] = {
        {1, 3, 0},
        {0.92, 3, 0},
        {1.05, 3, 1},
        {1.5, 3, 5},
        {1.4, 3, 4},
        {1.43, 3, 5},
        {1, 0, 0},
        {1.5, 0, 1},
        {2, 0, 1},
        {2.5, 0, 2},
        {0.5, 0, -1},
        {0.6, 0, 0},
        {4, -1, 1},
        {4.1, -1, 2},
        {1, -1, 0},
        {0.25, -1, -1},
        {0.2, -1, -1},
        {0.0625, -1, -2},
        {65536, -4, 1},
        {65537, -4, 2},
        {1, -4, 0},
        {1.1, -4, 1},
        {-1.5, 3, 5},
        {smallest, 0, -1074},
        {2 * smallest, 0, -1073},
        {3 * smallest, 0, -1072},
        {3 * smallest, 1, -2144},
        {smallest, -4, -67},
        {largest, -4, 64},
        {largest, 0, 1024},
        {largest, 8, 1024 * 256},
        {smallest, 8, -1074 * 256},
        {smallest_normal, 5, -1022 * 32},
    };
    for (const auto& [value, schema, index] : rows) {
        CAPTURE(value);
        CAPTURE(schema);
        CHECK(Histogram::index_of(value, schema) == index);
    }
}

TEST_CASE("powers of two are the last value of their bucket, at every schema") {
    for (int schema = schema_min; schema <= schema_max; ++schema) {
        for (int exponent = -1074; exponent <= 1023; ++exponent) {
            CAPTURE(schema);
            CAPTURE(exponent);
            const double power = std::ldexp(1.0, exponent);
            const double steps = std::exp2(schema);
            const int index = static_cast<int>(std::ceil(exponent * steps));
            REQUIRE(Histogram::index_of(power, schema) == index);
            // The next double, which for subnormals is not near, lies in a later bucket.
            if (schema >= 0 && exponent >= -1022)
                REQUIRE(Histogram::index_of(just_above(power), schema) == index + 1);
        }
    }
}

TEST_CASE("every normal bound belongs to its bucket, and the next double to the next one") {
    for (int schema = schema_min; schema <= schema_max; ++schema) {
        const int first = Histogram::index_of(smallest_normal, schema);
        const int last = Histogram::index_of(largest, schema);
        for (int index = first + 1; index < last; ++index) {
            const double bound = Histogram::upper_bound(index, schema);
            REQUIRE(Histogram::index_of(bound, schema) == index);
            REQUIRE(Histogram::index_of(just_above(bound), schema) == index + 1);
        }
        CHECK(Histogram::upper_bound(last, schema) == largest);
    }
}

TEST_CASE("any double lies between its bucket's bounds, and near its representative") {
    std::mt19937_64 random(1);
    std::vector<double> values{smallest,
                               2 * smallest,
                               3 * smallest,
                               5 * smallest,
                               largest,
                               smallest_normal,
                               std::nextafter(smallest_normal, 0.0)};
    for (int i = 0; i < 20'000; ++i) values.push_back(random_double(random));
    for (int i = 0; i < 2'000; ++i)  // subnormals
        values.push_back(std::bit_cast<double>(random() >> (13 + random() % 51) | 1));

    for (int schema = schema_min; schema <= schema_max; ++schema) {
        const double error = Histogram({.schema = schema}).relative_error();
        for (const double value : values) {
            CAPTURE(schema);
            CAPTURE(value);
            const int index = Histogram::index_of(value, schema);
            REQUIRE(Histogram::index_of(-value, schema) == index);
            REQUIRE(value <= Histogram::upper_bound(index, schema));
            REQUIRE(value > Histogram::upper_bound(index - 1, schema));
            const double representative = Histogram::representative(index, schema);
            REQUIRE(std::abs(representative - value) <= error * value * (1 + 1e-9) + smallest);
            if (schema > schema_min)
                REQUIRE(Histogram::index_of(value, schema - 1) == ((index + 1) >> 1));
        }
    }
}

TEST_CASE("relative errors are those of the format") {
    const std::pair<int, double> rows[] = {{-4, 0.99997}, {0, 1.0 / 3}, {3, 0.04331},
                                           {4, 0.02166},  {5, 0.01083}, {6, 0.005415},
                                           {7, 0.002708}, {8, 0.001354}};
    for (const auto& [schema, error] : rows) {
        CAPTURE(schema);
        CHECK(Histogram({.schema = schema}).relative_error() ==
              doctest::Approx(error).epsilon(0.0002));
    }
}

TEST_CASE("counts, zeros and signs") {
    Histogram histogram({.schema = 3});
    for (const double value : {0.0, -0.0, 1.0, 1.0, 1.05, 1.5, -1.5, -4.0}) histogram.add(value);
    CHECK(content_of(histogram) == HistogramContent{.schema = 3,
                                                    .zero_count = 2,
                                                    .positive = {{0, 2}, {1, 1}, {5, 1}},
                                                    .negative = {{5, 1}, {16, 1}}});
    CHECK(histogram.positive().first_index == 0);
    CHECK(histogram.positive().counts.size() == 6);
}

TEST_CASE("an empty histogram has neither sides nor zeros") {
    const Histogram histogram;
    CHECK(content_of(histogram) == nothing_at_schema_5);
    CHECK(histogram.positive().counts.empty());
    CHECK(histogram.negative().counts.empty());
}

TEST_CASE("weights are rounded to 2^-28, and never to nothing") {
    const std::pair<double, double> rows[] = {
        {1, 1},
        {1.5, 1.5},
        {10, 10},
        {0x1p-28, 0x1p-28},
        {0x1p-29, 0x1p-28},
        {1e-300, 0x1p-28},
        {1 + 0x1p-28, 1 + 0x1p-28},
        {1 + 0x1p-30, 1},
        {1 / 0.3, std::nearbyint(0x1p28 / 0.3) * 0x1p-28},
        {0x1p24 + 0x1p-28, 0x1p24 + 0x1p-28},
        {1e6 / 3, std::nearbyint(0x1p28 * (1e6 / 3)) * 0x1p-28},
        {1e300, 1e300},
    };
    for (const auto& [weight, counted] : rows) {
        CAPTURE(weight);
        CHECK(weight_on_grid(weight) == counted);
    }

    Histogram histogram;
    for (int i = 0; i < 3'000'000; ++i) histogram.add(7, 1 / 0.3);
    CHECK(total(histogram) == 3e6 * weight_on_grid(1 / 0.3));
}

TEST_CASE("sides grow at both ends, whatever comes first") {
    std::vector<WeightedValue> ascending;
    for (int i = -500; i < 500; ++i) ascending.push_back({Histogram::upper_bound(i, 5), 1});
    std::vector<WeightedValue> descending(ascending.rbegin(), ascending.rend());
    std::vector<WeightedValue> inside_out;
    for (std::size_t i = 0; i < 500; ++i) {
        inside_out.push_back(ascending[500 + i]);
        inside_out.push_back(ascending[499 - i]);
    }
    std::vector<WeightedValue> outside_in(inside_out.rbegin(), inside_out.rend());

    const HistogramContent expected = reference_histogram(ascending, {.buckets_max = 1000});
    REQUIRE(expected.schema == 5);
    for (const auto& values : {ascending, descending, inside_out, outside_in})
        CHECK(content_of(histogram_of(values, {.buckets_max = 1000})) == expected);
    // One bucket less, and all neighbours have to share.
    for (const auto& values : {ascending, descending, inside_out, outside_in}) {
        CHECK(content_of(histogram_of(values, {.buckets_max = 999})) ==
              reference_histogram(ascending, {.schema = 4}));
    }
}

TEST_CASE("the least buckets_max holds all doubles at once") {
    std::mt19937_64 random(2);
    for (int schema = schema_min; schema <= schema_max; ++schema) {
        Histogram histogram({.schema = schema, .buckets_max = buckets_max_min});
        for (const double value : {1.0, smallest, largest, -largest, -smallest, 0.0})
            histogram.add(value);
        for (int i = 0; i < 1000; ++i) histogram.add(random_double(random));
        CHECK(histogram.schema() == schema_min);
        CHECK(histogram.positive().counts.size() == buckets_max_min);
        CHECK(histogram.negative().counts.size() == buckets_max_min);
        CHECK(total(histogram) == 1006);
    }
}

TEST_CASE("halving gives what the coarser schema would have counted") {
    std::mt19937_64 random(3);
    for (const double contrast : {0.5, 2.0, 10.0, 50.0, 300.0}) {
        for (const std::size_t buckets_max :
             {buckets_max_min, std::size_t{160}, std::size_t{1024}}) {
            for (int schema = schema_min; schema <= schema_max; ++schema) {
                CAPTURE(contrast);
                CAPTURE(buckets_max);
                CAPTURE(schema);
                const HistogramShape shape{.schema = schema, .buckets_max = buckets_max};
                const auto values = random_values(random, 400, contrast);
                const Histogram histogram = histogram_of(values, shape);
                const HistogramContent expected = reference_histogram(values, shape);
                REQUIRE(content_of(histogram) == expected);
                const HistogramShape coarse{.schema = expected.schema, .buckets_max = buckets_max};
                REQUIRE(content_of(histogram_of(values, coarse)) == expected);
            }
        }
    }
}

TEST_CASE("merging is exact, associative and commutative, whatever the shapes") {
    std::mt19937_64 random(4);
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        // Parts stand for shards and intervals; a shape may be changed between two.
        const double contrast = std::vector{0.3, 1.0, 3.0, 10.0, 100.0, 300.0}[random() % 6];
        const bool shapes_differ = random() % 2 == 0;
        HistogramShape coarsest{.schema = schema_max, .buckets_max = 4096};
        HistogramShape shape;
        std::vector<WeightedValue> all;
        std::vector<Histogram> parts;
        const std::size_t part_count = 1 + random() % 8;
        for (std::size_t part = 0; part < part_count; ++part) {
            if (part == 0 || shapes_differ) {
                shape = {.schema = schema_min + static_cast<int>(random() % 13),
                         .buckets_max = buckets_max_min + random() % 1000};
            }
            coarsest.schema = std::min(coarsest.schema, shape.schema);
            coarsest.buckets_max = std::min(coarsest.buckets_max, shape.buckets_max);
            const auto values = random_values(random, random() % 60, contrast);
            all.insert(all.end(), values.begin(), values.end());
            parts.push_back(histogram_of(values, shape));
        }
        const HistogramContent expected = reference_histogram(all, coarsest);

        for (int order = 0; order < 4; ++order) {
            // Merge any two until one is left: any tree, any order.
            std::vector<Histogram> left = parts;
            while (left.size() > 1) {
                std::shuffle(left.begin(), left.end(), random);
                left[left.size() - 2].merge(left.back());
                left.pop_back();
            }
            REQUIRE(content_of(left.front()) == expected);
        }
    }
}

TEST_CASE("merging with nothing changes nothing, merging with itself doubles") {
    std::mt19937_64 random(5);
    const auto values = random_values(random, 200, 20);
    Histogram histogram = histogram_of(values, {});
    const HistogramContent expected = content_of(histogram);
    histogram.merge(Histogram());
    CHECK(content_of(histogram) == expected);

    Histogram empty;
    empty.merge(histogram);
    CHECK(content_of(empty) == expected);

    std::vector<WeightedValue> twice = values;
    twice.insert(twice.end(), values.begin(), values.end());
    histogram.merge(histogram);
    CHECK(content_of(histogram) == reference_histogram(twice, {}));
}

TEST_CASE("clear() forgets the counts and the halving") {
    Histogram histogram;
    for (const double value : {smallest, largest, -smallest, -largest, 0.0}) histogram.add(value);
    REQUIRE(histogram.schema() < 0);
    histogram.clear();
    CHECK(content_of(histogram) == nothing_at_schema_5);
    histogram.add(1.5, 2);
    CHECK(content_of(histogram) ==
          HistogramContent{.schema = 5, .zero_count = 0, .positive = {{19, 2}}, .negative = {}});

    histogram.merge(Histogram({.schema = 2, .buckets_max = buckets_max_min}));
    CHECK(histogram.schema() == 2);
    histogram.clear();
    for (int i = 0; i < 1024; ++i) histogram.add(Histogram::upper_bound(i, 5));
    CHECK(histogram.schema() == 5);
}

TEST_CASE("an interval like the last one allocates nothing") {
    std::mt19937_64 random(6);
    for (const double contrast : {2.0, 100.0}) {
        auto values = random_values(random, 500, contrast);
        Histogram histogram = histogram_of(values, {});
        Histogram merged;
        merged.merge(histogram);
        const HistogramContent expected = content_of(histogram);
        const auto before = allocations();
        for (int interval = 0; interval < 20; ++interval) {
            std::shuffle(values.begin(), values.end(), random);
            histogram.clear();
            for (const auto& [value, weight] : values) histogram.add(value, weight);
            merged.clear();
            merged.merge(histogram);
        }
        CHECK(allocations() == before);
        CHECK(content_of(histogram) == expected);
        CHECK(content_of(merged) == expected);
    }
}
