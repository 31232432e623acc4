// What it costs to make documents for Elasticsearch: by kind, and by the age of the series.
//
// Each benchmark first compares a document with the bytes it must have, and fails if they
// differ. A series has a name of 20 bytes and three tags; `flush` is an interval in which all
// of them have news, `birth` the first one of their life. What is left out: everything after
// the encoder (queue, compression, network).
//
//   cmake --preset release && cmake --build --preset release --target elasticsearch_bench
//   build/release/tests/bench/elasticsearch_bench
//
// "each" is the time for one series.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/elasticsearch/encoder.h"
#include "tests/bench/scale.h"
#include "tests/support/series_texts.h"

using namespace pitot;
using namespace pitot::sinks;

namespace {

constexpr std::size_t series_count = pitot::bench::scaled(100'000);
constexpr std::array<double, 5> five_values{12.5, 13, 40.25, 41, 120};

// Series of one kind, alive for ever, with news in every interval.
class Intervals {
public:
    explicit Intervals(protocol::Kind kind) : kind_(kind) {
        for (std::uint32_t id = 0; id < series_count; ++id) add(id);
    }

    // What `end_interval` refers to lives as long as this.
    protocol::Snapshot end_interval() {
        protocol::Snapshot snapshot;
        snapshot.sequence = ++sequence_;
        snapshot.end_unix_ns =
            1'785'542'400'000'000'000 + static_cast<std::int64_t>(sequence_) * 10'000'000'000;
        snapshot.elapsed_s = 10;
        snapshot.series = series_;
        snapshot.counters = counters_;
        snapshot.gauges = gauges_;
        snapshot.timers = timers_;
        snapshot.sets = sets_;
        return snapshot;
    }

    // All series die, and others take their places.
    void renew() {
        for (protocol::Series& series : series_) series.birth += series_count;
    }

private:
    void add(std::uint32_t id) {
        const std::string name = "http.requests." + std::to_string(100'000 + id % 1000);
        const std::string tags =
            "env:production,host:web-" + std::to_string(id) + ",zone:eu-central-1a";
        series_.push_back(texts_.make(kind_, name, tags, id + 1));
        const double value = id % 1000;
        switch (kind_) {
            case protocol::Kind::counter:
                counters_.push_back(
                    {.id = id, .updated = true, .delta = value, .total = value * 7});
                break;
            case protocol::Kind::gauge:
                gauges_.push_back({id, true, value + 0.25});
                break;
            case protocol::Kind::set:
                sets_.push_back({id, true, value, true});
                break;
            default:
                timers_.push_back({id, true, protocol::DistributionView::exact(five_values, {}), 5,
                                   226.75, nullptr});
                break;
        }
    }

    protocol::Kind kind_;
    std::uint64_t sequence_ = 0;
    pitot::tests::SeriesTexts texts_;
    std::vector<protocol::Series> series_;
    std::vector<protocol::CounterPoint> counters_;
    std::vector<protocol::GaugePoint> gauges_;
    std::vector<protocol::TimerPoint> timers_;
    std::vector<protocol::SetPoint> sets_;
};

std::unique_ptr<Encoder> encoder() {
    elasticsearch::EncoderSettings settings;
    settings.sink = "search";
    settings.target = *elasticsearch::TargetIndex::daily("metrics-%Y.%m.%d");
    settings.host = "web-1";
    settings.quantiles = {0.5, 0.9, 0.95, 0.99};
    return elasticsearch::make_encoder(std::move(settings), [](const std::string&) {});
}

std::string_view expected_values(protocol::Kind kind) {
    switch (kind) {
        case protocol::Kind::counter:
            return R"("delta":7,"rate":0.7,"total":49})";
        case protocol::Kind::gauge:
            return R"("value":7.25})";
        case protocol::Kind::set:
            return R"("unique":7})";
        default:
            return R"("count":5,"sum":226.75,"min":12.5,"max":120,"mean":45.35,)"
                   R"("stddev":39.35276356242342,"p50":40.25,"p90":120,"p95":120,"p99":120})";
    }
}

// The eighth document of the first interval.
bool is_as_expected(const Encoded& encoded, protocol::Kind kind) {
    const std::string_view item = item_bytes(encoded.batches.at(0), 7);
    std::string source = R"({"@timestamp":"2026-08-01T00:00:10.000Z","host":{"name":"web-1"},)"
                         R"("metric":{"name":"http.requests.100007","type":")";
    source += to_string(kind);
    source += R"("},"labels":{"env":"production","host":"web-7","zone":"eu-central-1a"},)";
    source += expected_values(kind);
    source += '\n';
    return item.substr(item.find('\n') + 1) == source;
}

void run(benchmark::State& state, bool is_birth) {
    const auto kind = static_cast<protocol::Kind>(state.range(0));
    Intervals intervals(kind);
    const std::unique_ptr<Encoder> under_test = encoder();
    Encoded first;
    under_test->encode(intervals.end_interval(), first);
    if (!is_as_expected(first, kind)) return state.SkipWithError("the document is wrong");
    const auto documents = static_cast<double>(series_count);
    std::size_t bytes = 0;
    for (const Batch& batch : first.batches) bytes += batch.body.size();

    while (state.KeepRunning()) {
        if (is_birth) intervals.renew();
        Encoded encoded;
        under_test->encode(intervals.end_interval(), encoded);
        benchmark::DoNotOptimize(encoded);
    }
    state.SetLabel(std::string(to_string(kind)));
    state.counters["bytes/series"] = static_cast<double>(bytes) / documents;
    state.counters["each"] = benchmark::Counter(
        documents, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void flush(benchmark::State& state) {
    run(state, false);
}
void birth(benchmark::State& state) {
    run(state, true);
}

constexpr auto counter = static_cast<std::int64_t>(protocol::Kind::counter);
constexpr auto gauge = static_cast<std::int64_t>(protocol::Kind::gauge);
constexpr auto set = static_cast<std::int64_t>(protocol::Kind::set);
constexpr auto timer = static_cast<std::int64_t>(protocol::Kind::timer);
BENCHMARK(flush)->Arg(counter)->Arg(gauge)->Arg(set)->Arg(timer)->Unit(benchmark::kMillisecond);
BENCHMARK(birth)->Arg(counter)->Arg(timer)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
