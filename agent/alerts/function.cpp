#include "agent/alerts/function.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "agent/config/suggest.h"

namespace pitot::agent::alerts {

namespace {

using protocol::Kind;

constexpr Kinds timers{Kind::timer, Kind::histogram, Kind::distribution};
constexpr Kinds counts{Kind::counter, Kind::timer, Kind::histogram, Kind::distribution};
constexpr Kinds gauges{Kind::gauge};
constexpr Kinds sets{Kind::set};
constexpr Kinds numbers{Kind::counter, Kind::gauge};
constexpr Kinds samples{Kind::gauge, Kind::timer, Kind::histogram, Kind::distribution};
constexpr Kinds sums{Kind::counter, Kind::gauge, Kind::timer, Kind::histogram, Kind::distribution};

using enum Function;

// In the order of Function.
constexpr std::array<FunctionInfo, 24> table{{
    {"rate", rate, FunctionClass::series, "rate(x)", 1, counts, false, false,
     "how many per second: counted, or samples of a timer"},
    {"count", count, FunctionClass::series, "count(x)", 1, counts, false, false,
     "how many: counted, or samples of a timer"},
    {"sum", sum, FunctionClass::series, "sum(x)", 1, sums, true, false,
     "the sum of what was counted or of a timer's values; of gauges, of their last values"},
    {"increase", increase, FunctionClass::series, "increase(x)", 1, counts, false, false,
     "how many: counted, or samples of a timer"},
    {"avg", avg, FunctionClass::series, "avg(x)", 1, samples, true, false,
     "the mean of the samples; of gauges without a window, of their last values"},
    {"min", min, FunctionClass::series, "min(x)", 1, samples, true, false,
     "the least sample; of gauges without a window, the least last value"},
    {"max", max, FunctionClass::series, "max(x)", 1, samples, true, false,
     "the largest sample; of gauges without a window, the largest last value"},
    {"stddev", stddev, FunctionClass::series, "stddev(x)", 1, samples, true, false,
     "the spread of the samples; of gauges without a window, of their last values"},
    {"p", percentile, FunctionClass::series, "p(99.5, x)", 2, timers, true, false,
     "a percentile of the pooled samples; p50 … p99 and p999 have it in their name"},
    {"count_over", count_over, FunctionClass::series, "count_over(x, 1s)", 2, timers, true, false,
     "how many samples were above a limit"},
    {"last", last, FunctionClass::series, "last(x)", 1, numbers, true, false,
     "the value that was set last; of a counter, what the last flush counted"},
    {"unique", unique, FunctionClass::series, "unique(x)", 1, sets, false, false,
     "how many different members"},
    {"ratio", ratio, FunctionClass::ratio, "ratio(a, b, min = 50)", 2, counts, false, false,
     "increase(a) / increase(b), once b is at least min"},
    {"absent", absent, FunctionClass::series, "absent(x)", 1, all_kinds, false, false,
     "1 for each known group without a sample in the window"},
    {"age", age, FunctionClass::series, "age(x)", 1, all_kinds, false, false,
     "seconds since the last sample"},
    {"delta", delta, FunctionClass::series, "delta(x[w])", 1, gauges, true, true,
     "the last value less the first one of the window"},
    {"deriv", deriv, FunctionClass::series, "deriv(x[w])", 1, gauges, true, true,
     "the slope per second of a line through the values of the window"},
    {"ewma", ewma, FunctionClass::smoothing, "ewma(x, alpha)", 2, numbers, true, false,
     "the exponentially weighted mean of the values at each flush"},
    {"series", Function::series, FunctionClass::series, "series(x)", 1, all_kinds, false, false,
     "how many series there are"},
    {"abs", abs, FunctionClass::arithmetic, "abs(value)", 1, {}, true, false, "without its sign"},
    {"floor", floor, FunctionClass::arithmetic, "floor(value)", 1, {}, true, false, "rounded down"},
    {"ceil", ceil, FunctionClass::arithmetic, "ceil(value)", 1, {}, true, false, "rounded up"},
    {"clamp",
     clamp,
     FunctionClass::arithmetic,
     "clamp(value, low, high)",
     3,
     {},
     true,
     false,
     "not below low and not above high"},
    {"log10",
     log10,
     FunctionClass::arithmetic,
     "log10(value)",
     1,
     {},
     false,
     false,
     "the logarithm to base 10"},
}};

// "p95" is 95, "p999" is 99.9: from the third digit on they are decimals.
std::optional<double> rank_of(std::string_view name) {
    constexpr std::size_t digits_max = 6;
    if (name.size() < 2 || name.size() > 1 + digits_max || name[0] != 'p') return std::nullopt;
    const std::string_view digits = name.substr(1);
    if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    // Nobody means 10.0 by p100.
    if (digits[0] == '0' || (digits.size() > 2 && digits[0] != '9')) return std::nullopt;
    std::string decimal(digits.substr(0, 2));
    if (digits.size() > 2) decimal.append(1, '.').append(digits.substr(2));
    double rank = 0;
    std::from_chars(decimal.data(), decimal.data() + decimal.size(), rank);
    return rank;
}

}  // namespace

std::span<const FunctionInfo> functions() {
    return table;
}

const FunctionInfo& info(Function function) {
    return table.at(static_cast<std::size_t>(function));
}

std::optional<NamedFunction> find_function(std::string_view name) {
    if (const auto rank = rank_of(name)) return NamedFunction{percentile, rank};
    const auto found = std::ranges::find(table, name, &FunctionInfo::name);
    if (found == table.end()) return std::nullopt;
    return NamedFunction{found->function, std::nullopt};
}

std::string_view nearest_function(std::string_view name) {
    // Other names of the same things, as other languages have them.
    struct Synonym {
        std::string_view theirs;
        std::string_view ours;
    };
    static constexpr std::array synonyms{Synonym{"mean", "avg"},
                                         Synonym{"average", "avg"},
                                         Synonym{"irate", "rate"},
                                         Synonym{"quantile", "p"},
                                         Synonym{"percentile", "p"},
                                         Synonym{"median", "p50"},
                                         Synonym{"sum_over_time", "sum"},
                                         Synonym{"avg_over_time", "avg"},
                                         Synonym{"max_over_time", "max"},
                                         Synonym{"min_over_time", "min"},
                                         Synonym{"last_over_time", "last"},
                                         Synonym{"count_over_time", "count"},
                                         Synonym{"nodata", "absent"},
                                         Synonym{"absent_over_time", "absent"},
                                         Synonym{"cardinality", "unique"},
                                         Synonym{"derivative", "deriv"},
                                         Synonym{"std", "stddev"},
                                         Synonym{"round", "floor"},
                                         Synonym{"total", "increase"}};
    const auto synonym = std::ranges::find(synonyms, name, &Synonym::theirs);
    if (synonym != synonyms.end()) return synonym->ours;

    static constexpr std::array<std::string_view, 5> ranks{"p50", "p90", "p95", "p99", "p999"};
    std::vector<std::string_view> names(ranks.begin(), ranks.end());
    for (const FunctionInfo& each : table) {
        if (each.function != percentile) names.push_back(each.name);
    }
    const auto found = agent::nearest(name, names);
    return found ? *found : std::string_view{};
}

}  // namespace pitot::agent::alerts
