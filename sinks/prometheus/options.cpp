#include "sinks/prometheus/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {
namespace {

FormRule read_rule(Options& options) {
    constexpr std::array<std::string_view, 2> forms{"summary", "histogram"};
    constexpr double largest = std::numeric_limits<double>::max();
    FormRule rule;
    rule.match = options.required_text("match");
    rule.form = static_cast<Form>(options.choice("form", 1, forms));
    rule.buckets = options.numbers("buckets", default_buckets(), -largest, largest);
    const auto disorder = std::ranges::adjacent_find(rule.buckets, std::greater_equal<>());
    if (disorder != rule.buckets.end()) {
        options.problem("buckets", fmt::format("must ascend, got {} before {}", *disorder,
                                               *std::next(disorder)));
    }
    if (rule.form == Form::summary && options.has("buckets")) {
        options.warning("buckets", "has no meaning where form is \"summary\"");
    }
    return rule;
}

}  // namespace

ExpositionSettings read_exposition_options(Options& options) {
    constexpr std::array<std::string_view, 2> suffixes{"_total", ""};
    ExpositionSettings settings;
    settings.prefix = options.text("prefix", "");
    if (!settings.prefix.empty() && !is_metric_name(settings.prefix)) {
        options.problem("prefix", fmt::format("must begin with a letter or '_' and go on with "
                                              "letters, digits, '_' and ':', got \"{}\"",
                                              settings.prefix));
    }
    settings.counter_suffix = suffixes[options.choice("counter_suffix", 0, suffixes)];
    options.each_table("rules",
                       [&](Options& table) { settings.rules.push_back(read_rule(table)); });
    return settings;
}

}  // namespace pitot::sinks::prometheus
