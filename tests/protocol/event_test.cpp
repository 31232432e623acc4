// The events and service checks protocol::Parser accepts and refuses, one per row, and
// what it reads, written as tests/support/said.h says it.
#include "protocol/event.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/said.h"

namespace {

using namespace pitot::protocol;
using pitot::tests::said;

struct Row {
    int source_line;
    const char* says;
    std::string input;
    std::string expected;
};

template <std::size_t N>
void check_rows(const Row (&rows)[N]) {
    Parser parser(Reading{});
    for (const Row& row : rows) {
        CAPTURE(row.source_line);
        CAPTURE(row.says);
        CAPTURE(row.input);
        CHECK(said(parser, row.input) == row.expected);
    }
}

TEST_CASE("which line is what") {
    CHECK(classify("_e{1,1}:a|b") == LineType::event);
    CHECK(classify("_e{") == LineType::event);
    CHECK(classify("_e:1|c") == LineType::metric);
    CHECK(classify("_sc|a|0") == LineType::service_check);
    CHECK(classify("_sc|") == LineType::service_check);
    CHECK(classify("_sc") == LineType::metric);
    CHECK(classify("_score:1|c") == LineType::metric);
    CHECK(classify("") == LineType::metric);
}

TEST_CASE("event bodies") {
    const Row rows[] = {
        {__LINE__, "title and text", "_e{5,4}:title|text", "event [title] [text]"},
        {__LINE__, "no text", "_e{5,0}:title|", "event [title] []"},
        {__LINE__, "no text, a section", "_e{5,0}:title||p:low", "event [title] [] p=low"},
        {__LINE__, "bars belong to the lengths", "_e{6,5}:ab|| c|d|e|f|p:low",
         "event [ab|| c] [d|e|f] p=low"},
        {__LINE__, "lengths are bytes", "_e{3,4}:♬|text", "event [♬] [text]"},
        {__LINE__, "or UTF-16, if bytes do not fit", "_e{1,4}:♬|text|p:low",
         "event [♬] [text] p=low"},
        {__LINE__, "two units for an emoji", "_e{2,3}:😀|a😀", "event [😀] [a😀]"},
        {__LINE__, "bytes come first", "_e{3,1}:♬|x|zz", "event [♬] [x] unknown=1"},
        {__LINE__, "escaped line feeds", R"(_e{4,8}:t\nx|a\nb\n\c)", "event [t\nx] [a\nb\n\134c]"},
        {__LINE__, "leading zeros", "_e{01,01}:a|b", "event [a] [b]"},
        {__LINE__, "empty title", "_e{0,4}:|text", "!bad_event"},
        {__LINE__, "title too short", "_e{4,4}:title|text", "!bad_event title|text"},
        {__LINE__, "text too short", "_e{5,3}:title|text", "!bad_event title|text"},
        {__LINE__, "text too long", "_e{5,5}:title|text", "!bad_event title|text"},
        {__LINE__, "title too long", "_e{99,4}:title|text", "!bad_event title|text"},
        {__LINE__, "title takes all", "_e{5,0}:title", "!bad_event title"},
        {__LINE__, "half an emoji", "_e{1,1}:😀|a", "!bad_event 😀|a"},
        {__LINE__, "no brace", "_e{5,4:title|text", "!bad_event _e{5,4"},
        {__LINE__, "no comma", "_e{5}:title|text", "!bad_event _e{5}"},
        {__LINE__, "no colon", "_e{5,4}title|text", "!bad_event _e{5,4}title|text"},
        {__LINE__, "negative", "_e{-5,4}:title|text", "!bad_event _e{-5,4}"},
        {__LINE__, "a sign", "_e{+5,4}:title|text", "!bad_event _e{+5,4}"},
        {__LINE__, "no length", "_e{,4}:title|text", "!bad_event _e{,4}"},
        {__LINE__, "a length beyond 64 bits", "_e{99999999999999999999,1}:a|b",
         "!bad_event _e{99999999999999999999,1}"},
        {__LINE__, "lengths whose sum is beyond 64 bits", "_e{18446744073709551615,2}:a|b",
         "!bad_event a|b"},
        {__LINE__, "a text length of 64 bits", "_e{1,18446744073709551615}:a|b", "!bad_event a|b"},
        {__LINE__, "not UTF-8", "_e{1,1}:a|\xFF", "!bad_utf8 \xFF"},
    };
    check_rows(rows);
}

TEST_CASE("event sections") {
    const Row rows[] = {
        {__LINE__, "all of them",
         "_e{1,1}:a|b|d:12|h:host|k:key|p:low|s:src|t:error|#x,y:z|c:ci-1|e:2|card:low",
         "event [a] [b] p=low t=error h=host k=key s=src #x #y=z T=12 container=1 external=2 "
         "card=low"},
        {__LINE__, "in any order", "_e{1,1}:a|b|card:low|#x|t:success|d:12",
         "event [a] [b] t=success #x T=12 card=low"},
        {__LINE__, "defaults said aloud", "_e{1,1}:a|b|p:normal|t:info", "event [a] [b]"},
        {__LINE__, "the last one counts", "_e{1,1}:a|b|p:low|p:normal|#x|#y", "event [a] [b] #y"},
        {__LINE__, "a bad priority is dropped", "_e{1,1}:a|b|p:urgent|h:x",
         "event [a] [b] h=x unknown=1"},
        {__LINE__, "a bad type is dropped", "_e{1,1}:a|b|t:yolo", "event [a] [b] unknown=1"},
        {__LINE__, "a bad date is dropped", "_e{1,1}:a|b|d:abc", "event [a] [b] unknown=1"},
        {__LINE__, "a good one before it stays", "_e{1,1}:a|b|d:12|d:abc",
         "event [a] [b] T=12 unknown=1"},
        {__LINE__, "unknown and empty ones", "_e{1,1}:a|b||x:1||", "event [a] [b] unknown=1"},
        {__LINE__, "m: is none of an event's", "_e{1,1}:a|b|m:x", "event [a] [b] unknown=1"},
    };
    check_rows(rows);
}

TEST_CASE("service checks") {
    const Row rows[] = {
        {__LINE__, "ok", "_sc|a.b|0", "check a.b ok"},
        {__LINE__, "warning", "_sc|a.b|1", "check a.b warning"},
        {__LINE__, "critical", "_sc|a.b|2", "check a.b critical"},
        {__LINE__, "unknown", "_sc|a.b|3", "check a.b unknown"},
        {__LINE__, "a name with blanks", "_sc|Redis connection|2",
         "check Redis connection critical"},
        {__LINE__, "all sections", "_sc|a|0|d:12|h:host|#x,y:z|m:fine|c:in-7|e:2|card:low",
         "check a ok h=host m=[fine] #x #y=z T=12 inode=7 external=2 card=low"},
        {__LINE__, "sections behind the message", "_sc|a|0|m:fine|#x|h:y",
         "check a ok h=y m=[fine] #x"},
        {__LINE__, "the last one counts", "_sc|a|0|m:one|m:two|h:1|h:2", "check a ok h=2 m=[two]"},
        {__LINE__, "a message is unescaped", R"(_sc|a|0|m:l1\nl2 m\: x\y)",
         "check a ok m=[l1\nl2 m: x\134y]"},
        {__LINE__, "a bar ends it", "_sc|a|0|m:l1|m\\: l2|card:low",
         "check a ok m=[l1] card=low unknown=1"},
        {__LINE__, "a bad date is dropped", "_sc|a|0|d:some_time", "check a ok unknown=1"},
        {__LINE__, "empty sections", "_sc|a|0||", "check a ok"},
        {__LINE__, "no name", "_sc|", "!bad_service_check"},
        {__LINE__, "no name, but a status", "_sc||0", "!bad_service_check"},
        {__LINE__, "no status", "_sc|a", "!bad_service_check"},
        {__LINE__, "empty status", "_sc|a|", "!bad_service_check"},
        {__LINE__, "status out of range", "_sc|a|4", "!bad_service_check 4"},
        {__LINE__, "status in words", "_sc|a|OK", "!bad_service_check OK"},
        {__LINE__, "status of two digits", "_sc|a|21", "!bad_service_check 21"},
        {__LINE__, "not UTF-8", "_sc|a\xFF|0", "!bad_utf8 \xFF"},
    };
    check_rows(rows);
}

TEST_CASE("bounds") {
    Parser parser(Reading{});
    Event event;
    ServiceCheck check;
    std::string tags;
    for (std::size_t i = 0; i < tags_per_line_max; ++i) tags += "t,";
    CHECK(parser.parse_event("_e{1,1}:a|b|#" + tags, event) == Reject::none);
    CHECK(event.tags.size() == tags_per_line_max);
    CHECK(parser.parse_event("_e{1,1}:a|b|#" + tags + "t", event) == Reject::too_many_tags);
    CHECK(parser.parse_service_check("_sc|a|0|#" + tags, check) == Reject::none);
    CHECK(parser.parse_service_check("_sc|a|0|#" + tags + "t", check) == Reject::too_many_tags);

    // The longest line there is, all of it escapes.
    std::string line = "_e{2,65518}:\\n|";
    while (line.size() + 2 <= line_bytes_max) line += "\\n";
    REQUIRE(line.size() == line_bytes_max);
    REQUIRE(parser.parse_event(line, event) == Reject::bad_event);
    line.replace(0, line.find(':'), "_e{2,65520}");
    REQUIRE(parser.parse_event(line, event) == Reject::none);
    CHECK(event.title == "\n");
    CHECK(event.text == std::string(65'520 / 2, '\n'));
    line += 'x';
    CHECK(parser.parse_event(line, event) == Reject::too_long);
}

}  // namespace
