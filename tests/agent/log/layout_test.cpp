// The form of a line: each form to the letter, hostile messages through each of them and
// back by strict readers, parts told from sentences, and which form goes where.
#include "agent/log/layout.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/net/file_descriptor.h"
#include "tests/support/config_sample.h"
#include "tests/support/log_invariants.h"

namespace pitot::agent {
namespace {

// 2026-11-22T09:08:07.123456Z
constexpr std::int64_t moment_ns = 1'795'338'487'123'456'000;

std::string line_of(LogFormat format, const Record& record, bool is_colourful = false) {
    std::string line;
    append_line({format, is_colourful}, record, line);
    return line;
}

Record record_of(std::string_view text, LogLevel level = LogLevel::warn) {
    return {.unix_ns = moment_ns, .utc_offset_s = 0, .level = level, .text = text, .repeats = {}};
}

TEST_CASE("each form, to the letter") {
    Record record = record_of(R"(sinks.push: it said "no\"; so what)");
    record.utc_offset_s = -(3 * 3600 + 30 * 60);
    CHECK(line_of(LogFormat::text, record) ==
          "2026-11-22T05:38:07.123-03:30 warn  sinks.push: it said \"no\\\"; so what\n");
    CHECK(line_of(LogFormat::text, record, true) ==
          "2026-11-22T05:38:07.123-03:30 \x1b[33;1mwarn\x1b[0m  sinks.push: it said \"no\\\"; so "
          "what\n");
    CHECK(line_of(LogFormat::logfmt, record) ==
          "time=2026-11-22T09:08:07.123Z level=warn part=sinks.push "
          "message=\"it said \\\"no\\\\\\\"; so what\"\n");
    CHECK(line_of(LogFormat::json, record) ==
          "{\"time\":\"2026-11-22T09:08:07.123Z\",\"level\":\"warn\",\"part\":\"sinks.push\","
          "\"message\":\"it said \\\"no\\\\\\\"; so what\"}\n");
    CHECK(line_of(LogFormat::journal, record) == "<4>sinks.push: it said \"no\\\"; so what\n");
}

TEST_CASE("a message that came several times says how often") {
    Record record = record_of("flush: late");
    record.repeats = {.count = 31, .within_ns = 30'200'000'000, .last_ago_ns = 4'000'000'000};
    CHECK(line_of(LogFormat::journal, record) ==
          "<4>flush: late (31 times in the last 30 s, the last 4 s ago)\n");
    CHECK(line_of(LogFormat::logfmt, record) ==
          "time=2026-11-22T09:08:07.123Z level=warn part=flush message=\"late\" count=31 "
          "within_s=30 last_s=4\n");
    CHECK(line_of(LogFormat::json, record)
              .ends_with("\"message\":\"late\",\"count\":31,\"within_s\":30,\"last_s\":4}\n"));
    record.repeats = {.count = 1, .within_ns = 30'000'000'000, .last_ago_ns = 9'000'000'000};
    CHECK(line_of(LogFormat::journal, record) ==
          "<4>flush: late (once in the last 30 s, 9 s ago)\n");
    record.repeats = {.count = 2, .within_ns = 30'000'000'000, .last_ago_ns = 0};
    CHECK(line_of(LogFormat::journal, record) == "<4>flush: late (2 times in the last 30 s)\n");
}

TEST_CASE("levels as the journal reads them, and as words") {
    constexpr std::array<std::string_view, 5> priorities{"<7>", "<7>", "<6>", "<4>", "<3>"};
    for (std::size_t i = 0; i < priorities.size(); ++i) {
        const Record record = record_of("word", static_cast<LogLevel>(i));
        CHECK(line_of(LogFormat::journal, record) == std::string(priorities[i]) + "word\n");
        CHECK(line_of(LogFormat::logfmt, record)
                  .contains(" level=" + std::string(log_level_names[i]) + " message="));
    }
}

TEST_CASE("a part is told from a sentence") {
    struct Row {
        std::string_view text;
        std::string_view part;
    };
    for (const auto& [text, part] : std::vector<Row>{
             {"sinks.push: down", "sinks.push"},
             {"listeners.my-apps_2: udp", "listeners.my-apps_2"},
             {"sinks.1: down", "sinks.1"},
             {"flush: late", "flush"},
             {"sinks.push:down", ""},
             {"stopping on SIGTERM: reading", ""},
             {"--ready-file: cannot write", ""},
             {"TLS: broken", ""},
             {"sinks..push: down", ""},
             {"sinks.: down", ""},
             {"pitot 0.1.0 runs: 2 shards", ""},
             {"s\xc3\xa4nks: down", ""},
             {"a=b: c", ""},
             {": c", ""},
             {"", ""},
         }) {
        CAPTURE(text);
        const SplitText split = split_part(text);
        CHECK(split.part == part);
        CHECK(split.message == (part.empty() ? text : text.substr(part.size() + 2)));
    }
    const std::string long_word(4096, 'a');
    CHECK(split_part(long_word + ": text").part == "");
}

// What clients and servers may send: each must stay one line that reads back.
std::vector<std::string> hostile_messages() {
    using namespace std::string_literals;
    std::vector<std::string> messages{
        "",
        " ",
        "\"",
        "\\",
        R"(\"\\")",
        "ends with a backslash\\",
        "a=b c=\"d\" level=error",
        "\" level=error message=\"forged",
        R"(","level":"error","message":"forged)",
        "first\nsecond",
        "first\r\n<3>second\n{\"level\":\"error\"}",
        "\n\n\n",
        "nul \0 inside"s,
        "\x1b[2J\x1b]0;title\x07",
        "\x7f\x80\x9b",
        "right to left \u202e\u2066\u2069\u200f",
        "zero \u200b\u200d\ufeff width",
        "line \u2028 and paragraph \u2029",
        "no UTF-8: \xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82",
        "noncharacters \ufffe \uffff \U0010ffff",
        "umlaut \u00e4 \u6f22 \U0001f600",
        "<0>an emergency",
        "sinks.push: \x1b[31m\xff\n\"",
        "sinks.push: ",
        "{} {0} %s %n ${HOME} $(reboot)",
        "</script><img src=x>",
    };
    std::string every_byte;
    for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
    messages.push_back(every_byte);
    messages.emplace_back(100'000, 'x');
    messages.emplace_back(100'000, '"');
    messages.emplace_back(100'000, '\n');
    messages.emplace_back(100'000, '\xff');
    std::string wide;
    for (int i = 0; i < 10'000; ++i) wide += "\u202e\U0001f600";
    messages.push_back(wide);
    messages.push_back("sinks.push: " + wide);
    return messages;
}

TEST_CASE("whatever a message has, each form is valid and reads back") {
    for (const std::string& message : hostile_messages()) {
        CAPTURE(message.substr(0, 100));
        for (const LogFormat format : tests::log_formats) {
            CAPTURE(log_format_names[static_cast<std::size_t>(format)]);
            Record record = record_of(message);
            CHECK(tests::flaw_of_line({format, false}, record) == "");
            record.repeats = {.count = 7, .within_ns = 1, .last_ago_ns = 0};
            CHECK(tests::flaw_of_line({format, false}, record) == "");
        }
    }
}

TEST_CASE("the longest message stays a line that journald does not cut") {
    std::string worst;
    for (std::size_t i = 0; i <= message_characters_max; ++i) worst += "\U000e0001";
    constexpr std::size_t line_bytes_max = 48 * 1024;
    CHECK(line_of(LogFormat::journal, record_of(worst)).size() < line_bytes_max);
    CHECK(line_of(LogFormat::journal, record_of(worst)).ends_with("…\n"));
}

TEST_CASE("dates at the ends of time") {
    for (const auto& [unix_ns, time] :
         std::map<std::int64_t, std::string>{{0, "1970-01-01T00:00:00.000Z"},
                                             {-1, "1969-12-31T23:59:59.999Z"},
                                             {INT64_MIN, "1677-09-21T00:12:43.145Z"},
                                             {INT64_MAX, "2262-04-11T23:47:16.854Z"}}) {
        Record record = record_of("x");
        record.unix_ns = unix_ns;
        CHECK(line_of(LogFormat::logfmt, record).starts_with("time=" + time + " "));
    }
}

// A descriptor of each kind that standard error may be.
struct Terminal {
    int reader = -1;
    int writer = -1;
    Terminal() { REQUIRE(::openpty(&reader, &writer, nullptr, nullptr, nullptr) == 0); }
    ~Terminal() {
        ::close(reader);
        ::close(writer);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
};

TEST_CASE("the form by where the lines go") {
    const Terminal terminal;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const FileDescriptor reader{pipe[0]};
    const FileDescriptor writer{pipe[1]};
    struct stat status{};
    REQUIRE(::fstat(writer.get(), &status) == 0);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);

    struct Row {
        std::string what;
        LogFormat wanted;
        bool to_terminal;
        std::map<std::string, std::string> variables;
        LogFormat format;
        bool is_colourful;
    };
    constexpr LogFormat automatic = LogFormat::automatic;
    for (const Row& row : std::vector<Row>{
             {"terminal", automatic, true, {}, LogFormat::text, true},
             {"NO_COLOR", automatic, true, {{"NO_COLOR", "1"}}, LogFormat::text, false},
             {"empty NO_COLOR", automatic, true, {{"NO_COLOR", ""}}, LogFormat::text, true},
             {"dumb", automatic, true, {{"TERM", "dumb"}}, LogFormat::text, false},
             {"pipe", automatic, false, {}, LogFormat::logfmt, false},
             {"journal", automatic, false, {{"JOURNAL_STREAM", stream}}, LogFormat::journal, false},
             {"redirected",
              automatic,
              false,
              {{"JOURNAL_STREAM", stream + "0"}},
              LogFormat::logfmt,
              false},
             {"not a stream", automatic, false, {{"JOURNAL_STREAM", ""}}, LogFormat::logfmt, false},
             {"terminal started by a service",
              automatic,
              true,
              {{"JOURNAL_STREAM", stream}},
              LogFormat::text,
              true},
             {"text", LogFormat::text, false, {}, LogFormat::text, false},
             {"text on a terminal", LogFormat::text, true, {}, LogFormat::text, true},
             {"json", LogFormat::json, true, {}, LogFormat::json, false},
             {"json in the journal",
              LogFormat::json,
              false,
              {{"JOURNAL_STREAM", stream}},
              LogFormat::json,
              false},
         }) {
        CAPTURE(row.what);
        const Layout layout =
            layout_for(row.wanted, row.to_terminal ? terminal.writer : writer.get(),
                       tests::config_environment(row.variables));
        CHECK(layout.format == row.format);
        CHECK(layout.is_colourful == row.is_colourful);
    }
    CHECK(layout_for(automatic, -1, tests::config_environment()).format == LogFormat::logfmt);
}

}  // namespace
}  // namespace pitot::agent
