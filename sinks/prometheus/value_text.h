// Values as both formats have them: the shortest text that reads back, or NaN, +Inf, -Inf.
#pragma once

#include <cmath>
#include <string>

#include "sinks/number_text.h"
#include "sinks/text_writer.h"

namespace pitot::sinks::prometheus {

// To where there are number_bytes_max bytes; the result is its end.
inline char* write_value(double value, char* at) {
    if (std::isfinite(value)) return write_number(value, at);
    return write_bytes(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", at);
}

inline void append_value(double value, std::string& out) {
    char text[number_bytes_max];
    out.append(text, write_value(value, text));
}

}  // namespace pitot::sinks::prometheus
