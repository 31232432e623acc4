#include "sinks/prometheus/family.h"

#include <array>
#include <utility>

#include "sinks/glob.h"
#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;

std::string with_suffix(std::string name, std::string_view suffix) {
    if (!name.ends_with(suffix)) name += suffix;
    return name;
}

std::uint32_t matching_rule(std::string_view name, const std::vector<FormRule>& rules) {
    for (std::uint32_t index = 0; index < rules.size(); ++index) {
        if (glob_matches(rules[index].match, name)) return index;
    }
    return no_rule;
}

}  // namespace

std::vector<double> default_buckets() {
    return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

std::string_view to_string(FamilyType type) noexcept {
    constexpr std::array<std::string_view, 4> names{"counter", "gauge", "summary", "histogram"};
    return names[std::to_underlying(type)];
}

Classified classify(const protocol::Series& series, const ExpositionSettings& settings) {
    Classified out;
    // The prefix takes part: "http_" before "2xx" leaves no leading digit to mend.
    std::string raw = settings.prefix;
    raw += series.name;
    out.name = metric_name(raw);
    switch (series.kind) {
        case Kind::counter:
            out.type = FamilyType::counter;
            out.name = with_suffix(std::move(out.name), settings.counter_suffix);
            return out;
        case Kind::gauge:
        case Kind::set:
            out.type = FamilyType::gauge;
            return out;
        case Kind::timer:
            out.name = with_suffix(std::move(out.name), "_seconds");
            break;
        case Kind::histogram:
        case Kind::distribution:
            break;
    }
    out.rule = matching_rule(series.name, settings.rules);
    const bool is_histogram =
        out.rule != no_rule && settings.rules[out.rule].form == Form::histogram;
    out.type = is_histogram ? FamilyType::histogram : FamilyType::summary;
    return out;
}

std::vector<std::string> claimed_names(std::string_view name, FamilyType type, bool open_metrics) {
    std::vector<std::string> names{std::string(name)};
    if (type != FamilyType::summary && type != FamilyType::histogram) return names;
    names.push_back(names.front() + "_sum");
    names.push_back(names.front() + "_count");
    if (type == FamilyType::histogram) names.push_back(names.front() + "_bucket");
    if (open_metrics) names.push_back(names.front() + "_created");
    return names;
}

std::vector<std::string> open_metrics_counter_names(std::string_view name) {
    constexpr std::string_view suffix = "_total";
    if (name.size() <= suffix.size() || !name.ends_with(suffix)) return {};
    const std::string family(name.substr(0, name.size() - suffix.size()));
    return {family, family + "_created"};
}

}  // namespace pitot::sinks::prometheus
