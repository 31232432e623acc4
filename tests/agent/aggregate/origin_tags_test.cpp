// Tags that tell where a sample is from: of metrics, events and checks, in lines as clients
// write them.
#include "agent/aggregate/origin_tags.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/lines.h"

namespace pitot::agent {
namespace {

using protocol::Snapshot;
using tests::ShardRig;

std::string tags_text(std::span<const protocol::Tag> tags) {
    std::string text;
    for (const protocol::Tag& tag : tags) {
        text.append(text.empty() ? "" : ",").append(tag.key);
        if (tag.has_value) text.append(":").append(tag.value);
    }
    return text;
}

struct Row {
    int line;
    std::string_view said;
    std::string_view kept;
    std::string_view host;  // of an event
    std::string_view kept_of_event;
};

const Row rows[] = {
    {__LINE__, "a:1,b", "a:1,b", "", "a:1,b"},
    {__LINE__, "b,host:x,a:1", "a:1,b,host:x", "x", "b,a:1"},
    {__LINE__, "host:x,a:1,host:y", "a:1,host:y", "y", "a:1"},
    {__LINE__, "host:y,host:x", "host:x", "x", ""},
    {__LINE__, "host:x,host:", "", "", ""},
    {__LINE__, "host:,host:x", "host:x", "x", ""},
    {__LINE__, "host:,a:1", "a:1", "", "a:1"},
    {__LINE__, "host", "host", "", "host"},
    {__LINE__, "host,host:x", "host,host:x", "x", "host"},
    {__LINE__, "host:a:b", "host:a:b", "a:b", ""},
    {__LINE__, "Host:x,hostname:y", "Host:x,hostname:y", "", "Host:x,hostname:y"},
    {__LINE__, "dd.internal.entity_id:7,a:1", "a:1", "", "a:1"},
    {__LINE__, "dd.internal.card:low,dd.internal.jmx_check_name:k", "", "", ""},
    {__LINE__, "dd.internal.entity_id:,host:x", "host:x", "x", ""},
    {__LINE__, "dd.internal.card", "dd.internal.card", "", "dd.internal.card"},
    {__LINE__, "dd.internal.other:1", "dd.internal.other:1", "", "dd.internal.other:1"},
};

TEST_CASE("what is left of the tags of a metric, also of one with a time of its own") {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        ShardRig rig;
        const std::string line = "a:1|g|#" + std::string(row.said);
        rig.say(0, line + "\n" + line + "\n" + line + "|T1700000000");
        const Snapshot& now = rig.flush();
        REQUIRE(now.gauges.size() == 1);
        CHECK(tags_text(now.series[now.gauges[0].id].tags().split()) == row.kept);
        REQUIRE(now.timed.size() == 1);
        CHECK(tags_text(now.timed[0].tags) == row.kept);
    }
}

TEST_CASE("what becomes the host of an event or a check") {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        ShardRig rig;
        const std::string tags = "|#" + std::string(row.said);
        rig.say(0, "_e{1,1}:t|x" + tags + "\n_e{1,1}:t|x|h:own" + tags + "\n_sc|c|0" + tags +
                       "\n_sc|c|0|h:own" + tags);
        const Snapshot& now = rig.flush();
        REQUIRE(now.events.size() == 2);
        CHECK(now.events[0].hostname == row.host);
        CHECK(now.events[1].hostname == "own");
        for (const protocol::Event& event : now.events) {
            CHECK(tags_text(event.tags) == row.kept_of_event);
        }
        REQUIRE(now.service_checks.size() == 2);
        CHECK(now.service_checks[0].hostname == row.host);
        CHECK(now.service_checks[1].hostname == "own");
        for (const protocol::ServiceCheck& check : now.service_checks) {
            CHECK(tags_text(check.tags) == row.kept_of_event);
        }
    }
}

TEST_CASE("lines that differ in nothing else are one series, and found as quickly") {
    ShardRig rig;
    const std::string lines =
        "a:1|c|#host:x\na:1|c|#host:y,host:x\na:1|c|#host:x,dd.internal.entity_id:1\n"
        "a:1|c|#host:x,dd.internal.entity_id:2";
    rig.say(0, lines);
    CHECK(tests::counter(rig.flush(), "a{host:x}")->delta == 4);
    rig.say(0, lines);
    CHECK(tests::counter(rig.flush(), "a{host:x}")->delta == 4);
    CHECK(rig.counts().slow_readings == 0);
}

TEST_CASE("tags of a dialect come first") {
    ShardRig rig(1, {}, {}, {{.tags = protocol::TagDialect::influx}});
    rig.say(0, "a,host=x:1|c|#host:y\nb,host=x:1|c\nc,host=:1|c|#k:v");
    const Snapshot& now = rig.flush();
    CHECK(tests::counter(now, "a{host:y}") != nullptr);
    CHECK(tests::counter(now, "b{host:x}") != nullptr);
    CHECK(tests::counter(now, "c{k:v}") != nullptr);
}

}  // namespace
}  // namespace pitot::agent
