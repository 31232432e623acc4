// What the InfluxDB encoder costs, per series with news: the budget is 400 ns.
//
// Before anything is measured the output is read back by a strict reader and its numbers are
// compared. Measured is a flush in the steady state, without the births of the first one; left
// out are gzip and the network, which run on another thread.
//
//   cmake --preset release && cmake --build --preset release --target influxdb_bench
//   build/release/tests/bench/influxdb_bench
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "protocol/distribution.h"
#include "protocol/snapshot.h"
#include "sinks/influxdb/line_protocol.h"
#include "tests/bench/scale.h"
#include "tests/support/line_protocol_reader.h"
#include "tests/support/series_texts.h"

using pitot::protocol::Distribution;
using pitot::protocol::DistributionView;
using pitot::protocol::Kind;
using pitot::protocol::Series;
using pitot::protocol::Snapshot;
using pitot::protocol::Tag;
using pitot::sinks::Encoded;
using pitot::sinks::Encoder;

namespace {

enum class Load : std::uint8_t { counters, gauges, exact_timers, sketched_timers };

// Series of one kind, all with news.
class Columns {
public:
    Columns(Load load, std::size_t count) : values_{12, 15.25, 18, 120.125, 340} {
        std::mt19937_64 random(1);
        std::lognormal_distribution<double> draw(3, 1);
        for (int i = 0; i < 1'000; ++i) sketch_.add(draw(random));
        for (std::uint32_t id = 0; id < count; ++id) {
            const bool is_timer = load == Load::exact_timers || load == Load::sketched_timers;
            const Kind kind = is_timer               ? Kind::timer
                              : load == Load::gauges ? Kind::gauge
                                                     : Kind::counter;
            series_.push_back(texts_.make(kind, "service.requests." + std::to_string(id),
                                          "env:prod,zone:eu-central-1a", id + 1));
            const double value = draw(random);
            if (load == Load::counters) {
                counters_.push_back({.id = id, .updated = true, .delta = 17, .total = 12'345});
            }
            if (load == Load::gauges) gauges_.push_back({id, true, value});
            if (is_timer) {
                timers_.push_back({id, true,
                                   load == Load::exact_timers ? DistributionView::exact(values_, {})
                                                              : DistributionView::sketched(sketch_),
                                   1, 1, nullptr});
            }
        }
    }

    Snapshot next() {
        Snapshot snapshot;
        snapshot.sequence = ++sequence_;
        snapshot.start_unix_ns = 1'785'542'400'000'000'000;
        snapshot.end_unix_ns =
            snapshot.start_unix_ns + static_cast<std::int64_t>(sequence_) * 10'000'000'000;
        snapshot.elapsed_s = 10.0003;
        snapshot.series = series_;
        snapshot.counters = counters_;
        snapshot.gauges = gauges_;
        snapshot.timers = timers_;
        return snapshot;
    }

private:
    pitot::tests::SeriesTexts texts_;
    std::vector<Series> series_;
    std::vector<pitot::protocol::CounterPoint> counters_;
    std::vector<pitot::protocol::GaugePoint> gauges_;
    std::vector<pitot::protocol::TimerPoint> timers_;
    std::vector<double> values_;
    Distribution sketch_;
    std::uint64_t sequence_ = 0;
};

// Every line is well formed, and there is one for each series.
bool is_right(const Encoded& encoded, std::size_t series) {
    std::size_t lines = 0;
    double numbers = 0;
    for (const pitot::sinks::Batch& batch : encoded.batches) {
        for (const auto& point : pitot::tests::read_points(batch.body)) {
            ++lines;
            for (const auto& [field, value] : point.numbers) numbers += value;
        }
    }
    return lines == series && numbers > 0;
}

void encode(benchmark::State& state, Load load) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Columns columns(load, count);
    pitot::sinks::influxdb::LineSettings settings;
    settings.keys.host_name = "web-1.example.com";
    settings.quantiles = {0.5, 0.9, 0.95, 0.99};
    const std::unique_ptr<Encoder> encoder =
        pitot::sinks::influxdb::make_encoder(settings, [](const std::string&) {});
    Encoded first;
    encoder->encode(columns.next(), first);
    if (!is_right(first, count)) {
        state.SkipWithError("the lines are wrong");
        return;
    }
    std::size_t bytes = 0;
    for (auto _ : state) {
        Encoded encoded;
        encoder->encode(columns.next(), encoded);
        bytes = 0;
        for (const auto& batch : encoded.batches) bytes += batch.body.size();
        benchmark::DoNotOptimize(bytes);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.counters["bytes_per_series"] = static_cast<double>(bytes) / static_cast<double>(count);
    state.counters["s_per_series"] =
        benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

BENCHMARK_CAPTURE(encode, counters, Load::counters)
    ->Arg(pitot::bench::scaled(10'000))
    ->Arg(pitot::bench::scaled(100'000));
BENCHMARK_CAPTURE(encode, gauges, Load::gauges)
    ->Arg(pitot::bench::scaled(10'000))
    ->Arg(pitot::bench::scaled(100'000));
BENCHMARK_CAPTURE(encode, exact_timers, Load::exact_timers)
    ->Arg(pitot::bench::scaled(10'000))
    ->Arg(pitot::bench::scaled(100'000));
BENCHMARK_CAPTURE(encode, sketched_timers, Load::sketched_timers)
    ->Arg(pitot::bench::scaled(10'000))
    ->Arg(pitot::bench::scaled(100'000));

BENCHMARK_MAIN();
