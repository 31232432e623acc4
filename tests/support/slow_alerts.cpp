#include "tests/support/slow_alerts.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "agent/alerts/glob.h"
#include "agent/alerts/limits.h"
#include "agent/alerts/regex.h"
#include "protocol/distribution.h"

namespace pitot::tests {

using namespace agent::alerts;
using protocol::Kind;

namespace {

bool is_timer(Kind kind) {
    return kind == Kind::timer || kind == Kind::histogram || kind == Kind::distribution;
}
bool is_count(Kind kind) {
    return kind == Kind::counter || is_timer(kind);
}
bool is_summed(Kind kind) {
    return kind == Kind::gauge || is_count(kind);
}
bool is_sampled(Kind kind) {
    return kind == Kind::gauge || is_timer(kind);
}
bool is_number(Kind kind) {
    return kind == Kind::gauge || kind == Kind::counter;
}
bool is_gauge(Kind kind) {
    return kind == Kind::gauge;
}
bool is_set(Kind kind) {
    return kind == Kind::set;
}
bool is_any(Kind) {
    return true;
}

bool (*accepted_by(Function function))(Kind) {
    switch (function) {
        case Function::sum:
            return is_summed;
        case Function::avg:
        case Function::min:
        case Function::max:
        case Function::stddev:
            return is_sampled;
        case Function::percentile:
        case Function::count_over:
            return is_timer;
        case Function::last:
            return is_number;
        case Function::delta:
        case Function::deriv:
            return is_gauge;
        case Function::unique:
            return is_set;
        case Function::absent:
        case Function::age:
        case Function::series:
            return is_any;
        default:
            return is_count;
    }
}

constexpr std::int64_t interval_ns = 10'000'000'000;

std::uint32_t flushes_of(const Span& span) {
    if (span.flushes > 0) return span.flushes;
    return static_cast<std::uint32_t>((span.nanoseconds + interval_ns - 1) / interval_ns);
}

std::string first_value(const SlowPoint& point, const std::string& tag) {
    for (const auto& [key, value] : point.tags) {
        if (key == tag) return value;
    }
    return "";
}

bool holds(const TagMatch& match, const SlowPoint& point) {
    const std::string value = first_value(point, match.tag);
    switch (match.match) {
        case MatchOperator::equal:
            return matches_value_glob(match.pattern, value);
        case MatchOperator::not_equal:
            return !matches_value_glob(match.pattern, value);
        case MatchOperator::matches:
            return Regex::compile(match.pattern)->matches(value);
        case MatchOperator::not_matches:
            return !Regex::compile(match.pattern)->matches(value);
    }
    return false;
}

double mean_of(const std::vector<double>& samples) {
    double sum = 0;
    for (const double sample : samples) sum += sample;
    return sum / static_cast<double>(samples.size());
}

double spread_of(const std::vector<double>& samples) {
    const double mean = mean_of(samples);
    double squares = 0;
    for (const double sample : samples) squares += (sample - mean) * (sample - mean);
    return std::sqrt(squares / static_cast<double>(samples.size()));
}

bool same_series(const SlowPoint& a, const SlowPoint& b) {
    return a.name == b.name && a.tags == b.tags && a.kind == b.kind;
}

}  // namespace

// --- groups

SlowAlerts::Reading SlowAlerts::reading(Function function, const Selector& selector,
                                        const Grouping& grouping) const {
    Reading reading{.selector = selector, .labels = {}};
    reading.accepts = accepted_by(function);
    if (selector.window) reading.window = flushes_of(*selector.window);
    if (selector.offset) reading.offset = flushes_of(*selector.offset);
    // A day, which no history here has.
    if (function == Function::absent) reading.known = UINT32_MAX;
    reading.labels.names = grouping.tags;
    reading.labels.is_open =
        grouping.mode == Grouping::Mode::by_series || grouping.mode == Grouping::Mode::without;
    if (grouping.mode == Grouping::Mode::by_series) {
        reading.labels.captures =
            static_cast<std::size_t>(std::ranges::count(selector.metric, '*'));
    }
    return reading;
}

std::optional<GroupLabels> SlowAlerts::group_of(const Reading& reading,
                                                const SlowPoint& point) const {
    if (!reading.accepts(point.kind)) return std::nullopt;
    std::vector<std::string_view> captures;
    if (!matches_name_glob(reading.selector.metric, point.name, captures)) return std::nullopt;
    for (const TagMatch& match : reading.selector.matches) {
        if (!holds(match, point)) return std::nullopt;
    }
    GroupLabels all;
    for (std::size_t i = 0; i < captures.size(); ++i) {
        all.push_back({"$" + std::to_string(i + 1), std::string(captures[i])});
    }
    for (const auto& [key, value] : point.tags) all.push_back({key, value});
    std::ranges::sort(all);
    return projected(all, reading.labels);
}

std::vector<const SlowPoint*> SlowAlerts::points(const Reading& reading, const GroupLabels& group,
                                                 std::int64_t flush) const {
    std::vector<const SlowPoint*> found;
    if (flush < 1) return found;
    for (const SlowPoint& point : history_[static_cast<std::size_t>(flush - 1)].points) {
        if (group_of(reading, point) == group) found.push_back(&point);
    }
    return found;
}

// The groups that are there, and since which flush. One is there while it has series, and
// then for as long as it may be in a window.
std::map<GroupLabels, std::size_t> SlowAlerts::lives(const Reading& reading, std::size_t at) const {
    std::map<GroupLabels, std::size_t> born;
    std::map<GroupLabels, std::size_t> seen;
    const std::size_t stays =
        std::max<std::size_t>(std::size_t{reading.window} + reading.offset, reading.known);
    if (reading.labels.is_empty()) {
        born[{}] = 0;
        seen[{}] = SIZE_MAX / 2;
    }
    for (std::size_t flush = 1; flush <= at; ++flush) {
        for (const SlowPoint& point : history_[flush - 1].points) {
            const auto group = group_of(reading, point);
            if (!group) continue;
            born.try_emplace(*group, flush);
            seen[*group] = std::max(seen[*group], flush);
        }
        std::erase_if(born, [&](const auto& entry) {
            return seen[entry.first] < flush && flush - (seen[entry.first] + 1) >= stays;
        });
    }
    return born;
}

// --- functions

// The flush up to `flush` in which a gauge was set last, in its present life.
std::size_t SlowAlerts::set_at(const SlowPoint& point, std::int64_t flush) const {
    auto at = static_cast<std::size_t>(flush);
    while (true) {
        const auto& points = history_[at - 1].points;
        const auto found = std::ranges::find_if(
            points, [&](const auto& each) { return same_series(each, point); });
        if (found == points.end()) return at + 1;
        if (found->updated || at == 1) return at;
        --at;
    }
}

std::optional<double> SlowAlerts::level(const Reading& reading, const GroupLabels& group,
                                        std::int64_t flush, bool ages) const {
    std::optional<std::pair<std::size_t, double>> gauge;
    std::optional<double> counted;
    for (const SlowPoint* const point : points(reading, group, flush)) {
        if (point->kind == Kind::counter) {
            counted = counted.value_or(0) + point->number;
            continue;
        }
        const std::size_t set = set_at(*point, flush);
        if (ages && static_cast<std::size_t>(flush) - set >= reading.window) continue;
        const std::pair candidate{set, point->number};
        if (!gauge || candidate > *gauge) gauge = candidate;
    }
    if (gauge) return gauge->second;
    return counted;
}

Value SlowAlerts::pooled(Function function, double parameter, const Reading& reading,
                         const GroupLabels& group, std::size_t at) const {
    const auto last = static_cast<std::int64_t>(at) - reading.offset;
    double amount = 0, flow = 0, level_sum = 0, above = 0, elapsed_s = 0;
    std::vector<double> samples;
    std::set<std::uint64_t> members;
    protocol::Distribution sketch({.schema = 5, .buckets_max = limits::sketch_buckets_max});
    const auto first = std::max<std::int64_t>(1, last - reading.window + 1);
    for (std::int64_t flush = first; flush <= last; ++flush) {
        elapsed_s += history_[static_cast<std::size_t>(flush - 1)].elapsed_s;
        for (const SlowPoint* const point : points(reading, group, flush)) {
            if (point->kind == Kind::counter) {
                amount += point->number;
                flow += point->number;
            } else if (point->kind == Kind::gauge) {
                if (flush == last) level_sum += point->number;
                if (point->updated || !reading.selector.window) samples.push_back(point->number);
            }
            for (const double value : point->values) {
                amount += 1;
                flow += value;
                above += value > parameter ? 1 : 0;
                samples.push_back(value);
                sketch.add(value);
            }
            members.insert(point->members.begin(), point->members.end());
        }
    }
    const bool full = at >= std::size_t{reading.window} + reading.offset;
    const bool begun = reading.offset == 0 || full;
    const bool usable =
        reading.offset > 0 ? full : at >= std::min(reading.window, limits::estimate_flushes_min);
    const auto growing = [&](double number) {
        if (!begun) return Value::filling();
        return full ? Value::exact(number) : Value::at_least(number);
    };
    switch (function) {
        case Function::sum:
            return growing(flow + level_sum);
        case Function::count_over:
            return growing(above);
        case Function::unique:
            return growing(static_cast<double>(members.size()));
        case Function::rate:
            return usable ? Value::exact(amount / elapsed_s) : Value::filling();
        case Function::count:
        case Function::increase:
            return growing(amount);
        default:
            break;
    }
    if (function == Function::max ? !begun : !usable) return Value::filling();
    if (samples.empty()) return full ? Value::no_data() : Value::filling();
    switch (function) {
        case Function::avg:
            return Value::exact(mean_of(samples));
        case Function::min:
            return Value::exact(std::ranges::min(samples));
        case Function::max:
            return growing(std::ranges::max(samples));
        case Function::stddev:
            return Value::exact(spread_of(samples));
        default:
            return Value::exact(
                protocol::DistributionView::sketched(sketch).quantile(parameter / 100));
    }
}

Value SlowAlerts::change(Function function, const Reading& reading, const GroupLabels& group,
                         std::size_t born, std::size_t at) const {
    const std::size_t needed = std::size_t{reading.window} + reading.offset;
    std::size_t first_at = 0;
    for (std::size_t flush = std::max<std::size_t>(born, 1); flush <= at && first_at == 0;
         ++flush) {
        if (level(reading, group, static_cast<std::int64_t>(flush), false)) first_at = flush;
    }
    if (at < needed) return Value::filling();
    if (first_at == 0 || at - first_at + 1 < needed) {
        const bool is_alive = !points(reading, group, static_cast<std::int64_t>(at)).empty();
        return is_alive ? Value::filling() : Value::no_data();
    }
    std::vector<std::pair<double, double>> levels;  // time, value
    const auto last = static_cast<std::int64_t>(at) - reading.offset;
    for (std::int64_t flush = last - reading.window + 1; flush <= last; ++flush) {
        if (const auto its = level(reading, group, flush, false)) {
            levels.emplace_back(elapsed_until(static_cast<std::size_t>(flush)), *its);
        }
    }
    if (function == Function::delta) {
        if (levels.empty()) return Value::no_data();
        return Value::exact(levels.back().second - levels.front().second);
    }
    if (levels.size() < 2) return Value::no_data();
    const auto count = static_cast<double>(levels.size());
    double time_sum = 0;
    double value_sum = 0;
    for (const auto& [time, number] : levels) {
        time_sum += time;
        value_sum += number;
    }
    const double time_mean = time_sum / count;
    const double value_mean = value_sum / count;
    double products = 0;
    double squares = 0;
    for (const auto& [time, number] : levels) {
        products += (time - time_mean) * (number - value_mean);
        squares += (time - time_mean) * (time - time_mean);
    }
    return Value::exact(products / squares);
}

Value SlowAlerts::value(Function function, double parameter, const Reading& reading,
                        const GroupLabels& group, std::size_t born, std::size_t at) const {
    switch (function) {
        case Function::delta:
        case Function::deriv:
            return change(function, reading, group, born, at);
        case Function::last: {
            if (at <= reading.offset) return Value::filling();
            const auto its = level(reading, group, static_cast<std::int64_t>(at) - reading.offset,
                                   reading.selector.window.has_value());
            if (its) return Value::exact(*its);
            return is_full(reading, at) ? Value::no_data() : Value::filling();
        }
        case Function::series:
            return Value::exact(
                static_cast<double>(points(reading, group, static_cast<std::int64_t>(at)).size()));
        case Function::absent:
        case Function::age:
            break;
        default:
            return pooled(function, parameter, reading, group, at);
    }
    std::size_t sample_at = 0;
    for (std::size_t flush = std::max<std::size_t>(born, 1); flush <= at; ++flush) {
        for (const SlowPoint* const point :
             points(reading, group, static_cast<std::int64_t>(flush))) {
            if (point->updated) sample_at = flush;
        }
    }
    if (function == Function::age) {
        if (sample_at == 0) return Value::no_data();
        return Value::exact(elapsed_until(at) - elapsed_until(sample_at));
    }
    if (sample_at != 0 && at - sample_at < reading.window) return Value::exact(0);
    return at >= reading.window ? Value::exact(1) : Value::filling();
}

SlowAlerts::Side SlowAlerts::function(Function function, double parameter, const Selector& selector,
                                      const Grouping& grouping, std::size_t at) const {
    const Reading its = reading(function, selector, grouping);
    Reading window = its;
    // The window of a value is how old it may be.
    if (function == Function::last && selector.window) window.window = 1;
    Side side{.labels = its.labels, .is_filling = !is_full(its, at)};
    for (const auto& [group, born] : lives(window, at)) {
        side.values[group] = value(function, parameter, its, group, born, at);
    }
    return side;
}

SlowAlerts::Side SlowAlerts::ratio(const Call& call, Selector above, Selector below,
                                   std::size_t at) const {
    if (!above.window) above.window = below.window;
    if (!below.window) below.window = above.window;
    Reading numerators = reading(Function::increase, above, call.grouping);
    Reading denominators = reading(Function::increase, below, call.grouping);
    for (const TagMatch& match : above.matches) {
        if (asks_for(below, match.tag)) continue;
        if (!denominators.labels.is_open) {
            std::erase(denominators.labels.names, match.tag);
            continue;
        }
        for (Labels* const labels : {&numerators.labels, &denominators.labels}) {
            labels->names.push_back(match.tag);
            std::ranges::sort(labels->names);
            const auto repeated = std::ranges::unique(labels->names);
            labels->names.erase(repeated.begin(), repeated.end());
        }
    }
    const auto groups_above = lives(numerators, at);
    const auto groups_below = lives(denominators, at);
    std::set<GroupLabels> groups;
    if (is_subset(denominators.labels, numerators.labels)) {
        for (const auto& [group, born] : groups_above) groups.insert(group);
    }
    if (is_subset(numerators.labels, denominators.labels)) {
        for (const auto& [group, born] : groups_below) groups.insert(group);
    }
    const bool is_filling = !is_full(numerators, at) || !is_full(denominators, at);
    Side side{.labels = *agent::alerts::joined(numerators.labels, denominators.labels),
              .is_filling = is_filling};
    for (const GroupLabels& group : groups) {
        const GroupLabels mine = projected(group, numerators.labels);
        const GroupLabels its = projected(group, denominators.labels);
        const bool has_waited = [&] {
            const auto is_usable = [&](const Reading& each) {
                if (each.offset > 0) return at >= std::size_t{each.window} + each.offset;
                return at >= std::min(each.window, limits::estimate_flushes_min);
            };
            return is_usable(numerators) && is_usable(denominators);
        }();
        const double over = pooled(Function::increase, 0, numerators, mine, at).low;
        const double under = groups_below.contains(its)
                                 ? pooled(Function::increase, 0, denominators, its, at).low
                                 : 0;
        const double least = call.minimum.value_or(0);
        const bool is_enough = least > 0 && numerators.offset == 0 && under >= least;
        if (!has_waited && !is_enough) {
            side.values[group] = Value::filling();
        } else if (under == 0 || under < call.minimum.value_or(0)) {
            side.values[group] = is_filling ? Value::filling() : Value::no_data();
        } else {
            side.values[group] = Value::exact(over / under);
        }
    }
    return side;
}

SlowAlerts::Side SlowAlerts::smoothed(const Expression& expression, const Call& call,
                                      std::size_t at) const {
    const double alpha = std::get<Number>(expression[call.arguments[1]].what).value;
    const auto* const selector = std::get_if<Selector>(&expression[call.arguments[0]].what);
    std::map<GroupLabels, double> memory;
    Side result;
    for (std::size_t flush = 1; flush <= at; ++flush) {
        const Side inner = selector != nullptr
                               ? function(Function::last, 0, *selector, call.grouping, flush)
                               : evaluate(expression, call.arguments[0], flush);
        std::map<GroupLabels, double> next;
        result = {.labels = inner.labels, .is_filling = inner.is_filling};
        for (const auto& [group, value] : inner.values) {
            const auto known = memory.find(group);
            if (value.is_exact()) {
                next[group] = known == memory.end()
                                  ? value.low
                                  : alpha * value.low + (1 - alpha) * known->second;
                result.values[group] = Value::exact(next[group]);
                continue;
            }
            if (known != memory.end()) next[group] = known->second;
            const bool stands = known != memory.end() && value.known == Known::no_data;
            result.values[group] = stands                        ? Value::exact(known->second)
                                   : value.known == Known::value ? Value::filling()
                                                                 : value;
        }
        memory = std::move(next);
    }
    return result;
}

// --- expressions

SlowAlerts::Side SlowAlerts::call(const Expression& expression, const Call& call,
                                  std::size_t at) const {
    const auto argument = [&](std::size_t number) {
        return evaluate(expression, call.arguments[number], at);
    };
    const auto each = [](Side side, Value (*changed)(const Value&)) {
        for (auto& [group, value] : side.values) value = changed(value);
        return side;
    };
    const auto selector = [&](std::size_t number) {
        return std::get<Selector>(expression[call.arguments[number]].what);
    };
    switch (call.function) {
        case Function::abs:
            return each(argument(0), absolute);
        case Function::floor:
            return each(argument(0), rounded_down);
        case Function::ceil:
            return each(argument(0), rounded_up);
        case Function::log10:
            return each(argument(0), logarithm);
        case Function::ewma:
            return smoothed(expression, call, at);
        case Function::ratio:
            return ratio(call, selector(0), selector(1), at);
        case Function::clamp: {
            Side side = argument(0);
            const Value low = argument(1).values.begin()->second;
            const Value high = argument(2).values.begin()->second;
            for (auto& [group, value] : side.values) value = least(largest(value, low), high);
            return side;
        }
        default:
            break;
    }
    double parameter = call.rank.value_or(0);
    if (call.function == Function::count_over) {
        parameter = std::get<Number>(expression[call.arguments[1]].what).value;
    }
    return function(call.function, parameter, selector(0), call.grouping, at);
}

SlowAlerts::Side SlowAlerts::as_condition(Side side) {
    if (!side.truths.empty()) return side;
    for (const auto& [group, value] : side.values) {
        side.truths[group] = compared(BinaryOperator::not_equal, value, Value::exact(0));
    }
    side.values.clear();
    return side;
}

SlowAlerts::Side SlowAlerts::joined(BinaryOperator operation, const Side& left,
                                    const Side& right) const {
    Side side{.labels = *agent::alerts::joined(left.labels, right.labels),
              .is_filling = left.is_filling || right.is_filling};
    std::set<GroupLabels> groups;
    const auto take = [&](const Side& from) {
        for (const auto& [group, value] : from.values) groups.insert(group);
        for (const auto& [group, truth] : from.truths) groups.insert(group);
    };
    if (is_subset(right.labels, left.labels)) take(left);
    if (is_subset(left.labels, right.labels)) take(right);
    for (const GroupLabels& group : groups) {
        const GroupLabels mine = projected(group, left.labels);
        const GroupLabels its = projected(group, right.labels);
        if (is_logical(operation)) {
            const auto decide = operation == BinaryOperator::logical_and ? both : either;
            side.truths[group] = decide(left.truth_of(mine), right.truth_of(its));
            continue;
        }
        const Value one = left.value_of(mine);
        const Value other = right.value_of(its);
        if (is_comparison(operation)) {
            side.truths[group] = compared(operation, one, other);
        } else {
            side.values[group] = calculated(operation, one, other);
        }
    }
    return side;
}

SlowAlerts::Side SlowAlerts::evaluate(const Expression& expression, NodeId node,
                                      std::size_t at) const {
    const auto& what = expression[node].what;
    if (const auto* const number = std::get_if<Number>(&what)) {
        Side side;
        side.values[{}] = Value::exact(number->value);
        return side;
    }
    if (const auto* const selector = std::get_if<Selector>(&what)) {
        return function(Function::last, 0, *selector,
                        {.mode = Grouping::Mode::by_series, .tags = {}}, at);
    }
    if (const auto* const its = std::get_if<Call>(&what)) return call(expression, *its, at);
    if (const auto* const unary = std::get_if<Unary>(&what)) {
        Side side = evaluate(expression, unary->operand, at);
        if (unary->operation == UnaryOperator::logical_not) side = as_condition(std::move(side));
        for (auto& [group, value] : side.values) value = negated(value);
        for (auto& [group, truth] : side.truths) truth = inverted(truth);
        return side;
    }
    if (const auto* const between = std::get_if<Between>(&what)) {
        const Side value = evaluate(expression, between->value, at);
        return joined(
            BinaryOperator::logical_and,
            joined(BinaryOperator::greater_equal, value, evaluate(expression, between->low, at)),
            joined(BinaryOperator::less_equal, value, evaluate(expression, between->high, at)));
    }
    const auto& binary = std::get<Binary>(what);
    Side left = evaluate(expression, binary.left, at);
    Side right = evaluate(expression, binary.right, at);
    if (is_logical(binary.operation)) {
        left = as_condition(std::move(left));
        right = as_condition(std::move(right));
    }
    return joined(binary.operation, left, right);
}

}  // namespace pitot::tests
