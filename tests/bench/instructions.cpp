// Runs the hot path over a load a few times, in a function of its own, for callgrind to count
// the instructions of:
//
//     valgrind --tool=callgrind --toggle-collect=pitot_measured
//     build/release/tests/bench/instructions usual
//
// Prints how many lines that were. tests/bench/instruction_gate.py runs it, divides, and
// compares with the figures on record. The number of instructions of a line depends on the
// compiler and on the load, and not on how busy the machine is.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/bench/intake_path.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

constexpr int passes = 3;

const std::map<std::string, bench::WorkloadShape>& shapes() {
    static const std::map<std::string, bench::WorkloadShape> all{
        {"usual", {.lines = 50'000}},
        {"without_tags", {.tags = 0, .short_names = true, .timers = false, .lines = 50'000}},
        {"one_line_a_datagram", {.datagram_bytes = 0, .lines = 50'000}},
    };
    return all;
}

}  // namespace

// A name that callgrind finds.
extern "C" [[gnu::noinline]] void pitot_measured(bench::IntakePath& path,
                                                 const bench::Workload& load) {
    path.take(load);
}

int main(int argc, char** argv) {
    const auto shape = argc == 2 ? shapes().find(argv[1]) : shapes().end();
    if (shape == shapes().end()) {
        std::fputs("instructions: one argument, the name of a load:", stderr);
        for (const auto& [name, unused] : shapes()) std::fprintf(stderr, " %s", name.c_str());
        std::fputs("\n", stderr);
        return 64;
    }
    const bench::Workload load(shape->second);
    bench::IntakePath path;
    path.take(load);
    if (!bench::is_right(path.flush(), load.totals())) return 1;
    for (int pass = 0; pass < passes; ++pass) {
        pitot_measured(path, load);
        if (!bench::is_right(path.flush(), load.totals())) return 1;
    }
    std::printf("%llu\n", static_cast<unsigned long long>(load.totals().lines * passes));
    return 0;
}
