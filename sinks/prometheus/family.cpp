#include "sinks/prometheus/family.h"

#include <array>
#include <utility>

#include "sinks/glob.h"
#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;

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

void write_family_name(std::string_view name, Kind kind, const ExpositionSettings& settings,
                       std::string& out) {
    // The prefix takes part: "http_" before "2xx" leaves no leading digit to mend.
    write_metric_name(settings.prefix, name, out);
    std::string_view suffix;
    if (kind == Kind::counter) suffix = settings.counter_suffix;
    if (kind == Kind::timer) suffix = "_seconds";
    if (!out.ends_with(suffix)) out += suffix;
}

Classified classify(const protocol::Series& series, const ExpositionSettings& settings) {
    Classified out;
    write_family_name(series.name(), series.kind, settings, out.name);
    switch (series.kind) {
        case Kind::counter:
            out.type = FamilyType::counter;
            return out;
        case Kind::gauge:
        case Kind::set:
            out.type = FamilyType::gauge;
            return out;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            break;
    }
    out.rule = matching_rule(series.name(), settings.rules);
    const bool is_histogram =
        out.rule != no_rule && settings.rules[out.rule].form == Form::histogram;
    out.type = is_histogram ? FamilyType::histogram : FamilyType::summary;
    return out;
}

std::string_view suffix_of(NamePart part) noexcept {
    constexpr std::array<std::string_view, 5> suffixes{"", "_sum", "_count", "_bucket", "_created"};
    return suffixes[std::to_underlying(part)];
}

std::span<const NamePart> parts_of(FamilyType type, bool open_metrics) noexcept {
    using enum NamePart;
    static constexpr std::array all{own, sum, count, bucket, created};
    static constexpr std::array of_summary{own, sum, count, created};
    const std::size_t without_created = open_metrics ? 0 : 1;
    switch (type) {
        case FamilyType::counter:
        case FamilyType::gauge:
            return std::span(all).first(1);
        case FamilyType::summary:
            return std::span(of_summary).first(of_summary.size() - without_created);
        case FamilyType::histogram:
            return std::span(all).first(all.size() - without_created);
    }
    std::unreachable();
}

std::optional<OpenMetricsCounterNames> open_metrics_counter_names(std::string_view name) {
    constexpr std::string_view suffix = "_total";
    if (name.size() <= suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    std::string family(name.substr(0, name.size() - suffix.size()));
    std::string created = family + "_created";
    return OpenMetricsCounterNames{.family = std::move(family), .created = std::move(created)};
}

}  // namespace pitot::sinks::prometheus
