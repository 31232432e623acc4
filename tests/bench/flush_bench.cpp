// What the flush costs before any sink: turning the shards' pages, which the intake waits for, and
// merging them, which it does not.
//
//     turn     the exchange of the two pages of one shard, with so many series that all had news
//     merge    one interval of one or two shards that saw the same series: read, added up, emptied
//
// Every run first checks that what the merge says is what the lines add up to. Left out: asking
// the shards over their event loops and the encoding for sinks (sinks_bench has that).
//
//   cmake --preset release && cmake --build --preset release --target flush_bench
//   build/release/tests/bench/flush_bench
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>

#include "tests/bench/intake_path.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

// Every series has `lines_each` lines in each interval.
bench::Workload load_of(std::size_t series, bench::Types types, std::size_t lines_each) {
    return bench::Workload({.series = series,
                            .tags = 0,
                            .draw = bench::Draw::in_turn,
                            .short_names = true,
                            .types = types,
                            .lines = series * lines_each});
}

void turn(benchmark::State& state) {
    const bench::Workload load =
        load_of(static_cast<std::size_t>(state.range(0)), bench::Types::counters, 1);
    bench::IntakePath path;
    path.take(load);
    if (!bench::is_right(path.flush(), load.totals())) {
        return state.SkipWithError("the sums are wrong");
    }
    for (auto _ : state) {
        path.take(load);
        const auto started = std::chrono::steady_clock::now();
        path.turn();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
        state.SetIterationTime(took.count());
        benchmark::DoNotOptimize(path.merge());
        path.finish();
    }
}

void merge(benchmark::State& state, bench::Types types, std::size_t lines_each) {
    const auto series = static_cast<std::size_t>(state.range(0));
    const auto shards = static_cast<unsigned>(state.range(1));
    const bench::Workload load = load_of(series, types, lines_each);
    bench::IntakePath path(shards);
    path.take(load);
    if (!bench::is_right(path.flush(), load.totals(), shards)) {
        return state.SkipWithError("the sums are wrong");
    }
    for (auto _ : state) {
        state.PauseTiming();
        path.take(load);
        path.turn();
        state.ResumeTiming();
        benchmark::DoNotOptimize(path.merge());
        path.finish();
    }
    state.counters["ns/series"] = benchmark::Counter(
        static_cast<double>(series) * 1e-9,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"series", "shards"})->Unit(benchmark::kMillisecond);
    for (const int series : {1'000, 10'000, 100'000}) {
        benchmark->Args({series, 1})->Args({series, 2});
    }
}

}  // namespace

// What is timed is far shorter than what leads to it.
BENCHMARK(turn)
    ->ArgName("series")
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(merge, counters, bench::Types::counters, 1)->Apply(sizes);
BENCHMARK_CAPTURE(merge, gauges, bench::Types::gauges, 1)->Apply(sizes);
BENCHMARK_CAPTURE(merge, timers_of_5_values, bench::Types::timers, 5)->Apply(sizes);
BENCHMARK_CAPTURE(merge, counters_1M, bench::Types::counters, 1)
    ->ArgNames({"series", "shards"})
    ->Args({1'000'000, 2})
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
