#include "agent/alerts/channels/template_filters.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "agent/human.h"
#include "sinks/json_writer.h"
#include "sinks/number_text.h"

namespace pitot::agent::alerts::channels {
namespace {

// In the base of its dimension: seconds, bytes, a share of one.
double in_base(double value, const Unit& unit) {
    return value * unit.times / unit.per;
}

std::string without_value() {
    return "no data";
}

Datum text_datum(std::string text) {
    return {.is_number = false, .number = {}, .unit = {}, .text = std::move(text)};
}

std::string quoted_as_json(const std::string& text) {
    std::string out;
    sinks::JsonWriter(out).text(text);
    return out;
}

std::string upper_case(std::string text) {
    for (char& letter : text) {
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    return text;
}

double rounded(double value, double decimals) {
    const double scale = std::pow(10.0, decimals);
    const double scaled = value * scale;
    // Beyond 2^53 every double is whole.
    return std::isfinite(scaled) ? std::round(scaled) / scale : value;
}

}  // namespace

std::string plain_number(double value) {
    if (!std::isfinite(value)) return "?";
    std::string out;
    if (std::trunc(value) != value || std::abs(value) >= 1e15) {
        out = fmt::format("{:.6g}", value);
        if (out.find('e') == std::string::npos) return out;
        out.clear();
    }
    sinks::append_number(value, out);
    return out;
}

std::string percentage(double share) {
    if (!std::isfinite(share)) return "?";
    const double percent = rounded(share * 100, std::abs(share) < 0.001 ? 4 : 2);
    return plain_number(percent == 0 ? 0 : percent) + "%";
}

std::string duration_text(double seconds) {
    if (!std::isfinite(seconds)) return "?";
    return seconds < 0 ? "-" + human_duration(-seconds) : human_duration(seconds);
}

std::string humanized(double value, const Unit& unit) {
    switch (unit.dimension) {
        case Dimension::time:
            return duration_text(in_base(value, unit));
        case Dimension::bytes:
            return human_bytes(in_base(value, unit));
        case Dimension::share:
            return percentage(in_base(value, unit));
        case Dimension::none:
            break;
    }
    return human_number(value);
}

std::string Datum::shown() const {
    if (!is_number) return text;
    return number ? plain_number(*number) : without_value();
}

Datum filtered(Datum datum, const FilterCall& call) {
    if (call.filter == Filter::otherwise) {
        if (!datum.is_missing() || !call.argument) return datum;
        if (!call.argument->is_number) return text_datum(call.argument->text);
        return {.is_number = true, .number = call.argument->number, .unit = {}, .text = {}};
    }
    if (call.filter == Filter::json) {
        if (!datum.is_number) return text_datum(quoted_as_json(datum.text));
        return text_datum(datum.number && std::isfinite(*datum.number) ? datum.shown() : "null");
    }
    if (!datum.is_number) {
        // The parser lets no other filter come to a text.
        return call.filter == Filter::upper ? text_datum(upper_case(std::move(datum.text))) : datum;
    }
    if (!datum.number) return datum;
    const double value = *datum.number;
    switch (call.filter) {
        case Filter::percent:
            return text_datum(percentage(
                datum.unit.dimension == Dimension::share ? in_base(value, datum.unit) : value));
        case Filter::humanize:
            return text_datum(humanized(value, datum.unit));
        case Filter::bytes:
            return text_datum(human_bytes(
                datum.unit.dimension == Dimension::bytes ? in_base(value, datum.unit) : value));
        case Filter::duration:
            return text_datum(duration_text(
                datum.unit.dimension == Dimension::time ? in_base(value, datum.unit) : value));
        case Filter::round:
            datum.number = rounded(value, call.argument ? call.argument->number : 0);
            return datum;
        default:
            return datum;
    }
}

}  // namespace pitot::agent::alerts::channels
