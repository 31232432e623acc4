// Compares text with a file of tests/data/golden, line by line.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace pitot::tests {

// `name` below tests/data/golden: "prometheus/all_kinds.txt".
inline void check_golden(const std::string& name, std::string_view actual) {
    const std::string path = std::string(PITOT_SOURCE_DIR) + "/tests/data/golden/" + name;
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.is_open(), path << " is missing; the text is:\n" << actual);
    std::ostringstream content;
    content << file.rdbuf();
    const std::string expected = content.str();
    CHECK_MESSAGE(expected == actual, path << " differs; the text is:\n" << actual);
}

}  // namespace pitot::tests
