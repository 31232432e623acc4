// The numbers protocol/number.h reads: rows for the grammar, and a comparison with strtod
// on random texts for the value.
#include "protocol/number.h"
#include "protocol/short_number.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace {

using pitot::protocol::parse_number;
using pitot::protocol::parse_whole;

struct Row {
    int source_line;
    std::string_view text;
    double value;
};

TEST_CASE("numbers that are accepted") {
    constexpr double denormal_min = std::numeric_limits<double>::denorm_min();
    const Row rows[] = {
        {__LINE__, "0", 0},
        {__LINE__, "-0", 0},
        {__LINE__, "1", 1},
        {__LINE__, "+1", 1},
        {__LINE__, "-1", -1},
        {__LINE__, "007", 7},
        {__LINE__, "000.0100", 0.01},
        {__LINE__, ".5", 0.5},
        {__LINE__, "5.", 5},
        {__LINE__, "-.5", -0.5},
        {__LINE__, "1e3", 1000},
        {__LINE__, "1E3", 1000},
        {__LINE__, "1e+21", 1e21},
        {__LINE__, "1e-7", 1e-7},
        {__LINE__, "1.e2", 100},
        {__LINE__, "+10e1", 100},
        {__LINE__, "0.30000000000000004", 0.30000000000000004},
        {__LINE__, "9007199254740993", 9007199254740992.0},
        {__LINE__, "123456789012345678901234567890", 123456789012345678901234567890.0},
        {__LINE__, "18446744073709551616", 18446744073709551616.0},
        {__LINE__, "1.7976931348623157e308", std::numeric_limits<double>::max()},
        {__LINE__, "2.2250738585072014e-308", std::numeric_limits<double>::min()},
        {__LINE__, "4.9406564584124654e-324", denormal_min},
        {__LINE__, "1e-400", 0},
        {__LINE__, "-1e-400", 0},
        {__LINE__, "1e-99999999999999999999", 0},
        {__LINE__, "0e99999999999999999999", 0},
        {__LINE__, "0.000000000000000000000000000000000000000000001e45", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        double value = 99;
        REQUIRE(parse_number(row.text, value));
        CHECK(value == row.value);
    }
}

TEST_CASE("texts that are no number") {
    const std::string_view texts[] = {"",
                                      " ",
                                      "+",
                                      "-",
                                      ".",
                                      "e",
                                      "e5",
                                      ".e5",
                                      "1e",
                                      "1e+",
                                      "1e-",
                                      "1e5.",
                                      "1.2.3",
                                      "1,5",
                                      " 1",
                                      "1 ",
                                      "1\n",
                                      "1a",
                                      "--1",
                                      "+-1",
                                      "1-",
                                      "0x10",
                                      "0x1p-2",
                                      "1_000",
                                      "nan",
                                      "NaN",
                                      "inf",
                                      "-Inf",
                                      "infinity",
                                      "1d1",
                                      "1e5e5",
                                      "1e309",
                                      "-1e309",
                                      "1.8e308",
                                      "abc",
                                      "-",
                                      "1e99999999999999999999",
                                      "\xD9\xA1"};
    for (const std::string_view text : texts) {
        CAPTURE(text);
        double value = 99;
        CHECK_FALSE(parse_number(text, value));
        CHECK(value == 99);
    }
}

TEST_CASE("whether a long number is large or small does not depend on its zeros") {
    const std::string zeros(2'000, '0');
    double value = 99;
    CHECK(parse_number(zeros + "1e-400", value));
    CHECK(value == 0);
    CHECK(parse_number("0." + zeros + "1e2001", value));
    CHECK(value == 1);
    CHECK(parse_number("0." + zeros + "1e1000", value));
    CHECK(value == 0);
    CHECK_FALSE(parse_number("1" + zeros, value));
    CHECK(parse_number("1" + zeros + "e-2000", value));
    CHECK(value == 1);
}

// A text that looks like a number, and often sits where rounding is decided.
std::string random_number(std::mt19937_64& random) {
    const auto below = [&](std::uint64_t bound) { return random() % bound; };
    std::string text;
    if (below(4) == 0) text += below(2) == 0 ? '-' : '+';
    const std::uint64_t integer_digits = below(3) == 0 ? below(30) : below(8);
    const std::uint64_t fraction_digits = below(3) == 0 ? below(30) : below(8);
    for (std::uint64_t i = 0; i < integer_digits; ++i) text += static_cast<char>('0' + below(10));
    if (below(2) == 0) {
        text += '.';
        for (std::uint64_t i = 0; i < fraction_digits; ++i) {
            text += static_cast<char>('0' + below(10));
        }
    }
    if (below(3) == 0) {
        text += below(2) == 0 ? 'e' : 'E';
        if (below(2) == 0) text += below(2) == 0 ? '-' : '+';
        text += std::to_string(below(below(2) == 0 ? 30 : 340));
    }
    return text;
}

void check_against_strtod(const std::string& text) {
    char* end = nullptr;
    const double expected = std::strtod(text.c_str(), &end);
    const bool whole = !text.empty() && end == text.c_str() + text.size();
    double value = 99;
    const bool accepted = parse_number(text, value);
    const bool same = accepted ? whole && std::bit_cast<std::uint64_t>(value) ==
                                              std::bit_cast<std::uint64_t>(expected)
                               : !whole || !std::isfinite(expected);
    if (!same) FAIL_CHECK("strtod reads ", text, " as ", expected, ", parse_number as ", value);
}

TEST_CASE("the value is strtod's, to the last bit") {
    std::mt19937_64 random(20'240'607);
    for (int i = 0; i < 1'000'000; ++i) check_against_strtod(random_number(random));
    for (int i = 0; i < 300'000; ++i) {
        const auto value = std::bit_cast<double>(random());
        if (!std::isfinite(value)) continue;
        char text[64];
        std::snprintf(text, sizeof text, "%.17g", value);
        check_against_strtod(text);
        std::snprintf(text, sizeof text, "%.16g", value);
        check_against_strtod(text);
    }
}

TEST_CASE("a short number is read as any number is, whatever stands before it") {
    using pitot::protocol::parse_short_number;
    using pitot::protocol::short_number_bytes_max;
    std::mt19937 random(3);
    constexpr std::string_view bytes = "0123456789.0123456789.-+e:/ \xB9";
    std::size_t read = 0;
    for (int i = 0; i < 200'000; ++i) {
        std::string text;
        for (std::size_t j = 0; j < 12; ++j)
            text += bytes[random() % (i % 2 == 0 ? 22 : bytes.size())];
        const std::size_t size = random() % (short_number_bytes_max + 1);
        double quick = 0;
        if (!parse_short_number(text, size, quick)) continue;
        double plain = -1;
        REQUIRE(parse_number(std::string_view(text).substr(text.size() - size), plain));
        REQUIRE(std::bit_cast<std::uint64_t>(quick) == std::bit_cast<std::uint64_t>(plain));
        ++read;
    }
    CHECK(read > 50'000);
    double value = 0;
    for (const std::string_view plain : {"12345678", "1234.567", "0.000001", "7", ".5"}) {
        CHECK(parse_short_number("xxxxxxxx" + std::string(plain), plain.size(), value));
    }
}

TEST_CASE("whole numbers") {
    std::uint64_t value = 99;
    CHECK(parse_whole("0", value));
    CHECK(value == 0);
    CHECK(parse_whole("0001", value));
    CHECK(value == 1);
    CHECK(parse_whole("18446744073709551615", value));
    CHECK(value == 18'446'744'073'709'551'615ULL);
    for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "a",
                                        "18446744073709551616", "99999999999999999999999"}) {
        CAPTURE(text);
        value = 99;
        CHECK_FALSE(parse_whole(text, value));
        CHECK(value == 99);
    }
}

}  // namespace
