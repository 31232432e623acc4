// What it costs to find and read a line: quickly, by each set of vectors; and by the grammar,
// which is the reference and takes what is not usual.
//
// Every run first compares the readings of all its lines with each other, by the rules that the
// fuzzer holds them to (tests/support/quick_reading.h), and fails if one differs. Left out: the
// look-up of the series (series_table_bench) and what is done with the value (hot_path_bench).
//
//   cmake --preset release && cmake --build --preset release --target parse_bench
//   build/release/tests/bench/parse_bench
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "protocol/framing.h"
#include "protocol/parser.h"
#include "protocol/quick_line.h"
#include "tests/bench/bench_main.h"
#include "tests/bench/workload.h"
#include "tests/support/quick_reading.h"

using namespace pitot;

namespace {

constexpr protocol::Reading reading{};

struct Shape {
    const char* name;
    bench::WorkloadShape load;
};

constexpr std::array<Shape, 4> shapes{{
    {"usual", {.lines = 20'000}},
    {"short_without_tags",
     {.tags = 0, .short_names = true, .types = bench::Types::counters, .lines = 20'000}},
    {"long", {.tags = bench::tags_max, .lines = 20'000}},
    {"one_line_a_datagram", {.datagram_bytes = 0, .lines = 20'000}},
}};

// Says what differs; "" when all readings agree.
std::string difference_in(const bench::Workload& load) {
    for (const std::string& datagram : load.datagrams()) {
        if (std::string broken = tests::broken_quick_reading(datagram); !broken.empty()) {
            return broken;
        }
    }
    return "";
}

template <typename ReadDatagram>
void run(benchmark::State& state, const bench::Workload& load, ReadDatagram read) {
    if (const std::string difference = difference_in(load); !difference.empty()) {
        state.SkipWithError(difference.c_str());
        return;
    }
    for (auto _ : state) {
        for (const std::string& datagram : load.datagrams()) read(datagram);
    }
    state.counters["ns/line"] = benchmark::Counter(
        static_cast<double>(load.totals().lines) * 1e-9,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.SetLabel(load.description());
}

// As the shard does it: up to 32 lines at a time.
void read_quickly(benchmark::State& state, const Shape& shape, protocol::VectorSet set) {
    const protocol::QuickReader reader(set);
    const bench::Workload load(shape.load);
    std::array<protocol::QuickLine, 32> lines;
    std::size_t unusual = 0;
    run(state, load, [&](std::string_view datagram) {
        while (!datagram.empty()) {
            const std::size_t count = reader.read(datagram, reading, lines);
            for (std::size_t i = 0; i < count; ++i) unusual += lines[i].is_usual ? 0U : 1U;
            benchmark::DoNotOptimize(lines);
        }
    });
    if (unusual != 0) state.SkipWithError("not all lines are usual ones");
}

void split_and_parse(benchmark::State& state, const Shape& shape) {
    protocol::Parser parser(reading);
    run(state, bench::Workload(shape.load), [&](std::string_view datagram) {
        protocol::LineSplitter lines(datagram);
        for (std::string_view line; lines.next(line);) {
            protocol::MetricLine metric;
            benchmark::DoNotOptimize(parser.parse_metric(line, metric));
            benchmark::DoNotOptimize(metric);
        }
    });
}

void register_all() {
    for (const Shape& shape : shapes) {
        for (const protocol::VectorSet set : protocol::available_vector_sets()) {
            const std::string name =
                "read_quickly/" + std::string(to_string(set)) + "/" + shape.name;
            benchmark::RegisterBenchmark(name.c_str(), read_quickly, shape, set)
                ->Unit(benchmark::kMicrosecond);
        }
        benchmark::RegisterBenchmark((std::string("split_and_parse/") + shape.name).c_str(),
                                     split_and_parse, shape)
            ->Unit(benchmark::kMicrosecond);
    }
}

}  // namespace

int main(int argc, char** argv) {
    register_all();
    return pitot::bench::run_registered(argc, argv);
}
