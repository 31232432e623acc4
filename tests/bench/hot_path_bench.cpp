// What a line costs between the receive buffer and the sum it becomes part of: parsing,
// look-up, aggregation.
//
// The path is LineIntake::take(), which is what a shard calls for each datagram; sockets,
// system calls and the flush are left out. Every run first checks what comes out of the merge
// against what the lines add up to, and ends with an error if a digit differs.
//
//   cmake --preset release && cmake --build --preset release --target hot_path_bench
//   build/release/tests/bench/hot_path_bench
//
// `ns/line` is processor time; caches hold what the size of the load lets them, since the
// datagrams are read in order from one block of memory. The number of instructions does not
// depend on the machine's mood: tests/bench/instructions counts them.
#include <benchmark/benchmark.h>

#include "tests/bench/intake_path.h"
#include "tests/bench/scale.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

void take_lines(benchmark::State& state, const bench::WorkloadShape& shape) {
    const bench::Workload load(shape);
    bench::IntakePath path;
    path.take(load);
    if (!bench::is_right(path.flush(), load.totals())) {
        state.SkipWithError("the sums are wrong");
        return;
    }
    for (auto _ : state) {
        path.take(load);
        state.PauseTiming();
        benchmark::DoNotOptimize(path.flush());
        state.ResumeTiming();
    }
    const auto lines = static_cast<double>(load.totals().lines);
    state.counters["ns/line"] = benchmark::Counter(
        lines * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.SetLabel(load.description());
}

}  // namespace

BENCHMARK_CAPTURE(take_lines, few_hot_series, bench::WorkloadShape{.series = 1'000})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, usual, bench::WorkloadShape{})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, without_tags,
                  bench::WorkloadShape{
                      .tags = 0, .short_names = true, .types = bench::Types::counters})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, one_line_a_datagram, bench::WorkloadShape{.datagram_bytes = 0})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, zipf_100k,
                  bench::WorkloadShape{.series = bench::scaled(100'000), .draw = bench::Draw::zipf})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, random_100k,
                  bench::WorkloadShape{.series = bench::scaled(100'000),
                                       .lines = bench::scaled(400'000)})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(take_lines, random_1M,
                  bench::WorkloadShape{.series = bench::scaled(1'000'000),
                                       .lines = bench::scaled(3'000'000)})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

BENCHMARK_MAIN();
