// What alert rules cost the flush thread: 200 rules over 100,000 series, once per flush.
//
// Two sets of rules. `narrow` is what people write: each rule reads the thousand series of one
// name, merged, by a tag, or one by one. `wide` is the worst that the selectors allow: each
// rule reads all series of a kind by a glob, so that there are 8 million pairs of a series and
// a rule. Every series has news in every interval.
//
// Before anything is timed, values are compared with what is added up by hand from what
// ManySeries sends, the number of instances with what it should be, and memory with the bound
// that `pitot check` prints (state_bytes()). What is timed is Alerting::flush(): evaluation,
// the state machine, history, and what is made for other threads; nothing of it delays the
// sinks or intake (alerting.h).
//
//   cmake --preset release && cmake --build --preset release --target alerts_bench
//   build/release/tests/bench/alerts_bench
//
// `share` is that of an interval of 10 s, on one core: 0.05 is the budget.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/alerting.h"
#include "agent/alerts/parser.h"
#include "tests/support/many_series.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::agent::alerts;
using pitot::tests::ManySeries;
using pitot::tests::ManySeriesShape;

namespace {

constexpr std::size_t counters = 50'000;
constexpr std::size_t gauges = 30'000;
constexpr std::size_t timers = 20'000;
constexpr std::size_t series_per_name = 1'000;
constexpr double interval_s = 10;
// As many flushes as the longest window has, so that all windows are full.
constexpr int warm_up_flushes = 31;

RuleDefinition rule(std::string name, const std::string& condition) {
    auto expression = parse_expression(SourceText(condition));
    auto program = compile(std::move(*expression), Result::condition, {});
    RuleDefinition definition;
    definition.rule.name = std::move(name);
    // Room for all series of one name, so that nothing is cut short.
    definition.rule.instances_max = series_per_name;
    definition.rule.levels.push_back({"critical", std::move(*program), std::nullopt});
    definition.where = "bench:1";
    return definition;
}

std::vector<RuleDefinition> narrow_rules() {
    std::vector<RuleDefinition> rules;
    const auto add = [&](const std::string& condition) {
        rules.push_back(rule(fmt::format("rule_{}", rules.size()), condition));
    };
    for (std::size_t i = 0; i < counters / series_per_name; ++i) {
        add(fmt::format(R"(increase("requests.{}"[5m]) > 1e15)", i));
        add(fmt::format(R"(rate("requests.{}"[1m]) by (node) > 1e15)", i));
    }
    for (std::size_t i = 0; i < gauges / series_per_name; ++i) {
        add(fmt::format(R"("queue.length.{}" > 1e15)", i));
        add(fmt::format(R"(avg("queue.length.{}"[5m]) > 1e15)", i));
    }
    for (std::size_t i = 0; i < timers / series_per_name; ++i) {
        add(fmt::format(R"(p95("request.time.{}"[5m]) > 1h)", i));
        add(fmt::format(R"(avg("request.time.{}"[1m]) by (node) > 1h)", i));
    }
    return rules;
}

std::vector<RuleDefinition> wide_rules() {
    std::vector<RuleDefinition> rules;
    // Different windows, or rules would share one.
    for (int i = 1; i <= 100; ++i) {
        rules.push_back(rule(fmt::format("counters_{}", i),
                             fmt::format(R"(increase("requests.*"[{}f]) > 1e15)", i)));
        rules.push_back(rule(fmt::format("gauges_{}", i),
                             fmt::format(R"(sum("queue.length.*"[{}f]) > 1e15)", i)));
    }
    return rules;
}

struct Rig {
    explicit Rig(std::vector<RuleDefinition> rules) {
        AlertsConfig config;
        config.rules = std::move(rules);
        for (const RuleDefinition& definition : config.rules) {
            bound_bytes += state_bytes(definition.rule);
        }
        alerting = std::make_unique<Alerting>(config, AlertingSettings{}, nobody, clock, log);
    }

