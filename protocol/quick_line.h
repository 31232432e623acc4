// Reads the usual metric line: one value, one type, perhaps a rate, perhaps tags.
//
//     name:value|type
//     name:value|type|#tags
//     name:value|type|@rate|#tags
//
// Nearly all lines of the world are of these forms, and reading them by the marks of
// line_marks.h takes a tenth of what Parser takes. What is not usual (packed values, sets,
// timestamps, origins, anything but ASCII, whatever is wrong) is left to Parser: read_quickly()
// says false, which means nothing but that. What it does read, it reads as Parser does, in
// every dialect; tests/protocol/quick_line_test.cpp and a fuzzer hold it to that.
//
// Does not split tags, and does not allocate, throw or read past the line. Any thread.
#pragma once

#include <string_view>

#include "protocol/line_marks.h"
#include "protocol/sample.h"

namespace pitot::protocol {

// What such a line says. Views are into the line.
struct QuickLine {
    std::string_view name = {};
    std::string_view tags = {};
    double value = 0;  // finite, also divided by the rate
    double sample_rate = 1;
    Kind kind = Kind::counter;
    bool gauge_is_delta = false;
};

[[nodiscard]] bool read_quickly(const LineMark& mark, const Reading& reading,
                                QuickLine& out) noexcept;

}  // namespace pitot::protocol
