// Runs the hot path over a load a few times, in a function of its own, for callgrind to count
// the instructions of:
//
//     valgrind --tool=callgrind --toggle-collect=pitot_measured
//     build/release/tests/bench/instructions usual avx2
//
// Prints how many lines that were, and the compiler. tests/bench/instruction_gate.py runs it,
// divides, and compares with the figures on record. The number of instructions of a line depends
// on the compiler, the load and the set of vectors, which is therefore named, and not on how busy
// the machine is.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/quick_line.h"
#include "tests/bench/intake_path.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

constexpr int passes = 2;
constexpr std::size_t lines = 20'000;

const std::map<std::string, bench::WorkloadShape>& shapes() {
    static const std::map<std::string, bench::WorkloadShape> all{
        {"usual", {.lines = lines}},
        {"without_tags",
         {.tags = 0, .short_names = true, .types = bench::Types::counters, .lines = lines}},
        {"long", {.tags = bench::tags_max, .lines = lines}},
        {"zipf", {.series = 100'000, .draw = bench::Draw::zipf, .lines = lines}},
        // Each timer has many more values in an interval than are kept as they are.
        {"busy_series", {.series = 100, .lines = lines}},
        {"one_line_a_datagram", {.datagram_bytes = 0, .lines = lines}},
    };
    return all;
}

std::optional<protocol::VectorSet> vector_set(std::string_view name) {
    for (const protocol::VectorSet set : protocol::available_vector_sets()) {
        if (to_string(set) == name) return set;
    }
    return std::nullopt;
}

int usage() {
    std::fputs("instructions: two arguments, the name of a load:", stderr);
    for (const auto& [name, unused] : shapes()) std::fprintf(stderr, " %s", name.c_str());
    std::fputs("; and a set of vectors that this processor has:", stderr);
    for (const protocol::VectorSet set : protocol::available_vector_sets()) {
        std::fprintf(stderr, " %s", std::string(to_string(set)).c_str());
    }
    std::fputs("\n", stderr);
    return 64;
}

}  // namespace

// A name that callgrind finds.
extern "C" [[gnu::noinline]] void pitot_measured(bench::IntakePath& path,
                                                 const bench::Workload& load) {
    path.take(load);
}

int main(int argc, char** argv) {
    if (argc != 3) return usage();
    const auto shape = shapes().find(argv[1]);
    const std::optional<protocol::VectorSet> set = vector_set(argv[2]);
    if (shape == shapes().end() || !set) return usage();
    const bench::Workload load(shape->second);
    bench::IntakePath path(1, protocol::QuickReader(*set));
    path.take(load);
    if (!bench::is_right(path.flush(), load.totals())) return 1;
    for (int pass = 0; pass < passes; ++pass) {
        pitot_measured(path, load);
        if (!bench::is_right(path.flush(), load.totals())) return 1;
    }
    std::printf("%llu\n%s\n", static_cast<unsigned long long>(load.totals().lines * passes),
                __VERSION__);
    return 0;
}