    void flush() {
        clock.advance_ns(10'000'000'000);
        alerting->flush(many.next_interval(), 0);
    }

    ManySeries many{ManySeriesShape{
        .counters = counters, .gauges = gauges, .sets = 0, .timers = timers, .tags = 3}};
    SystemClock system;
    ManualClock clock{1'785'542'400'000'000'000};
    NobodyTold nobody;
    spdlog::logger log{"bench", std::make_shared<spdlog::sinks::null_sink_mt>()};
    std::size_t bound_bytes = 0;
    std::unique_ptr<Alerting> alerting;
};

// The last value of the only instance of a rule.
double value_of(const Rig& rig, std::size_t rule_number) {
    const auto found = rig.alerting->history().find(rule_number, {}, 2);
    if (found.size() != 1 || found[0].evaluations.empty()) return std::nan("");
    return found[0].evaluations.back().value.shown();
}

// What increase() of a thousand counters is over the last `flushes`, by hand: a counter's delta
// is the number of the interval and the last digit of its id.
double increase_by_hand(std::uint64_t sequence, std::uint64_t flushes, std::size_t series) {
    double sum = 0;
    for (std::uint64_t i = 0; i < flushes; ++i) {
        sum += static_cast<double>(series) * (static_cast<double>(sequence - i) + 4.5);
    }
    return sum;
}

constexpr std::size_t first_of_gauges = 2 * counters / series_per_name;
constexpr std::size_t first_of_timers = first_of_gauges + 2 * gauges / series_per_name;

std::string fault_of_narrow(const Rig& rig) {
    const double increase = value_of(rig, 0);
    const double wanted = increase_by_hand(warm_up_flushes, 30, series_per_name);
    if (increase != wanted) return fmt::format("increase: {} instead of {}", increase, wanted);
    const auto view = rig.alerting->view();
    if (view->rules->size() != 200) return fmt::format("{} rules", view->rules->size());
    for (std::size_t number = 0; number < view->rules->size(); ++number) {
        const RuleStanding& standing = view->standings[number];
        // As narrow_rules() has them, by twos: of gauges the first is one by one.
        const bool is_of_gauges = number >= first_of_gauges && number < first_of_timers;
        const bool is_grouped = (number % 2 == 1) != is_of_gauges;
        const std::size_t instances = is_grouped ? series_per_name : 1;
        if (standing.instances != instances || !standing.unmatched.empty()) {
            return fmt::format("{}: {} instances", (*view->rules)[number].name, standing.instances);
        }
    }
    if (view->usage.bound_series != 200 * series_per_name) {
        return fmt::format("{} pairs", view->usage.bound_series);
    }
    return {};
}

std::string fault_of_wide(const Rig& rig) {
    const double increase = value_of(rig, 0);
    const double wanted = increase_by_hand(warm_up_flushes, 1, counters);
    if (increase != wanted) return fmt::format("increase: {} instead of {}", increase, wanted);
    const auto view = rig.alerting->view();
    if (view->usage.bound_series != 100 * (counters + gauges)) {
        return fmt::format("{} pairs", view->usage.bound_series);
    }
    return {};
}

void time_flushes(benchmark::State& state, std::vector<RuleDefinition> rules,
                  std::string (*fault_of)(const Rig&)) {
    Rig rig(std::move(rules));
    for (int i = 0; i < warm_up_flushes; ++i) rig.flush();
    std::string fault = fault_of(rig);
    const EvaluatorUsage usage = rig.alerting->view()->usage;
    if (usage.state_bytes > rig.bound_bytes || usage.refused_groups > 0) {
        fault = fmt::format("{} bytes, bound {}, {} refused", usage.state_bytes, rig.bound_bytes,
                            usage.refused_groups);
    }
    if (!fault.empty()) {
        state.SkipWithError(fault.c_str());
        return;
    }
    std::int64_t timed_ns = 0;
    for (auto _ : state) {
        rig.clock.advance_ns(10'000'000'000);
        const protocol::Snapshot snapshot = rig.many.next_interval();
        const std::int64_t started_ns = rig.system.steady_ns();
        rig.alerting->flush(snapshot, 0);
        const std::int64_t took_ns = rig.system.steady_ns() - started_ns;
        timed_ns += took_ns;
        state.SetIterationTime(static_cast<double>(took_ns) / 1e9);
    }
    const auto flushes = static_cast<double>(state.iterations());
    state.counters["share"] = static_cast<double>(timed_ns) / 1e9 / flushes / interval_s;
    state.counters["pairs"] = static_cast<double>(usage.bound_series);
    state.counters["state_MB"] = static_cast<double>(usage.state_bytes) / 1e6;
    state.counters["bound_MB"] = static_cast<double>(rig.bound_bytes) / 1e6;
}

void narrow(benchmark::State& state) {
    time_flushes(state, narrow_rules(), fault_of_narrow);
}
void wide(benchmark::State& state) {
    time_flushes(state, wide_rules(), fault_of_wide);
}

BENCHMARK(narrow)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(wide)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
