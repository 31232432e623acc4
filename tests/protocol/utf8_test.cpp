// Which bytes are UTF-8 (protocol/utf8.h): the edges of every row of RFC 3629's table.
#include "protocol/utf8.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;
using pitot::protocol::is_ascii;
using pitot::protocol::is_utf8;
using pitot::protocol::utf16_prefix;
using pitot::protocol::utf8_prefix;

TEST_CASE("the edges of the table") {
    struct Row {
        int source_line;
        const char* says;
        std::string_view bytes;
        bool valid;
    };
    const Row rows[] = {
        {__LINE__, "nothing", "", true},
        {__LINE__, "a NUL", "\0"sv, true},
        {__LINE__, "U+007F", "\x7F", true},
        {__LINE__, "a continuation alone", "\x80", false},
        {__LINE__, "overlong NUL", "\xC0\x80", false},
        {__LINE__, "overlong U+007F", "\xC1\xBF", false},
        {__LINE__, "U+0080", "\xC2\x80", true},
        {__LINE__, "U+07FF", "\xDF\xBF", true},
        {__LINE__, "two bytes, cut", "\xC3", false},
        {__LINE__, "two bytes, second is a letter", "\xC3(", false},
        {__LINE__, "overlong U+07FF", "\xE0\x9F\xBF", false},
        {__LINE__, "U+0800", "\xE0\xA0\x80", true},
        {__LINE__, "U+D7FF", "\xED\x9F\xBF", true},
        {__LINE__, "U+D800, a surrogate", "\xED\xA0\x80", false},
        {__LINE__, "U+E000", "\xEE\x80\x80", true},
        {__LINE__, "U+FFFF", "\xEF\xBF\xBF", true},
        {__LINE__, "three bytes, cut", "\xE2\x99", false},
        {__LINE__, "overlong U+FFFF", "\xF0\x8F\xBF\xBF", false},
        {__LINE__, "U+10000", "\xF0\x90\x80\x80", true},
        {__LINE__, "U+10FFFF", "\xF4\x8F\xBF\xBF", true},
        {__LINE__, "U+110000", "\xF4\x90\x80\x80", false},
        {__LINE__, "F5", "\xF5\x80\x80\x80", false},
        {__LINE__, "FF", "\xFF", false},
        {__LINE__, "four bytes, cut", "\xF0\x9F\x98", false},
    };
    // A word is looked at as a whole, so every place within one is tried.
    for (const Row& row : rows) {
        for (std::size_t before = 0; before < 17; ++before) {
            for (const std::size_t behind : {0U, 1U, 7U, 8U, 9U}) {
                CAPTURE(row.says);
                CAPTURE(before);
                std::string text(before, 'a');
                text += row.bytes;
                text.append(behind, 'b');
                CHECK(is_utf8(text) == row.valid);
                CHECK(utf8_prefix(text) == (row.valid ? text.size() : before));
            }
        }
    }
}

TEST_CASE("one high byte is seen wherever it stands") {
    for (std::size_t size = 1; size < 40; ++size) {
        CHECK(is_ascii(std::string(size, '\x7F')));
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'a');
            text[at] = '\x80';
            CHECK_FALSE(is_ascii(text));
            CHECK_FALSE(is_utf8(text));
            CHECK(utf8_prefix(text) == at);
        }
    }
}

// Every code point, encoded by the definition.
TEST_CASE("all code points but the surrogates") {
    std::uint32_t accepted = 0;
    for (std::uint32_t point = 0x80; point < 0x120000; ++point) {
        const auto tail = [&](unsigned shift) {
            return static_cast<char>(0x80U | ((point >> shift) & 0x3FU));
        };
        std::string text;
        if (point < 0x800) {
            text = {static_cast<char>(0xC0U | (point >> 6U)), tail(0)};
        } else if (point < 0x10000) {
            text = {static_cast<char>(0xE0U | (point >> 12U)), tail(6), tail(0)};
        } else {
            text = {static_cast<char>(0xF0U | (point >> 18U)), tail(12), tail(6), tail(0)};
        }
        const bool surrogate = point >= 0xD800 && point < 0xE000;
        const bool valid = !surrogate && point <= 0x10FFFF;
        if (is_utf8(text) != valid) FAIL_CHECK("code point ", point);
        accepted += valid ? 1 : 0;
    }
    CHECK(accepted == 0x110000 - 0x80 - 0x800);
}

TEST_CASE("lengths in UTF-16") {
    CHECK(utf16_prefix("abc", 0) == 0);
    CHECK(utf16_prefix("abc", 2) == 2);
    CHECK(utf16_prefix("abc", 3) == 3);
    CHECK(utf16_prefix("abc", 4) == std::string_view::npos);
    CHECK(utf16_prefix("\xE2\x99\xAC|x", 1) == 3);
    CHECK(utf16_prefix("\xF0\x9F\x98\x80|x", 2) == 4);
    CHECK(utf16_prefix("\xF0\x9F\x98\x80|x", 1) == std::string_view::npos);
    CHECK(utf16_prefix("\xFF", 1) == std::string_view::npos);
}

}  // namespace
