// What holds for every line, on random ones: bytes, damaged lines, and lines written on
// purpose, which must be read as they were written whatever the order of their fields.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/parser.h"
#include "tests/support/parser_invariants.h"
#include "tests/support/said.h"

namespace {

using namespace pitot::protocol;
using pitot::tests::all_readings;
using pitot::tests::broken_invariant;

constexpr std::array<std::string_view, 12> valid_lines{
    "page.load:320|ms|@0.1|#region:eu,cached,env:prod",
    "a:1:2.5:-3e2|d|#x:y|c:ci-abc,in-12|e:it-false,cn-x|card:low",
    "a:1|c|T1656581400|@0.5|#é:♬",
    "foo:200|ms:300|ms:5|c|@0.1:6|g",
    "g:+1:-2:3|g",
    "users:joe@example.org|s|#a,b,,c:d",
    "name,k=v,l=w:1|c|#x:y",
    "name#k=v,l=w:1|c",
    "na.[k=v,l=w]me:1|c",
    "_e{5,8}:title|te\\nxt|p|d:12|h:host|k:key|p:low|s:src|t:error|#x,y:z",
    "_sc|disk.full|2|d:12|h:web-1|#a:b|m:no\\nroom m\\: left|c:in-7",
    "_e{1,2}:♬|😀|p:low",
};

// The bytes that decide something, and others.
char random_byte(std::mt19937_64& random) {
    constexpr std::string_view marks = ":|@#,T\\{}[]=_ecgdhmsn0123456789.-+\n\0\xC3\xA9\xF0";
    return random() % 3 == 0 ? static_cast<char>(random()) : marks[random() % marks.size()];
}

void check_all_readings(std::vector<Parser>& parsers, std::string_view line) {
    for (Parser& parser : parsers) {
        const std::string broken = broken_invariant(parser, line);
        if (!broken.empty()) FAIL_CHECK(broken, "\nline ", line);
    }
}

std::vector<Parser> all_parsers() {
    std::vector<Parser> parsers;
    for (const Reading& reading : all_readings()) parsers.emplace_back(reading);
    return parsers;
}

TEST_CASE("random bytes break nothing") {
    std::vector<Parser> parsers = all_parsers();
    std::mt19937_64 random(1);
    for (int i = 0; i < 40'000; ++i) {
        std::string line(random() % 60, '\0');
        for (char& byte : line) byte = random_byte(random);
        check_all_readings(parsers, line);
    }
}

TEST_CASE("damaged lines break nothing") {
    std::vector<Parser> parsers = all_parsers();
    std::mt19937_64 random(2);
    for (int i = 0; i < 40'000; ++i) {
        std::string line(valid_lines[random() % valid_lines.size()]);
        for (std::uint64_t changes = 1 + random() % 4; changes > 0 && !line.empty(); --changes) {
            const std::size_t at = random() % line.size();
            switch (random() % 4) {
                case 0:
                    line[at] = random_byte(random);
                    break;
                case 1:
                    line.insert(at, 1, random_byte(random));
                    break;
                case 2:
                    line.erase(at, 1 + random() % 3);
                    break;
                default: {
                    const std::string_view other = valid_lines[random() % valid_lines.size()];
                    line.insert(at, other.substr(random() % other.size(), random() % 20));
                }
            }
        }
        check_all_readings(parsers, line);
    }
}

TEST_CASE("every beginning of a line breaks nothing") {
    std::vector<Parser> parsers = all_parsers();
    for (const std::string_view line : valid_lines) {
        for (std::size_t size = 0; size <= line.size(); ++size) {
            // A copy of its own, so that a sanitizer sees a read past the end.
            const std::vector<char> copy(line.begin(), line.begin() + static_cast<long>(size));
            check_all_readings(parsers, {copy.data(), copy.size()});
        }
    }
}

// A line and what it says, made up together.
struct Written {
    std::string line;
    std::string said;
};

template <class List>
const auto& any_of(const List& list, std::mt19937_64& random) {
    return list[random() % std::size(list)];
}

std::string random_word(std::mt19937_64& random, std::string_view letters) {
    std::string word;
    for (std::uint64_t size = 1 + random() % 12; size > 0; --size) word += any_of(letters, random);
    return word;
}

double random_value(std::mt19937_64& random) {
    switch (random() % 3) {
        case 0:
            return static_cast<double>(random() % 1'000);
        case 1:
            return static_cast<double>(random() % 1'000'000) / 1'000;
        default:
            return std::ldexp(static_cast<double>(random()),
                              static_cast<int>(random() % 600) - 300);
    }
}

Written random_metric(std::mt19937_64& random) {
    constexpr std::string_view name_letters = "abcdefghijklmnop._-/ @#,[]{}=TZ019";
    constexpr std::string_view word_letters = "abcdefghijklmnop._-/=TZ019";
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kinds{
        {{"c", "counter"},
         {"g", "gauge"},
         {"ms", "timer"},
         {"h", "histogram"},
         {"d", "distribution"}}};
    const auto sometimes = [&] { return random() % 2 == 0; };

    const auto [type, kind] = any_of(kinds, random);
    const std::string name = "n" + random_word(random, name_letters);
    Written written{.line = name, .said = name + " " + std::string(kind)};
    for (std::uint64_t values = 1 + random() % 5; values > 0; --values) {
        const std::string value = pitot::tests::number_text(random_value(random));
        written.line += ":" + value;
        written.said += " " + value;
    }
    written.line.append("|").append(type);

    std::vector<std::string> fields;
    if (sometimes()) {
        const std::string rate = any_of(std::array{"0.1", "0.25", "0.5"}, random);
        fields.push_back("@" + rate);
        written.said += " @" + rate;
    }
    if (sometimes()) {
        std::string tags;
        for (std::uint64_t count = random() % 5; count > 0; --count) {
            const std::string key = random_word(random, word_letters);
            tags += (tags.empty() ? "" : ",") + key;
            written.said += " #" + key;
            if (sometimes()) {
                const std::string value = random_word(random, word_letters);
                tags += ":" + value;
                written.said += "=" + value;
            }
        }
        fields.push_back("#" + tags);
    }
    if ((type == "c" || type == "g") && sometimes()) {
        const std::string seconds = std::to_string(1 + random() % 4'000'000'000);
        fields.push_back("T" + seconds);
        written.said += " T=" + seconds;
    }
    if (sometimes()) {
        const std::string id = random_word(random, "0123456789abcdef");
        fields.push_back((sometimes() ? "c:ci-" : "c:") + id);
        written.said += " container=" + id;
    }
    if (sometimes()) {
        fields.emplace_back("e:it-false,cn-x");
        written.said += " external=it-false,cn-x";
    }
    if (sometimes()) {
        fields.emplace_back("card:low");
        written.said += " card=low";
    }
    std::shuffle(fields.begin(), fields.end(), random);
    for (const std::string& field : fields) written.line += "|" + field;
    return written;
}

TEST_CASE("a metric is read as it was written, whatever the order of its fields") {
    Parser dogstatsd(Reading{});
    Parser statsd({.dialect = Dialect::statsd});
    std::mt19937_64 random(3);
    for (int i = 0; i < 50'000; ++i) {
        const Written written = random_metric(random);
        for (Parser* parser : {&dogstatsd, &statsd}) {
            const std::string said = pitot::tests::said(*parser, written.line);
            if (said != written.said) {
                FAIL_CHECK("line    ", written.line, "\nwritten ", written.said, "\nread    ",
                           said);
            }
        }
    }
}

}  // namespace
