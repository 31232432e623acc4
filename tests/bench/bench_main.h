// The end of main() in benchmarks whose cases are made by loops: those that the library's own
// main() cannot know.
#pragma once

#include <benchmark/benchmark.h>

namespace pitot::bench {

// Runs what is registered, as the arguments say; the exit code of the program.
inline int run_registered(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

}  // namespace pitot::bench
