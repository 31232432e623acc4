// What the sketches cost: adding, merging, asking, clearing.
//
// Every benchmark first checks that its answer is right, and fails if it is not: a fast
// wrong answer is no result. What is left out: the series table around the sketches, and
// cold caches (one sketch stays in the first cache level; an agent has thousands).
//
//   cmake --preset release && cmake --build --preset release --target sketch_bench
//   build/release/tests/bench/sketch_bench
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "protocol/distribution.h"
#include "protocol/histogram.h"
#include "protocol/unique_count.h"

using pitot::protocol::Distribution;
using pitot::protocol::DistributionView;
using pitot::protocol::Histogram;
using pitot::protocol::UniqueCount;

namespace {

constexpr std::size_t value_count = 1 << 12;  // 32 KiB, a power of two: cheap to go round

// Times of a service in milliseconds: lognormal, sigma 1.
const std::vector<double>& times_ms() {
    static const std::vector<double> all = [] {
        std::mt19937_64 random(1);
        std::lognormal_distribution<double> draw(3, 1);
        std::vector<double> values(value_count);
        for (double& value : values) value = draw(random);
        return values;
    }();
    return all;
}

Distribution distribution_of(const std::vector<double>& values, int schema) {
    Distribution distribution({.schema = schema});
    for (const double value : values) distribution.add(value);
    return distribution;
}

double buckets_total(const Histogram& histogram) {
    double total = histogram.zero_count();
    for (const double count : histogram.positive().counts) total += count;
    for (const double count : histogram.negative().counts) total += count;
    return total;
}

// Of lognormal values the median is known: e^3.
bool median_is_right(const Distribution& distribution) {
    const double median = DistributionView::sketched(distribution).quantile(0.5);
    return std::abs(median / std::exp(3.0) - 1) < 0.1;
}

void histogram_add(benchmark::State& state) {
    Histogram histogram({.schema = static_cast<int>(state.range(0))});
    for (const double value : times_ms()) histogram.add(value);
    if (buckets_total(histogram) != static_cast<double>(value_count))
        return state.SkipWithError("counts are missing");

    const std::vector<double>& values = times_ms();
    std::size_t next = 0;
    while (state.KeepRunning()) histogram.add(values[next++ % value_count]);
    state.counters["buckets"] = static_cast<double>(histogram.positive().counts.size());
}

void distribution_add(benchmark::State& state) {
    Distribution distribution = distribution_of(times_ms(), static_cast<int>(state.range(0)));
    if (!median_is_right(distribution)) return state.SkipWithError("the median is wrong");

    const std::vector<double>& values = times_ms();
    std::size_t next = 0;
    while (state.KeepRunning()) distribution.add(values[next++ % value_count], 10);
}

// An interval of a busy timer: filled after clear(), then merged into another.
void distribution_interval(benchmark::State& state) {
    Distribution page;
    Distribution total = distribution_of(times_ms(), 5);
    if (!median_is_right(total)) return state.SkipWithError("the median is wrong");

    while (state.KeepRunning()) {
        page.clear();
        for (std::size_t i = 0; i < 1000; ++i) page.add(times_ms()[i]);
        total.merge(page);
    }
    state.SetItemsProcessed(state.iterations() * 1000);
}

void distribution_merge(benchmark::State& state) {
    const Distribution part = distribution_of(times_ms(), 5);
    Distribution total = part;
    total.merge(part);
    if (!median_is_right(total) || total.count() != 2 * part.count())
        return state.SkipWithError("the merged median or count is wrong");

    while (state.KeepRunning()) {
        total.merge(part);
        benchmark::DoNotOptimize(total);
    }
    state.counters["buckets"] = static_cast<double>(part.histogram().positive().counts.size());
}

void distribution_quantile(benchmark::State& state) {
    const Distribution distribution = distribution_of(times_ms(), 5);
    if (!median_is_right(distribution)) return state.SkipWithError("the median is wrong");

    const auto view = DistributionView::sketched(distribution);
    while (state.KeepRunning()) benchmark::DoNotOptimize(view.quantile(0.95));
}

std::vector<std::uint64_t> random_hashes(std::size_t count) {
    std::mt19937_64 random(2);
    std::vector<std::uint64_t> hashes(count);
    for (std::uint64_t& hash : hashes) hash = random();
    return hashes;
}

void unique_count_add(benchmark::State& state) {
    const auto hashes = random_hashes(static_cast<std::size_t>(state.range(0)));
    UniqueCount count;
    for (const std::uint64_t hash : hashes) count.add(hash);
    const auto exact = static_cast<double>(hashes.size());
    if (std::abs(count.estimate() / exact - 1) > 0.04)
        return state.SkipWithError("the estimate is wrong");

    std::size_t next = 0;
    while (state.KeepRunning()) {
        count.add(hashes[next]);
        if (++next == hashes.size()) next = 0;
    }
}

void unique_count_estimate(benchmark::State& state) {
    UniqueCount count;
    for (const std::uint64_t hash : random_hashes(100'000)) count.add(hash);
    if (std::abs(count.estimate() / 100'000 - 1) > 0.04)
        return state.SkipWithError("the estimate is wrong");

    while (state.KeepRunning()) benchmark::DoNotOptimize(count.estimate());
}

BENCHMARK(histogram_add)->Arg(0)->Arg(5)->Arg(8);
BENCHMARK(distribution_add)->Arg(5);
BENCHMARK(distribution_interval);
BENCHMARK(distribution_merge);
BENCHMARK(distribution_quantile);
BENCHMARK(unique_count_add)->Arg(8)->Arg(200)->Arg(50'000);
BENCHMARK(unique_count_estimate);

}  // namespace

BENCHMARK_MAIN();
