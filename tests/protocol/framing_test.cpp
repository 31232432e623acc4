// How datagrams and streams are cut into lines (protocol/framing.h).
//
// A stream test feeds the same bytes whole, byte by byte, and in pieces of every small
// size, and expects the same lines each time: where the kernel cuts must not matter.
#include "protocol/framing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using pitot::protocol::LineSplitter;
using pitot::protocol::Reject;
using pitot::protocol::StreamChunk;
using pitot::protocol::StreamFramer;
using pitot::protocol::StreamFraming;

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    LineSplitter splitter(text);
    for (std::string_view line; splitter.next(line);) lines.emplace_back(line);
    return lines;
}

// What a stream said: its lines, and "!reason" where something was refused.
std::vector<std::string> said_by(StreamFramer& framer, std::string_view bytes,
                                 std::size_t piece_bytes) {
    std::vector<std::string> said;
    const auto drain = [&] {
        for (StreamChunk chunk; framer.next(chunk);) {
            if (chunk.refused != Reject::none) {
                said.push_back("!" + std::string(to_string(chunk.refused)));
                continue;
            }
            for (std::string& line : lines_of(chunk.bytes)) said.push_back(std::move(line));
        }
    };
    while (!bytes.empty()) {
        const std::span<char> room = framer.writable();
        REQUIRE_FALSE(room.empty());
        const std::size_t n = std::min({room.size(), piece_bytes, bytes.size()});
        std::memcpy(room.data(), bytes.data(), n);
        framer.commit(n);
        bytes.remove_prefix(n);
        drain();
    }
    framer.finish();
    drain();
    return said;
}

