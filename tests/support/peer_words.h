// What other servers of StatsD call the numbers of a series, in ours: used to compare the
// aggregating corpus (tests/agent/cli/aggregate_comparison.h, which states the rules).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "protocol/distribution.h"
#include "protocol/snapshot.h"

namespace pitot::tests {

using protocol::DistributionView;

inline bool starts_with_digit(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

// Words for which we have no number.
inline bool has_no_counterpart(std::string_view word) {
    if (word.ends_with(".hmean")) return true;
    const bool lower = word.starts_with("lower_top");
    if (word.find("_top") != std::string_view::npos) return !lower;
    for (const std::string_view part : {"count_", "mean_", "sum_", "sum_squares_"}) {
        if (word.starts_with(part) && starts_with_digit(word.substr(part.size()))) return true;
    }
    return false;
}

using Tags = std::multiset<std::string>;

// "x", "x{a:1,b}" or "x;a=1;b=2".
struct WrittenName {
    explicit WrittenName(std::string_view text) {
        const std::size_t end = text.find_first_of("{;");
        name = text.substr(0, end);
        if (end == std::string_view::npos) return;
        const bool braces = text[end] == '{';
        std::istringstream rest(std::string(text.substr(end + 1, text.size() - end - 1 - braces)));
        for (std::string tag; std::getline(rest, tag, braces ? ',' : ';');) {
            if (!braces) tag.replace(tag.find('='), 1, ":");
            tags.insert(tag);
        }
    }

    std::string name;
    Tags tags;
};

inline Tags tags_of(const protocol::Series& series, bool bare_is_true) {
    Tags tags;
    for (const protocol::Tag tag : series.tags()) {
        std::string text(tag.key);
        if (tag.has_value) text.append(":").append(tag.value);
        if (!tag.has_value && bare_is_true) text.append(":true");
        tags.insert(text);
    }
    return tags;
}

struct Got {
    double number = 0;
    double relative_error = 0;
};

inline bool agrees(const Got& got, double wanted) {
    const double slack = 1e-9 * std::max(1.0, std::abs(wanted));
    return std::abs(got.number - wanted) <= slack + got.relative_error * std::abs(wanted);
}

inline Got percentile(const DistributionView& values, double percent) {
    return {values.quantile(percent / 100), values.relative_error()};
}

// The number between what stands before and behind it: "p90", "90_percentile".
inline std::optional<double> number_between(std::string_view text, std::string_view before,
                                            std::string_view behind) {
    if (!text.starts_with(before) || !text.ends_with(behind)) return std::nullopt;
    text.remove_prefix(before.size());
    text.remove_suffix(std::min(text.size(), behind.size()));
    if (!starts_with_digit(text)) return std::nullopt;
    std::string digits(text);
    std::ranges::replace(digits, '_', '.');  // upper_99_9
    std::size_t used = 0;
    const double number = std::stod(digits, &used);
    return used == digits.size() ? std::optional(number) : std::nullopt;
}

// How many values came, where some were left out that only the count tells.
inline double values_seen(const DistributionView& values) {
    if (values.sum() == values.total_sum()) return values.count();
    return std::round(values.count() * values.sum() / values.total_sum());
}

inline std::optional<Got> percentile_named(const DistributionView& values, std::string_view word) {
    // The value at a rank. A threshold that no value is within has none; a single value is
    // within each.
    const double count = values_seen(values);
    const auto at_rank = [&](double rank) -> std::optional<Got> {
        if (count == 1) rank = 1;
        if (rank < 1 || rank > count) return std::nullopt;
        return Got{values.quantile(rank / count), values.relative_error()};
    };
    if (const auto top = number_between(word, "lower_top", "")) {
        return at_rank(count - std::floor(*top / 100 * count + 0.5) + 1);
    }
    if (const auto below = number_between(word, "upper_", "")) {
        return at_rank(std::floor(*below / 100 * count + 0.5));
    }
    constexpr std::array<std::array<std::string_view, 2>, 4> forms{
        {{"", "percentile"}, {"", "_percentile"}, {"percentile.", ""}, {"p", ""}}};
    for (const auto& [before, behind] : forms) {
        if (const auto at = number_between(word, before, behind)) return percentile(values, *at);
    }
    return std::nullopt;
}

inline std::optional<Got> statistic(const DistributionView& values, std::string_view word,
                                    double elapsed_s) {
    const double count = values.count();
    const double mean = values.mean();
    const double spread = values.standard_deviation();
    if (word == "count") return Got{count};
    if (word == "sum") return Got{values.sum()};
    if (word == "lower" || word == "min") return Got{values.minimum()};
    if (word == "upper" || word == "max") return Got{values.maximum()};
    if (word == "mean" || word == "avg") return Got{mean};
    if (word == "std" || word == "stddev" || word == "stdev") return Got{spread};
    if (word == "sum_squares" || word == "sum_sq") {
        return Got{values_seen(values) * (spread * spread + mean * mean)};
    }
    if (word == "count_ps" || word == "per_second" || word == "sample_rate") {
        return Got{count / elapsed_s};
    }
    if (word == "rate") return Got{values.sum() / elapsed_s};
    if (word == "median") return percentile(values, 50);
    return percentile_named(values, word);
}

}  // namespace pitot::tests
