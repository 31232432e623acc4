// What a flush costs the Prometheus sinks: series as text (`encode`, the Pushgateway's), or as
// the records that a page keeps (`page`), by kind, in the steady state; and what a scrape costs
// that makes a text of the records (`scrape`).
//
// Every benchmark first checks its page with the strict reader and counts its lines: a fast
// wrong page is no result. "ns" is per series and flush, the budget is 400. What is left out:
// births (a series is encoded once), the merge, and sending.
//
//   cmake --preset release && cmake --build --preset release --target exposition_bench
//   build/release/tests/bench/exposition_bench --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/prometheus/exposition.h"
#include "tests/bench/scale.h"
#include "tests/support/sink_snapshot.h"
#include "tests/support/strict_exposition.h"

using namespace pitot;
using namespace pitot::sinks;
using pitot::protocol::Kind;
using tests::SnapshotMaker;
using tests::StrictExposition;

namespace {

constexpr std::size_t names = 100;  // of metrics; the series are spread over them

// Worked out by the flush, once for all sinks.
const std::vector<double> ranks{0.5, 0.9, 0.95, 0.99};

enum class What : std::uint8_t {
    counters,      // whole totals
    gauges,        // two decimals
    sets,          //
    timers,        // five values in whole milliseconds, four quantiles
    long_timers,   // five values with 17 digits: the numbers cost what numbers can
    idle_timers,   // no news
    sketches,      // 200 values, in a sketch
    histograms,    // likewise, eleven buckets by rule
    short_family,  // counters, each with a name of its own and no tags
};

std::string tags_of(std::size_t series) {
    return "env:prod,region:eu-west-1,host:web-" + std::to_string(series / names);
}

void add(SnapshotMaker& maker, What what, std::size_t series, std::mt19937_64& random) {
    const std::string name = "service.requests." + std::to_string(series % names);
    std::lognormal_distribution<double> draw(4, 1);
    std::vector<double> values;
    switch (what) {
        case What::counters:
            return maker.count(name, tags_of(series), static_cast<double>(random() % 100'000));
        case What::short_family:
            return maker.count(name + "." + std::to_string(series), "",
                               static_cast<double>(random() % 100'000));
        case What::gauges:
            return maker.gauge(name, tags_of(series),
                               static_cast<double>(random() % 100'000) / 100);
        case What::sets:
            return maker.set(name, tags_of(series), static_cast<double>(random() % 1000));
        case What::idle_timers:
        case What::timers:
            for (int i = 0; i < 5; ++i) values.push_back(static_cast<double>(random() % 5000));
            break;
        case What::long_timers:
            for (int i = 0; i < 5; ++i) values.push_back(draw(random));
            break;
        case What::sketches:
        case What::histograms:
            for (int i = 0; i < 200; ++i) values.push_back(draw(random));
            break;
    }
    maker.values(Kind::timer, name, tags_of(series), values);
}

prometheus::ExpositionSettings settings_of(What what) {
    prometheus::ExpositionSettings settings;
    settings.quantiles = ranks;
    if (what == What::histograms) {
        settings.rules.push_back({.match = "*",
                                  .form = prometheus::Form::histogram,
                                  .buckets = prometheus::default_buckets()});
    }
    return settings;
}

std::size_t lines_per_series(What what) {
    constexpr std::array<std::size_t, 9> lines{1, 1, 1, 6, 6, 6, 6, 14, 1};
    return lines[static_cast<std::size_t>(what)];
}

// The snapshot of an interval with `series` series; sketches in place of many values, as the
// flush has them.
struct Input {
    SnapshotMaker maker{ranks};
    std::vector<protocol::TimerPoint> timers;
    protocol::Snapshot snapshot;

    Input(What what, std::size_t series) {
        std::mt19937_64 random(1);
        for (std::size_t i = 0; i < series; ++i) add(maker, what, i, random);
        snapshot = maker.end_interval();
        if (what == What::idle_timers) snapshot = maker.end_interval();
        if (what != What::sketches && what != What::histograms) return;
        timers.assign(snapshot.timers.begin(), snapshot.timers.end());
        for (protocol::TimerPoint& point : timers) {
            point.values = protocol::DistributionView::sketched(*point.total);
        }
        snapshot.timers = timers;
    }
};

std::string mistakes(std::string_view page, What what, std::size_t series) {
    const StrictExposition read(page, StrictExposition::Format::text);
    if (read.samples() != series * lines_per_series(what)) return "lines are missing";
    return read.complaints();
}

// Making an input takes longer than measuring it, and the library asks for it several times.
const Input& input_of(What what, std::size_t series) {
    static std::unique_ptr<const Input> last;
    static std::pair<What, std::size_t> last_key;
    const std::pair key(what, series);
    if (!last || last_key != key) {
        last.reset();  // before the next one takes as much memory
        last = std::make_unique<const Input>(what, series);
        last_key = key;
    }
    return *last;
}

void count_series(benchmark::State& state, std::size_t series, std::size_t bytes) {
    const auto rounds = static_cast<double>(state.iterations());
    state.counters["ns"] =
        benchmark::Counter(rounds * static_cast<double>(series) * 1e-9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(series);
}

void encode(benchmark::State& state, What what) {
    const auto series = static_cast<std::size_t>(state.range(0));
    const Input& input = input_of(what, series);
    prometheus::Exposition exposition(settings_of(what), [](const std::string&) {});
    std::size_t bytes = 0;
    {
        Encoded first;
        exposition.encode(input.snapshot, {}, first);
        bytes = first.batches.at(0).body.size();
        if (state.max_iterations == 1) {  // once for each input
            const std::string wrong = mistakes(first.batches[0].body, what, series);
            if (!wrong.empty()) return state.SkipWithError(wrong.substr(0, 200).c_str());
        }
    }
    for (auto _ : state) {
        Encoded encoded;
        exposition.encode(input.snapshot, {}, encoded);
        benchmark::DoNotOptimize(encoded.batches.front().body.data());
    }
    count_series(state, series, bytes);
}

// The text that a page's records become is the one that is pushed.
std::string mistakes(const prometheus::PageRecords& page, std::string_view text) {
    prometheus::ByteChunks made;
    page.write_text(made);
    std::string whole;
    for (const std::string_view piece : made.pieces()) whole += piece;
    if (page.text_bytes() != text.size()) return "the text's size was told wrong";
    return whole == text ? "" : "the text is another one";
}

void page(benchmark::State& state, What what) {
    const auto series = static_cast<std::size_t>(state.range(0));
    const Input& input = input_of(what, series);
    prometheus::Exposition exposition(settings_of(what), [](const std::string&) {});
    Encoded encoded;
    exposition.encode(input.snapshot, {}, encoded);
    std::unique_ptr<prometheus::PageRecords> last;  // there are two while one is made
    for (auto _ : state) {
        auto records = std::make_unique<prometheus::PageRecords>(exposition.layout());
        exposition.encode(input.snapshot, encoded, *records);
        last = std::move(records);
    }
    count_series(state, series, last->bytes());
}

void scrape(benchmark::State& state, What what) {
    const auto series = static_cast<std::size_t>(state.range(0));
    const Input& input = input_of(what, series);
    prometheus::Exposition exposition(settings_of(what), [](const std::string&) {});
    Encoded encoded;
    prometheus::PageRecords records(exposition.layout());
    exposition.encode(input.snapshot, encoded, records);
    if (state.max_iterations == 1 && what != What::histograms) {  // those add up
        exposition.encode(input.snapshot, {}, encoded);
        const std::string wrong = mistakes(records, encoded.batches.at(0).body);
        if (!wrong.empty()) return state.SkipWithError(wrong.c_str());
    }
    std::size_t bytes = 0;
    for (auto _ : state) {
        prometheus::ByteChunks text;
        records.write_text(text);
        bytes = text.size();
    }
    count_series(state, series, bytes);
}

void both_sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1000)->Arg(pitot::bench::scaled(100'000))->Unit(benchmark::kMillisecond);
}

// Of what has very many lines a series.
void small_sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1000)->Arg(20'000)->Unit(benchmark::kMillisecond);
}

}  // namespace

BENCHMARK_CAPTURE(encode, counters, What::counters)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, gauges, What::gauges)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, sets, What::sets)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, timers, What::timers)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, long_timers, What::long_timers)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, idle_timers, What::idle_timers)->Apply(both_sizes);
BENCHMARK_CAPTURE(encode, sketches, What::sketches)->Apply(small_sizes);
BENCHMARK_CAPTURE(encode, histograms, What::histograms)->Apply(small_sizes);
BENCHMARK_CAPTURE(encode, short_family, What::short_family)->Apply(both_sizes);
BENCHMARK_CAPTURE(page, counters, What::counters)->Apply(both_sizes);
BENCHMARK_CAPTURE(page, timers, What::timers)->Apply(both_sizes);
BENCHMARK_CAPTURE(page, histograms, What::histograms)->Apply(small_sizes);
BENCHMARK_CAPTURE(page, short_family, What::short_family)->Apply(both_sizes);
BENCHMARK_CAPTURE(scrape, counters, What::counters)->Apply(both_sizes);
BENCHMARK_CAPTURE(scrape, timers, What::timers)->Apply(both_sizes);
BENCHMARK_CAPTURE(scrape, histograms, What::histograms)->Apply(small_sizes);
BENCHMARK_CAPTURE(scrape, short_family, What::short_family)->Apply(both_sizes);

BENCHMARK_MAIN();
