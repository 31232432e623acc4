#include "agent/alerts/definition.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/alerts/glob.h"

namespace pitot::agent::alerts {

namespace {

// Whether the first comparison, in the order of reading, is true of small values.
std::optional<bool> wants_least(const Expression& expression, NodeId node) {
    const auto& what = expression[node].what;
    if (const auto* const unary = std::get_if<Unary>(&what)) {
        const auto inside = wants_least(expression, unary->operand);
        if (!inside || unary->operation != UnaryOperator::logical_not) return inside;
        return !*inside;
    }
    const auto* const binary = std::get_if<Binary>(&what);
    if (binary == nullptr) return std::nullopt;
    if (is_comparison(binary->operation)) {
        return binary->operation == BinaryOperator::less ||
               binary->operation == BinaryOperator::less_equal;
    }
    if (!is_logical(binary->operation)) return std::nullopt;
    const auto left = wants_least(expression, binary->left);
    return left ? left : wants_least(expression, binary->right);
}

// Feeds that are equal share a window.
class FeedSum {
public:
    void add(const Program& program, std::size_t groups) {
        for (const Feed& feed : program.feeds) {
            const std::size_t own =
                feed.labels.is_empty() ? 1 : std::max(groups, feed.expected.size());
            const auto known = std::ranges::find_if(
                feeds_, [&](const Counted& counted) { return *counted.feed == feed; });
            if (known == feeds_.end()) {
                feeds_.push_back({&feed, own});
            } else {
                known->groups = std::max(known->groups, own);
            }
        }
    }
    void add(const Rule& rule) {
        for (const Level& level : rule.levels) {
            add(level.condition, rule.instances_max);
            if (level.clear) add(*level.clear, rule.instances_max);
        }
    }
    std::size_t bytes() const {
        std::size_t bytes = 0;
        for (const Counted& counted : feeds_) {
            bytes += group_bytes_max(*counted.feed) * counted.groups;
        }
        return bytes;
    }

private:
    struct Counted {
        const Feed* feed = nullptr;
        std::size_t groups = 0;
    };
    std::vector<Counted> feeds_;
};

}  // namespace

std::function<std::optional<Unit>(std::string_view)> unit_lookup(std::vector<MetricUnit> units) {
    return [units = std::move(units)](std::string_view metric) -> std::optional<Unit> {
        const auto exact = std::ranges::find(units, metric, &MetricUnit::metric);
        if (exact != units.end()) return exact->unit;
        std::vector<std::string_view> captures;
        const auto glob = std::ranges::find_if(units, [&](const MetricUnit& unit) {
            return is_glob(unit.metric) && matches_name_glob(unit.metric, metric, captures);
        });
        if (glob == units.end()) return std::nullopt;
        return glob->unit;
    };
}

std::size_t state_bytes(const Rule& rule) {
    FeedSum sum;
    sum.add(rule);
    return sum.bytes();
}

std::size_t state_bytes(const DerivedSeries& derived) {
    FeedSum sum;
    sum.add(derived.expression, derived_groups);
    return sum.bytes();
}

std::size_t state_bytes(const AlertsConfig& config) {
    FeedSum sum;
    for (const RuleDefinition& definition : config.rules) sum.add(definition.rule);
    for (const DerivedSeries& derived : config.derived) {
        sum.add(derived.expression, derived_groups);
    }
    return sum.bytes();
}

bool worst_is_least(const Expression& expression) {
    return wants_least(expression, expression.root).value_or(false);
}

}  // namespace pitot::agent::alerts
