// What the filters of templates make of a number or a text. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/alerts/channels/template.h"
#include "agent/alerts/unit.h"

namespace pitot::agent::alerts::channels {

// A number for reading: "312", "0.07", at most six digits that matter.
std::string plain_number(double value);
// By its unit: "312 ms", "1.20 GiB", "7%", "12.3 k".
std::string humanized(double value, const Unit& unit);
// "2 m 5 s", "-250 ms"
std::string duration_text(double seconds);
// A share of one as "7%", "12.5%".
std::string percentage(double share);

// What a filter works on: a field, or what the filter before it has made of one.
struct Datum {
    bool is_number = false;
    std::optional<double> number;  // of a number: nothing where there is none
    Unit unit = {};                // of a number
    std::string text;              // of a text

    bool is_missing() const { return is_number ? !number : text.empty(); }
    // What a reader sees of it.
    std::string shown() const;
};

Datum filtered(Datum datum, const FilterCall& call);

}  // namespace pitot::agent::alerts::channels
