// The lines that the benchmarks of the hot path feed: made from a described shape, the same at
// every run, with what they add up to.
//
// Used by the benchmarks of the code alone and by load_generator (over a socket), so that all
// speak of the same lines. What is sent is text in memory before any clock runs.
//
//     const Workload load({.series = 10'000, .tags = 3});
//     for (const std::string& datagram : load.datagrams()) …
//     load.totals().counter_sum       // what must come out
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pitot::bench {

// Which series the next line is of.
enum class Draw : std::uint8_t {
    uniform,  // each with the same chance
    zipf,     // the n-th with a chance that falls as 1 / n: a few hot ones, and a long tail
    in_turn,  // one after the other, again and again: each as often as all others
};

// What the lines say.
enum class Types : std::uint8_t {
    mixed,  // of three series one is a timer whose values have decimals, the others count
    counters,
    gauges,
    timers,
};

inline constexpr unsigned tags_max = 10;

struct WorkloadShape {
    std::size_t series = 10'000;
    // Of each line, up to tags_max: "env:prod,region:eu-west-1,host:web-0042" are three, and
    // ten make a line of 185 bytes.
    unsigned tags = 3;
    Draw draw = Draw::uniform;
    // Names of 13 bytes instead of 28.
    bool short_names = false;
    Types types = Types::mixed;
    // A datagram takes as many lines as fit it; 0: one line each.
    std::size_t datagram_bytes = 1432;
    // In all datagrams together, at least.
    std::size_t lines = 100'000;
    std::uint64_t seed = 1;
};

struct WorkloadTotals {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    double counter_sum = 0;  // whole numbers: exact in any order
    std::uint64_t timer_values = 0;
    double timer_sum_hundredths = 0;  // likewise
};

class Workload {
public:
    explicit Workload(const WorkloadShape& shape);

    const std::vector<std::string>& datagrams() const { return datagrams_; }
    const WorkloadTotals& totals() const { return totals_; }
    // "10000 series (counters), 3 tags, uniform, 75 B a line, 19.1 lines a datagram"
    std::string description() const;

private:
    std::size_t draw(double uniform, std::uint64_t random) const;
    std::string line(std::size_t series, std::uint64_t random);

    WorkloadShape shape_;
    std::vector<std::string> datagrams_;
    WorkloadTotals totals_;
};

}  // namespace pitot::bench
