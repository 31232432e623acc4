// From Notices to Messages: texts of rules, thresholds, what is said where nothing is written.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/channels/message_maker.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/program.h"

using namespace pitot;
using namespace pitot::agent::alerts;
using namespace pitot::agent::alerts::channels;

namespace {

Program program_of(const std::string& text) {
    auto expression = parse_expression(SourceText(text));
    REQUIRE_MESSAGE(expression, expression.error().what);
    auto program = compile(std::move(*expression), Result::condition, {});
    REQUIRE_MESSAGE(program, program.error().what);
    return std::move(*program);
}

RuleDefinition rule_of(const std::string& name, const std::string& condition) {
    RuleDefinition definition;
    definition.rule.name = name;
    definition.rule.levels.push_back({.severity = "critical", .condition = program_of(condition)});
    return definition;
}

Notice notice_of(NoticeType type) {
    Notice notice;
    notice.type = type;
    notice.rule = "slow";
    notice.labels = {{"service", "pay"}};
    notice.severity = "critical";
    notice.level = type == NoticeType::firing ? 1 : 0;
    notice.value = 312;
    notice.peak = 512;
    notice.unit = milliseconds;
    notice.started_wall_ns = 1'000;
    notice.duration_ns = 720'000'000'000;
    return notice;
}

std::string summary_of(const Notice& notice) {
    const MessageMaker maker({rule_of("slow", "p95(x) by (service) > 250ms")}, "web-1");
    return maker.make(notice, 5).summary;
}

}  // namespace

TEST_CASE("a message has what the notice, the rule and the host say") {
    RuleDefinition rule = rule_of("slow", "p95(x) by (service) > 250ms");
    rule.summary = "{{ labels.service }} takes {{ value | humanize }}";
    rule.description = "see {{ runbook_url }}, {{ labels.team }}";
    rule.runbook_url = "https://runbooks/slow";
    rule.labels = {{"team", "shop"}};
    rule.repeat_ns = 9;
    rule.channels = {"hook"};
    const MessageMaker maker({rule}, "web-1");
    const Message message = maker.make(notice_of(NoticeType::firing), 5);
    CHECK(message.summary == "pay takes 312 ms");
    CHECK(message.description == "see https://runbooks/slow, shop");
    CHECK(message.condition == "p95(x) by (service) > 250ms");
    CHECK(message.threshold == 250);
    CHECK(message.unit == "ms");
    CHECK(message.host == "web-1");
    CHECK(message.told_unix_ns == 5);
    CHECK(message.repeat_ns == 9);
    CHECK(message.fixed_labels.at("team") == "shop");
    REQUIRE(maker.channels_of("slow") != nullptr);
    CHECK(*maker.channels_of("slow") == std::vector<std::string>{"hook"});
    CHECK(maker.channels_of("other") == nullptr);
}

TEST_CASE("without a summary one is made") {
    CHECK(summary_of(notice_of(NoticeType::firing)) ==
          "slow (service=pay): 312 ms; p95(x) by (service) > 250ms");
    CHECK(summary_of(notice_of(NoticeType::resolved)) ==
          "slow (service=pay): over after 12 m, now 312 ms, at worst 512 ms");
    Notice notice = notice_of(NoticeType::firing);
    notice.reason = Reason::no_data;
    CHECK(summary_of(notice) == "slow (service=pay): no data; p95(x) by (service) > 250ms");
    notice = notice_of(NoticeType::resolved);
    notice.reason = Reason::expired;
    // As the engine has it: no value now, and a worst one all the same.
    notice.has_value = false;
    CHECK(summary_of(notice) ==
          "slow (service=pay): over after 12 m: there has been no data for too long to tell, at "
          "worst 512 ms");
    notice.has_peak = false;
    CHECK(summary_of(notice) ==
          "slow (service=pay): over after 12 m: there has been no data for too long to tell");
    notice.rule = "gone";
    notice.labels.clear();
    notice.reason = Reason::rule_removed;
    CHECK(summary_of(notice) == "gone: over after 12 m: the rule was removed");
    CHECK(summary_of(notice_of(NoticeType::flapping)) ==
          "slow (service=pay): changes too often to be told each time; silence until it has "
          "settled");
    CHECK(summary_of(notice_of(NoticeType::settled)) ==
          "slow (service=pay): has settled, and is ok");
}

TEST_CASE("whatever a summary says, it says how many more there are") {
    Notice notice = notice_of(NoticeType::firing);
    notice.untold = 950;
    CHECK(summary_of(notice) ==
          "slow (service=pay): 312 ms; p95(x) by (service) > 250ms (and 950 more)");
}

TEST_CASE("thresholds are constants that the value is compared with") {
    CHECK(threshold_of(program_of("p95(x) > 2s")) == 2000);
    CHECK(threshold_of(program_of("sum(x[5m]) > 1k")) == 1000);
    CHECK(threshold_of(program_of("last(x) < 20%")) == 0.2);
    CHECK(threshold_of(program_of("last(x) > last(y)")) == std::nullopt);
    CHECK(threshold_of(program_of("absent(x[1m])")) == std::nullopt);
    CHECK(threshold_of(program_of("last(x) > 3 and last(y) > 5")) == 3);
}

TEST_CASE("templates may name the labels that a rule has") {
    RuleDefinition rule = rule_of("slow", "p95(x) by (service) > 250ms");
    rule.labels = {{"team", "shop"}};
    const TemplateScope closed = scope_of(rule);
    CHECK(!closed.has_any_label);
    CHECK(closed.labels == std::vector<std::string>{"host", "team", "service"});
    CHECK(scope_of(rule_of("slow", "p95(x) by (*) > 250ms")).has_any_label);
}
