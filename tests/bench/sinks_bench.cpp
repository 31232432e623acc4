// What each sink of the registry costs the flush: its encoder, on 100,000 series with three tags
// each, in the steady state (all names were seen before, all values are new).
//
// Every benchmark first checks what it is about to time: two encoders make the same bytes of the
// same intervals, every point is accounted for, every series is there, and of each kind one of
// which the text is known is found. What is left out: delivery, which runs on another thread, and a
// series' first interval, which is shown apart.
//
//   cmake --preset release && cmake --build --preset release --target sinks_bench
//   build/release/tests/bench/sinks_bench --table      the table of sinks/README.md
//   build/release/tests/bench/sinks_bench              repetitions, filters, spread
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/io_scheduler.h"
#include "sinks/registry.h"
#include "tests/bench/scale.h"
#include "tests/support/many_series.h"
#include "tests/support/sink_options.h"

using namespace pitot::sinks;
using pitot::protocol::Snapshot;
using pitot::tests::ManySeries;
using pitot::tests::ManySeriesShape;
using pitot::tests::SinkOptions;

namespace {

constexpr std::size_t series_count = pitot::bench::scaled(100'000);
constexpr std::size_t tag_count = 3;

struct Mix {
    std::string_view name;
    ManySeriesShape shape;
};

const std::array<Mix, 5> mixes{{
    {"counters", {.counters = series_count, .tags = tag_count}},
    {"gauges", {.gauges = series_count, .tags = tag_count}},
    {"sets", {.sets = series_count, .tags = tag_count}},
    {"timers", {.timers = series_count, .tags = tag_count}},
    {"mixed",
     {.counters = series_count / 4,
      .gauges = series_count / 4,
      .sets = series_count / 4,
      .timers = series_count / 4,
      .tags = tag_count}},
}};

// What each sink must say, in the second interval, of the eighth series of each kind: worked out
// by hand from what ManySeries sends (counters 8 and 9; timers 13.5 and 14.5 times one to five).
// The gauge depends on where its series stands among all of them: ${gauge}.
struct KnownText {
    std::string_view type;
    std::string_view counter;
    std::string_view gauge;
    std::string_view set;
    std::string_view timer;
};

constexpr KnownText exposition_text{
    .type = {},
    .counter = "\nrequests_0_total{node=\"n7\",path=\"n14\",region=\"n21\"} 17\n",
    .gauge = "\nqueue_length_0{node=\"n7\",path=\"n14\",region=\"n21\"} ${gauge}\n",
    .set = "\nusers_unique_0{node=\"n7\",path=\"n14\",region=\"n21\"} 9\n",
    .timer =
        "\nrequest_time_0_seconds{node=\"n7\",path=\"n14\",region=\"n21\",quantile=\"0.5\"} "
        "0.0435\n"
        "request_time_0_seconds{node=\"n7\",path=\"n14\",region=\"n21\",quantile=\"0.9\"} 0.0725\n"
        "request_time_0_seconds{node=\"n7\",path=\"n14\",region=\"n21\",quantile=\"0.95\"} 0.0725\n"
        "request_time_0_seconds{node=\"n7\",path=\"n14\",region=\"n21\",quantile=\"0.99\"} 0.0725\n"
        "request_time_0_seconds_sum{node=\"n7\",path=\"n14\",region=\"n21\"} 0.42\n"
        "request_time_0_seconds_count{node=\"n7\",path=\"n14\",region=\"n21\"} 10\n"};

constexpr KnownText influxdb_text{
    .type = "influxdb",
    .counter =
        "\nrequests.0,host=web-1,metric_type=counter,node=n7,path=n14,region=n21 "
        "delta=9,rate=0.9,total=17 1785542420000000000\n",
    .gauge =
        "\nqueue.length.0,host=web-1,metric_type=gauge,node=n7,path=n14,region=n21 "
        "value=${gauge} 1785542420000000000\n",
    .set =
        "\nusers.unique.0,host=web-1,metric_type=set,node=n7,path=n14,region=n21 "
        "unique=9 1785542420000000000\n",
    .timer =
        "\nrequest.time.0,host=web-1,metric_type=timer,node=n7,path=n14,region=n21 "
        "count=5,sum=217.5,min=14.5,max=72.5,mean=43.5,stddev=20.506096654409877,"
        "p50=43.5,p90=72.5,p95=72.5,p99=72.5 1785542420000000000\n"};

// Ids have no text that is known.
constexpr KnownText elasticsearch_text{
    .type = "elasticsearch",
    .counter = R"({"@timestamp":"2026-08-01T00:00:20.000Z","host":{"name":"web-1"},)"
               R"("metric":{"name":"requests.0","type":"counter"},)"
               R"("labels":{"node":"n7","path":"n14","region":"n21"},)"
               "\"delta\":9,\"rate\":0.9,\"total\":17}\n",
    .gauge = R"({"@timestamp":"2026-08-01T00:00:20.000Z","host":{"name":"web-1"},)"
             R"("metric":{"name":"queue.length.0","type":"gauge"},)"
             R"("labels":{"node":"n7","path":"n14","region":"n21"},)"
             "\"value\":${gauge}}\n",
    .set = R"({"@timestamp":"2026-08-01T00:00:20.000Z","host":{"name":"web-1"},)"
           R"("metric":{"name":"users.unique.0","type":"set"},)"
           R"("labels":{"node":"n7","path":"n14","region":"n21"},)"
           "\"unique\":9}\n",
    .timer = R"({"@timestamp":"2026-08-01T00:00:20.000Z","host":{"name":"web-1"},)"
             R"("metric":{"name":"request.time.0","type":"timer"},)"
             R"("labels":{"node":"n7","path":"n14","region":"n21"},)"
             R"("count":5,"sum":217.5,"min":14.5,"max":72.5,"mean":43.5,)"
             R"("stddev":20.506096654409877,)"
             "\"p50\":43.5,\"p90\":72.5,\"p95\":72.5,\"p99\":72.5}\n"};

constexpr KnownText console_text{
    .type = "console",
    .counter = R"({"name":"requests.0","kind":"counter",)"
               R"("tags":[["node","n7"],["path","n14"],["region","n21"]],)"
               R"("delta":9,"rate":0.9,"total":17})",
    .gauge = R"({"name":"queue.length.0","kind":"gauge",)"
             R"("tags":[["node","n7"],["path","n14"],["region","n21"]],)"
             R"("value":${gauge}})",
    .set = R"({"name":"users.unique.0","kind":"set",)"
           R"("tags":[["node","n7"],["path","n14"],["region","n21"]],)"
           R"("unique":9})",
    .timer =
        R"({"name":"request.time.0","kind":"timer",)"
        R"("tags":[["node","n7"],["path","n14"],["region","n21"]],)"
        R"("count":5,"sum":217.5,"min":14.5,"max":72.5,"mean":43.5,"stddev":20.506096654409877,)"
        R"("quantiles":{"0.5":43.5,"0.9":72.5,"0.95":72.5,"0.99":72.5}})"};

// Null for a sink that somebody added and did not tell.
const KnownText* known_text(std::string_view type) {
    if (type == "prometheus" || type == "pushgateway") return &exposition_text;
    for (const KnownText* one : {&influxdb_text, &elasticsearch_text, &console_text}) {
        if (one->type == type) return one;
    }
    return nullptr;
}

// What of it `text`, made of such series, lacks; empty when nothing.
std::string missing_in(const std::string& text, const KnownText& known,
                       const ManySeriesShape& shape) {
    const auto gauge = static_cast<double>(shape.counters + 7) + 2.0 / 8;
    struct Line {
        std::size_t series;
        std::string_view text;
    };
    for (const auto& [series, line] : {Line{shape.counters, known.counter},
                                       {shape.gauges, known.gauge},
                                       {shape.sets, known.set},
                                       {shape.timers, known.timer}}) {
        if (series == 0) continue;
        constexpr std::string_view hole = "${gauge}";
        std::string wanted(line);
        if (const std::size_t at = wanted.find(hole); at != std::string::npos) {
            wanted.replace(at, hole.size(), fmt::format("{}", gauge));
        }
        if (!text.contains(wanted)) return fmt::format("not as expected, must have: {}", wanted);
    }
    return "";
}

std::int64_t steady_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

std::int64_t cpu_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// A sink that never delivers.
class Encoding {
public:
    explicit Encoding(const SinkType& type) {
        SinkOptions options("bench");
        // What some types cannot do without; nobody asks for the others.
        options.set("url", "http://127.0.0.1:1").set("database", "metrics");
        options.set("address", "127.0.0.1:0");
        if (type.name == "elasticsearch") options.set("index", "metrics-%Y.%m.%d");
        sink_ = type.make(options, context_);
        problems_ = options.problems();
    }

    const std::string& problems() const { return problems_; }
    Encoded encode(const Snapshot& snapshot) {
        Encoded encoded;
        sink_->encoder().encode(snapshot, encoded);
        return encoded;
    }

private:
    boost::asio::io_context io_{1};
    std::unique_ptr<Scheduler> time_ = make_io_scheduler(io_, steady_ns, steady_ns);
    spdlog::logger log_{"bench", std::make_shared<spdlog::sinks::null_sink_mt>()};
    Context context_{.io = io_,
                     .time = *time_,
                     .log = log_,
                     .random = [] { return 0.5; },
                     .user_agent = "pitot/bench",
                     .host_name = "web-1",
                     .quantiles = {0.5, 0.9, 0.95, 0.99}};
    std::unique_ptr<Sink> sink_;
    std::string problems_;
};

std::string text_of(const Encoded& encoded) {
    std::string all;
    for (const Batch& batch : encoded.batches) all += batch.body;
    return all;
}

std::uint64_t points_of(const Encoded& encoded) {
    std::uint64_t points = encoded.lost.sum() + encoded.skipped.sum();
    for (const Batch& batch : encoded.batches) points += batch.points;
    return points;
}

// What is wrong with what the sink makes of two intervals; empty when nothing is.
std::string check(const SinkType& type, const ManySeriesShape& shape) {
    Encoding one(type);
    Encoding another(type);
    if (!one.problems().empty()) return one.problems();
    ManySeries series(shape);
    std::string text;
    for (int interval = 0; interval < 2; ++interval) {
        const Snapshot snapshot = series.next_interval();
        const Encoded encoded = one.encode(snapshot);
        if (points_of(encoded) != snapshot.points()) return "points are missing";
        if (encoded.lost.sum() != 0) return "points are lost";
        text = text_of(encoded);
        if (text != text_of(another.encode(snapshot))) return "two encoders do not agree";
    }
    // A node is in each name's thousand once at least, and the last one in the last name's.
    std::size_t nodes = 0;
    for (std::size_t at = 0; (at = text.find("n999", at)) != std::string::npos; ++at) ++nodes;
    if (nodes < series.series() / 1000) return "series are missing";
    const KnownText* const known = known_text(type.name);
    if (known == nullptr) return "tell known_text() what this sink says";
    return missing_in(text, *known, shape);
}

void encode(benchmark::State& state, const SinkType& type, const Mix& mix) {
    const std::string wrong = check(type, mix.shape);
    if (!wrong.empty()) return state.SkipWithError(wrong.c_str());
    Encoding encoding(type);
    ManySeries series(mix.shape);
    encoding.encode(series.next_interval());
    std::size_t bytes = 0;
    while (state.KeepRunning()) {
        state.PauseTiming();
        const Snapshot snapshot = series.next_interval();
        state.ResumeTiming();
        const Encoded encoded = encoding.encode(snapshot);
        bytes = 0;
        for (const Batch& batch : encoded.batches) bytes += batch.body.size();
    }
    state.counters["bytes"] = static_cast<double>(bytes);
    state.counters["per_series"] = benchmark::Counter(
        static_cast<double>(series.series()),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// One interval's cost.
struct Cost {
    double elapsed_s = 0;
    double cpu_s = 0;
    std::size_t bytes = 0;
};

Cost cost_of(Encoding& encoding, const Snapshot& snapshot) {
    const std::int64_t begin_ns = steady_ns();
    const std::int64_t begin_cpu_ns = cpu_ns();
    const Encoded encoded = encoding.encode(snapshot);
    Cost cost{.elapsed_s = static_cast<double>(steady_ns() - begin_ns) / 1e9,
              .cpu_s = static_cast<double>(cpu_ns() - begin_cpu_ns) / 1e9};
    for (const Batch& batch : encoded.batches) cost.bytes += batch.body.size();
    return cost;
}

struct Measured {
    Cost first;   // the interval in which the series are born
    Cost steady;  // the median of those after it
};

Measured measure(const SinkType& type, const ManySeriesShape& shape) {
    constexpr std::size_t intervals = 11;
    Encoding encoding(type);
    ManySeries series(shape);
    Measured out;
    out.first = cost_of(encoding, series.next_interval());
    std::vector<Cost> all;
    for (std::size_t i = 0; i < intervals; ++i) {
        all.push_back(cost_of(encoding, series.next_interval()));
    }
    std::ranges::sort(all, {}, &Cost::cpu_s);
    out.steady = all[intervals / 2];
    return out;
}

// As Markdown, on standard output; 0 when every sink's output was right.
int print_table() {
    fmt::print(
        "| sink | bytes per flush | seconds per flush | CPU per series: mixed | counter | gauge | "
        "set | timer | first flush |\n|---|---|---|---|---|---|---|---|---|\n");
    int result = 0;
    for (const SinkType& type : sink_types()) {
        std::string row;
        Measured mixed;
        for (const Mix& mix : mixes) {
            const std::string wrong = check(type, mix.shape);
            if (!wrong.empty()) {
                fmt::print(stderr, "{}, {}: {}\n", type.name, mix.name, wrong);
                result = 1;
            }
            const Measured measured = measure(type, mix.shape);
            if (mix.name == "mixed") {
                mixed = measured;
            } else {
                row += fmt::format(" {:.0f} ns |", measured.steady.cpu_s * 1e9 / series_count);
            }
        }
        fmt::print("| `{}` | {:.1f} MB | {:.3f} | {:.0f} ns |{} {:.0f} ns |\n", type.name,
                   static_cast<double>(mixed.steady.bytes) / 1e6, mixed.steady.elapsed_s,
                   mixed.steady.cpu_s * 1e9 / series_count, row,
                   mixed.first.cpu_s * 1e9 / series_count);
    }
    return result;
}

}  // namespace

int main(int count, char** words) {
    if (count == 2 && std::string_view(words[1]) == "--table") return print_table();
    for (const SinkType& type : sink_types()) {
        for (const Mix& mix : mixes) {
            benchmark::RegisterBenchmark(
                fmt::format("encode/{}/{}", type.name, mix.name).c_str(),
                [&type, &mix](benchmark::State& state) { encode(state, type, mix); })
                ->Unit(benchmark::kMillisecond);
        }
    }
    benchmark::Initialize(&count, words);
    if (benchmark::ReportUnrecognizedArguments(count, words)) return 64;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
