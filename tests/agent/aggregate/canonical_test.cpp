// One spelling for each series: sorted, without duplicates, and back into tags.
#include "agent/aggregate/canonical.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/parser.h"
#include "protocol/tag_list.h"

namespace pitot::agent {
namespace {

TEST_CASE("the canonical key of a line") {
    struct Row {
        int line;
        protocol::TagDialect dialect;
        const char* text;
        const char* name;
        const char* tags;
    };
    using protocol::TagDialect;
    const Row rows[] = {
        {__LINE__, TagDialect::none, "a:1|c", "a", ""},
        {__LINE__, TagDialect::none, "a:1|c|#", "a", ""},
        {__LINE__, TagDialect::none, "a:1|c|#b:2,a:1", "a", "a:1,b:2"},
        {__LINE__, TagDialect::none, "a:1|c|#a:1,b,a:1,,b", "a", "a:1,b"},
        {__LINE__, TagDialect::none, "a:1|c|#a:2,a:1", "a", "a:1,a:2"},
        {__LINE__, TagDialect::none, "a:1|c|#a:,a,a:x", "a", "a,a:,a:x"},
        {__LINE__, TagDialect::none, "a:1|c|#ab,a:b", "a", "a:b,ab"},  // by key, not by bytes
        {__LINE__, TagDialect::none, "a:1|c|#url:/:id", "a", "url:/:id"},
        {__LINE__, TagDialect::none, "a,b=1:1|c", "a,b=1", ""},
        {__LINE__, TagDialect::influx, "a,b=1:1|c|#a:2", "a", "a:2,b:1"},
        {__LINE__, TagDialect::librato, "a#b=1:1|c|#b:1", "a", "b:1"},
        {__LINE__, TagDialect::signalfx, "a[y=1,x=2]b:1|c", "ab", "x:2,y:1"},
    };
    Canonicalizer canonicalizer;
    for (const Row& row : rows) {
        CAPTURE(row.line);
        protocol::Parser parser({.tags = row.dialect});
        protocol::MetricLine line;
        protocol::Identity identity;
        REQUIRE(parser.parse_metric(row.text, line) == protocol::Reject::none);
        REQUIRE(parser.identity(line, identity) == protocol::Reject::none);
        const SeriesKey key = canonicalizer.key_of(identity, protocol::Kind::gauge);
        CHECK(key.name == row.name);
        CHECK(key.tags == row.tags);
        CHECK(key.kind == protocol::Kind::gauge);
        CHECK(key.spelling == Spelling::plain);

        // Splitting what was joined gives the tags that were sorted.
        const std::vector<protocol::Tag> split = protocol::TagList(key.tags).split();
        const std::span<const protocol::Tag> sorted = canonicalizer.tags_of(identity);
        CHECK(std::vector<protocol::Tag>(sorted.begin(), sorted.end()) == split);
    }
}

}  // namespace
}  // namespace pitot::agent
