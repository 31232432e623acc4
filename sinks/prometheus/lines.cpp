#include "sinks/prometheus/lines.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace pitot::sinks::prometheus {
namespace {

// The last label of a line and its end: quantile="0.5"}
std::string labelled(std::string_view name, std::string_view value) {
    std::string text(name);
    text += "=\"";
    text += value;
    text += "\"} ";
    return text;
}

}  // namespace

std::string canonical_label_value(double value) {
    // Go's format 'g' of the shortest digits: an exponent below 1e-4 and from 1e6 on.
    const double size = std::abs(value);
    const bool has_exponent = size != 0 && (size < 1e-4 || size >= 1e6);
    std::array<char, 64> text{};
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), value,
                      has_exponent ? std::chars_format::scientific : std::chars_format::fixed);
    std::string out(text.data(), written.ptr);
    if (!has_exponent && !out.contains('.')) out += ".0";
    return out;
}

void Lines::add(NamePart part, std::string last_label) {
    own_bytes_ += suffix_of(part).size() + last_label.size();
    if (!last_label.empty()) ++labelled_;
    lines_.push_back({.part = suffix_of(part), .last_label = std::move(last_label)});
}

LinesByType::LinesByType(const ExpositionSettings& settings) {
    single_.add(NamePart::own);
    for (const double quantile : settings.quantiles) {
        summary_.add(NamePart::own, labelled("quantile", canonical_label_value(quantile)));
    }
    summary_.add(NamePart::sum);
    summary_.add(NamePart::count);
    for (const FormRule& rule : settings.rules) {
        Lines& lines = of_rules_.emplace_back();
        for (const double bound : rule.buckets) {
            lines.add(NamePart::bucket, labelled("le", canonical_label_value(bound)));
        }
        lines.add(NamePart::bucket, labelled("le", "+Inf"));
        lines.add(NamePart::sum);
        lines.add(NamePart::count);
    }
}

}  // namespace pitot::sinks::prometheus