std::string frame(std::string_view payload) {
    std::string bytes(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(payload.size() >> (8 * i));
    return bytes + std::string(payload);
}

constexpr std::size_t buffer_bytes = 32;

void check_stream(StreamFraming framing, std::string_view bytes,
                  const std::vector<std::string>& expected) {
    StreamFramer framer(framing, buffer_bytes);
    // Every size of piece, up to those that hold all.
    const std::size_t piece_max = std::min<std::size_t>(bytes.size() + 1, 2'000);
    for (std::size_t piece = 1; piece <= piece_max; ++piece) {
        CAPTURE(piece);
        CHECK(said_by(framer, bytes, piece) == expected);
        framer.reset();
    }
}

TEST_CASE("a datagram is split into lines") {
    struct Row {
        int source_line;
        const char* says;
        std::string text;
        std::vector<std::string> lines;
    };
    const Row rows[] = {
        {__LINE__, "nothing", "", {}},
        {__LINE__, "one line without LF", "a:1|c", {"a:1|c"}},
        {__LINE__, "one line with LF", "a:1|c\n", {"a:1|c"}},
        {__LINE__, "two lines", "a:1|c\nb:2|c", {"a:1|c", "b:2|c"}},
        {__LINE__, "blank lines are left out", "\n\na:1|c\n\n\nb:2|c\n\n", {"a:1|c", "b:2|c"}},
        {__LINE__, "CR before LF is dropped", "a:1|c\r\nb:2|c\r\n", {"a:1|c", "b:2|c"}},
        {__LINE__, "CR before the end is dropped", "a:1|c\r", {"a:1|c"}},
        {__LINE__, "one CR only", "a:1|c\r\r\n", {"a:1|c\r"}},
        {__LINE__, "a CR elsewhere stays", "a\rb:1|c\n", {"a\rb:1|c"}},
        {__LINE__, "a line of CR is blank", "\r\n\r\na:1|c", {"a:1|c"}},
        {__LINE__, "a NUL is a byte like others", "a\0b:1|c\n"s, {"a\0b:1|c"s}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        CHECK(lines_of(row.text) == row.lines);
    }
}

TEST_CASE("a stream of lines") {
    const std::string longest(buffer_bytes - 1, 'x');
    const std::string too_long(buffer_bytes, 'y');
    const std::string much_too_long(buffer_bytes * 5 + 3, 'z');
    struct Row {
        int source_line;
        const char* says;
        std::string bytes;
        std::vector<std::string> said;
    };
    const Row rows[] = {
        {__LINE__, "nothing at all", "", {}},
        {__LINE__, "fewer bytes than a prefix", "a\n", {"a"}},
        {__LINE__, "lines", "a:1|c\nb:2|c\n", {"a:1|c", "b:2|c"}},
        {__LINE__, "the last line needs no LF", "a:1|c\nb:2|c", {"a:1|c", "b:2|c"}},
        {__LINE__, "CR and blank lines", "a:1|c\r\n\r\n\nb:2|c\r\n", {"a:1|c", "b:2|c"}},
        {__LINE__, "the longest line", longest + "\nb\n", {longest, "b"}},
        {__LINE__, "the longest line, at the end", longest, {longest}},
        {__LINE__, "one byte too long", too_long + "\nb\n", {"!too_long", "b"}},
        {__LINE__, "too long, at the end", "a\n" + too_long, {"a", "!too_long"}},
        {__LINE__, "refused once, however long", much_too_long + "\nb\n", {"!too_long", "b"}},
        {__LINE__,
         "two of them",
         much_too_long + "\n" + too_long + "\nb",
         {"!too_long", "!too_long", "b"}},
        {__LINE__,
         "more than a buffer of short lines",
         "a:1|c\nb:2|c\nc:3|c\nd:4|c\ne:5|c\nf:6|c\ng:7|c\n",
         {"a:1|c", "b:2|c", "c:3|c", "d:4|c", "e:5|c", "f:6|c", "g:7|c"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        check_stream(StreamFraming::newline, row.bytes, row.said);
        check_stream(StreamFraming::newline_or_length, row.bytes, row.said);
    }
}

TEST_CASE("a stream of frames") {
    const std::string longest(buffer_bytes, 'x');
    const std::string too_long(buffer_bytes + 1, 'y');
    const std::string much_too_long(1'000, 'z');
    const std::string enormous(70'000, 'w');
    struct Row {
        int source_line;
        const char* says;
        std::string bytes;
        std::vector<std::string> said;
    };
    const Row rows[] = {
        {__LINE__, "one frame", frame("foo:2|g\n"), {"foo:2|g"}},
        {__LINE__, "a frame ends a line", frame("a:1|c") + frame("b:2|c"), {"a:1|c", "b:2|c"}},
        {__LINE__, "a frame of lines", frame("a:1|c\nb:2|c\n"), {"a:1|c", "b:2|c"}},
        {__LINE__, "empty frames", frame("") + frame("a") + frame("") + frame("b"), {"a", "b"}},
        {__LINE__, "the longest frame", frame(longest) + frame("b"), {longest, "b"}},
        {__LINE__, "one byte too long", frame(too_long) + frame("b"), {"!too_long", "b"}},
        {__LINE__, "much too long", frame(much_too_long) + frame("b"), {"!too_long", "b"}},
        {__LINE__,
         "longer than two bytes can say",
         frame(enormous) + frame("b"),
         {"!too_long", "b"}},
        {__LINE__, "cut inside a prefix", frame("a") + "\2", {"a", "!truncated"}},
        {__LINE__,
         "cut behind a prefix",
         frame("a") + frame("b").substr(0, 4),
         {"a", "!truncated"}},
        {__LINE__, "cut inside a frame", frame("a:1|c").substr(0, 7), {"!truncated"}},
        {__LINE__,
         "its whole lines count",
         frame("a:1|c\nb:2|c\nc:3|c").substr(0, 14),
         {"a:1|c", "!truncated"}},
        {__LINE__,
         "cut behind a line, inside a frame",
         frame("a:1|c\nb:2|c").substr(0, 10),
         {"a:1|c", "!truncated"}},
        {__LINE__,
         "cut inside a frame that is refused",
         frame(too_long).substr(0, 10),
         {"!too_long"}},
        {__LINE__, "text never starts a frame again", frame("a") + frame("b:1|c"), {"a", "b:1|c"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        check_stream(StreamFraming::newline_or_length, row.bytes, row.said);
    }
}

TEST_CASE("a length prefix on a stream that has none is text") {
    check_stream(StreamFraming::newline, frame("a:1|c\n"), {"\6\0\0\0a:1|c"s});
}

TEST_CASE("a whole read is one chunk, however many lines it holds") {
    StreamFramer framer(StreamFraming::newline);
    const std::string_view bytes = "a:1|c\nb:2|c\nc:3|";
    std::memcpy(framer.writable().data(), bytes.data(), bytes.size());
    framer.commit(bytes.size());
    StreamChunk chunk;
    REQUIRE(framer.next(chunk));
    CHECK(chunk.bytes == "a:1|c\nb:2|c\n");
    CHECK_FALSE(framer.next(chunk));
    CHECK(framer.pending_bytes() == 4);
}

TEST_CASE("what is refused is shown as far as it came") {
    StreamFramer framer(StreamFraming::newline, buffer_bytes);
    const std::span<char> room = framer.writable();
    std::fill(room.begin(), room.end(), 'x');
    framer.commit(room.size());
    StreamChunk chunk;
    REQUIRE(framer.next(chunk));
    CHECK(chunk.refused == Reject::too_long);
    CHECK(chunk.bytes == std::string(buffer_bytes, 'x'));
}

TEST_CASE("a framer is as new after reset") {
    StreamFramer framer(StreamFraming::newline_or_length, buffer_bytes);
    CHECK(said_by(framer, frame("a:1|c"), 3) == std::vector<std::string>{"a:1|c"});
    framer.reset();
    CHECK(said_by(framer, std::string(buffer_bytes * 2, 'x'), 5) ==
          std::vector<std::string>{"!too_long"});
    framer.reset();
    CHECK(said_by(framer, "b:2|c\n", 2) == std::vector<std::string>{"b:2|c"});
}

}  // namespace
