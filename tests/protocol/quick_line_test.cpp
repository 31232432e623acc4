// The quick reading: which lines it takes, and that it takes them as Parser does, whatever the
// instruction set and wherever the line lies.
#include "protocol/quick_line.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/quick_reading.h"

namespace pitot::protocol {
namespace {

bool is_quick(std::string_view line, const Reading& reading = {}) {
    std::array<QuickLine, 1> said;
    std::string_view rest = line;
    return QuickReader().read(rest, reading, said) == 1 && said[0].is_usual;
}

// In memory of exactly its size, so that a sanitizer sees each byte read too many.
std::string broken(std::string_view text) {
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    return tests::broken_quick_reading({exact.get(), text.size()});
}

TEST_CASE("what is usual, and what is left to Parser") {
    struct Row {
        int source_line;
        std::string_view text;
        bool quick;
    };
    const std::string long_tags = "hits:1|c|#" + std::string(1000, 't');
    const std::string name(80, 'n');
    // The rate ends behind the first 64 bytes, and the line further behind.
    const std::string far_rate = std::string(54, 'n') + ":1|c|@0.1|#" + std::string(100, 't');
    const std::string far_type = std::string(61, 'n') + ":1|c|#" + std::string(100, 't');
    const std::string after_name[] = {name + ":1|c", name + ":1.5|ms|@0.1|#a:b", name + "|c:1",
                                      name + ":1|c|#a|c:x"};
    const Row rows[] = {
        {__LINE__, far_rate, true},
        {__LINE__, far_type, true},
        {__LINE__, after_name[0], true},
        {__LINE__, after_name[1], true},
        {__LINE__, after_name[2], false},
        {__LINE__, after_name[3], false},
        {__LINE__, "hits:1|c", true},
        {__LINE__, "hits:1|c\r", true},
        {__LINE__, "t:3.75|ms", true},
        {__LINE__, "t:-1|h", true},
        {__LINE__, "t:1e3|d", true},
        {__LINE__, "t:123456789.125|ms", true},
        {__LINE__, "load:+5|g", true},
        {__LINE__, "hits:1|c|#env:prod,shell", true},
        {__LINE__, "hits:1|c|#", true},
        {__LINE__, "hits:1|c|@0.1", true},
        {__LINE__, "hits:1|c|@0", true},
        {__LINE__, "hits:1|c|@0.1|#a:b", true},
        {__LINE__, long_tags, true},
        {__LINE__, "a b,c=d/e:1|c", true},
        {__LINE__, "hits:1:2|c", false},
        {__LINE__, "hits:1|s", false},
        {__LINE__, "hits:1|c|T1700000000", false},
        {__LINE__, "hits:1|c|#a|@0.1", false},
        {__LINE__, "hits:1|c|@0.1|#a|c:x", false},
        {__LINE__, "hits:1|c|", false},
        {__LINE__, "hits:1|c||#a", false},
        {__LINE__, "hits:1|c|@2", false},
        {__LINE__, "hits:|c", false},
        {__LINE__, "hits:.|c", false},
        {__LINE__, "hits:1.2.3|c", false},
        {__LINE__, "hits:1|x", false},
        {__LINE__, "hits:1|", false},
        {__LINE__, "hits:1", false},
        {__LINE__, ":1|c", false},
        {__LINE__, "hits|c:1", false},
        {__LINE__, "_e{1,1}:a|b", false},
        {__LINE__, "_sc|up|0", false},
        {__LINE__, "h\xC3\xA9:1|c", false},
        {__LINE__, "t:1e300|ms|@0.000000001", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CHECK(is_quick(row.text) == row.quick);
        CHECK(broken(row.text) == "");
    }
}

TEST_CASE("a line is read alike wherever it lies and however long it is") {
    for (std::size_t name_bytes = 1; name_bytes < 300; ++name_bytes) {
        const std::string name(name_bytes, 'n');
        for (const std::string_view behind :
             {":1|c", ":2.5|ms|@0.5|#a:b", ":7|g|#a|x", ":1|c\xFF"}) {
            const std::string line = name + std::string(behind);
            CHECK(broken(line) == "");
            CHECK(broken(line + "\n") == "");
            CHECK(broken("first:1|c\n\n" + line + "\r\nlast:1|c|#\xFF") == "");
        }
    }
}

TEST_CASE("any text, of the bytes that matter") {
    constexpr std::string_view pieces[] = {"a",  "hits", ":",  ":",  "|",   "|",    "\n",  "\r\n",
                                           "1",  "23",   ".5", "-",  "+",   "c",    "ms",  "g",
                                           "h",  "d",    "s",  "@",  "0.1", "#",    "x:y", ",",
                                           "e3", "_e{",  "T9", "c:", "\r",  "\xC3", "\0"};
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        const std::size_t count = 1 + random() % 40;
        for (std::size_t j = 0; j < count; ++j) text += pieces[random() % std::size(pieces)];
        REQUIRE_MESSAGE(broken(text) == "", text);
    }
}

TEST_CASE("any usual line, a little damaged") {
    std::mt19937 random(8);
    const auto number = [&] {
        std::string text = random() % 8 == 0 ? "-" : "";
        for (std::size_t i = random() % 10; i > 0; --i)
            text += static_cast<char>('0' + random() % 10);
        if (random() % 2 == 0) text += '.';
        for (std::size_t i = random() % 10; i > 0; --i)
            text += static_cast<char>('0' + random() % 10);
        return text;
    };
    constexpr std::string_view kinds[] = {"c", "g", "ms", "h", "d", "s"};
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (std::size_t line = 1 + random() % 5; line > 0; --line) {
            text += std::string(1 + random() % 60, 'n') + ":" + number() + "|" +
                    std::string(kinds[random() % std::size(kinds)]);
            if (random() % 3 == 0) text += "|@" + number();
            if (random() % 2 == 0) text += "|#env:prod," + std::string(random() % 200, 't');
            if (line > 1) text += '\n';
        }
        if (random() % 3 == 0) text[random() % text.size()] = static_cast<char>(random() % 256);
        REQUIRE_MESSAGE(broken(text) == "", text);
    }
}

}  // namespace
}  // namespace pitot::protocol
