// [alerts], [alerts.NAME], [derive.NAME] and [units]: what each option becomes, what rules
// about the agent itself there are and how they are overridden, and what windows may take in all.
#include "agent/config/alerts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/rule_text.h"
#include "agent/config/show.h"
#include "agent/self_metrics/catalogue.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using alerts::AlertsConfig;
using alerts::NoData;
using alerts::RuleDefinition;
using Lines = std::vector<std::string>;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t minute_ns = 60 * second_ns;

struct Loaded {
    AlertsConfig alerts;
    Lines warnings;
};

Loaded loaded_from(std::string_view toml, std::vector<std::string> sets = {}) {
    const ConfigDirectory directory;
    const auto file = directory.write("c", toml);
    const LoadedConfig loaded = loaded_of(config_arguments(file, std::move(sets)));
    Loaded result{loaded.config.alerts, {}};
    for (Problem warning : loaded.warnings()) {
        if (warning.where == file.native()) warning.where = "c";
        result.warnings.push_back(to_line(warning));
    }
    return result;
}

const RuleDefinition& rule_of(const AlertsConfig& config, std::string_view name) {
    const auto found = std::ranges::find(config.rules, name, [](const RuleDefinition& definition) {
        return std::string_view(definition.rule.name);
    });
    REQUIRE_MESSAGE(found != config.rules.end(), name);
    return *found;
}

bool has_rule(const AlertsConfig& config, std::string_view name) {
    return std::ranges::any_of(config.rules, [&](const RuleDefinition& definition) {
        return definition.rule.name == name;
    });
}

std::vector<std::string> built_in_names() {
    std::vector<std::string> names;
    for (const RuleDefinition& definition : loaded_from("").alerts.rules) {
        names.push_back(definition.rule.name);
    }
    return names;
}

// The first rule of a few lines below [alerts.r].
RuleDefinition rule(std::string_view lines) {
    return rule_of(loaded_from("[alerts.r]\n" + std::string(lines)).alerts, "r");
}

// What is wrong with a few lines below [alerts.r], from the third line on.
Lines wrong(std::string_view lines) {
    return lines_wrong_in("[alerts.r]\ncondition = 'errors > 1'\n" + std::string(lines));
}

}  // namespace

TEST_CASE("a rule with one level has all that was written") {
    const RuleDefinition read = rule(R"(
condition = 'ratio(errors, requests[5m], min = 50) by (service) > 5%'
clear = 'ratio(errors, requests[5m]) by (service) < 2%'
for = "2m"
keep_firing_for = "1m"
severity = "critical"
no_data = "ok"
max_instances = 7
repeat = "1h"
channels = ["log"]
inhibited_by = ["pitot_sink_failing"]
resolve_after = "10m"
labels = { team = "payments" }
[alerts.r.annotations]
summary = "{{ labels.service }} fails"
description = "look at the gateway"
runbook = "https://wiki/runbook"
[alerts.r.flap]
transitions = 9
within = "20m"
hold = "5m"
)");
    REQUIRE(read.rule.levels.size() == 1);
    CHECK(read.rule.levels[0].severity == "critical");
    CHECK(to_text(read.rule.levels[0].condition.expression) ==
          "ratio(errors, requests[5m], min = 50) by (service) > 5%");
    REQUIRE(read.rule.levels[0].clear);
    CHECK(read.rule.policy.hold_for.nanoseconds == 2 * minute_ns);
    CHECK(read.rule.policy.keep_firing_ns == minute_ns);
    CHECK(read.rule.policy.no_data == NoData::ok);
    CHECK(read.rule.policy.resolve_after_ns == 10 * minute_ns);
    CHECK(read.rule.policy.flap.transitions == 9);
    CHECK(read.rule.policy.flap.within_ns == 20 * minute_ns);
    CHECK(read.rule.policy.flap.hold_ns == 5 * minute_ns);
    CHECK_FALSE(read.rule.policy.worst_is_least);
    CHECK(read.rule.instances_max == 7);
    CHECK(read.rule.inhibited_by == Lines{"pitot_sink_failing"});
    CHECK(read.repeat_ns == 60 * minute_ns);
    CHECK(read.channels == Lines{"log"});
    CHECK(read.labels == std::map<std::string, std::string>{{"team", "payments"}});
    CHECK(read.summary == "{{ labels.service }} fails");
    CHECK(read.description == "look at the gateway");
    CHECK(read.runbook_url == "https://wiki/runbook");
    CHECK_FALSE(read.is_built_in);
    CHECK(read.where.ends_with("/c:1"));
}

TEST_CASE("a rule with nothing but a condition has the defaults") {
    const RuleDefinition read = rule("condition = 'free < 5'");
    CHECK(read.rule.levels[0].severity == "warning");
    CHECK_FALSE(read.rule.levels[0].clear);
    CHECK(read.rule.policy.hold_for.nanoseconds == 0);
    CHECK(read.rule.policy.hold_for.of == 0);
    CHECK(read.rule.policy.keep_firing_ns == 0);
    CHECK(read.rule.policy.no_data == NoData::hold);
    CHECK(read.rule.policy.resolve_after_ns == 60 * minute_ns);
    CHECK(read.rule.policy.flap.transitions == 4);
    CHECK(read.rule.policy.worst_is_least);
    CHECK(read.rule.instances_max == 50);
    CHECK(read.channels.empty());
    CHECK(read.repeat_ns == 0);
}

TEST_CASE("a rule with two levels") {
    const RuleDefinition read = rule(
        "value = 'used / size'\nwarn = '> 80%'\ncrit = '>= 100%'\n"
        "clear_warn = '< 70%'\nclear_crit = '< 90%'");
    REQUIRE(read.rule.levels.size() == 2);
    CHECK(read.rule.levels[0].severity == "warning");
    CHECK(to_text(read.rule.levels[0].condition.expression) == "used / size > 80%");
    CHECK(to_text(read.rule.levels[0].clear->expression) == "used / size < 70%");
    CHECK(read.rule.levels[1].severity == "critical");
    CHECK(to_text(read.rule.levels[1].condition.expression) == "used / size >= 100%");

    const RuleDefinition upper = rule("value = 'used'\ncrit = '> 9'");
    REQUIRE(upper.rule.levels.size() == 1);
    CHECK(upper.rule.levels[0].severity == "critical");
}

TEST_CASE("for is a time or a number of evaluations, and has other spellings") {
    const auto hold = [](std::string_view line) {
        return rule("condition = 'a > 1'\n" + std::string(line)).rule.policy.hold_for;
    };
    CHECK(hold("for = '3 of 5'").needed == 3);
    CHECK(hold("for = '3 of 5'").of == 5);
    CHECK(hold("for = '64 of 64'").of == 64);
    CHECK(hold("duration = '5m'").nanoseconds == 5 * minute_ns);
    CHECK(hold("min_duration = '60s'").nanoseconds == minute_ns);
    CHECK(hold("for = '0'").nanoseconds == 0);
    CHECK(rule("condition = 'a > 1'\nmax_frequency = '2h'").repeat_ns == 120 * minute_ns);

    for (const std::string_view text :
         {"soon", "0 of 5", "6 of 5", "3 of 65", "of", " of ", "3 of", "-1s", "8d", "3of5"}) {
        CAPTURE(text);
        CHECK(
            wrong("for = '" + std::string(text) + "'") ==
            Lines{"c:3:7: alerts.r.for: must be a duration up to 168h, such as \"5m\", or so many "
                  "of the last evaluations, up to 64, such as \"3 of 5\", got the text \"" +
                  std::string(text) + "\""});
    }
    CHECK(wrong("for = '1m'\nduration = '2m'") ==
          Lines{"c:4:12: alerts.r.duration: must be left out: it is another word for `for`"});
}

TEST_CASE("flapping can be switched off, or on as it is by default") {
    CHECK(rule("condition = 'a > 1'\nflap = false").rule.policy.flap.transitions == 0);
    CHECK(rule("condition = 'a > 1'\nflap = true").rule.policy.flap.transitions == 4);
    CHECK(wrong("flap = 3") ==
          Lines{"c:3:8: alerts.r.flap: must be a table: [alerts.r.flap], got the number 3"});
}

TEST_CASE("absent() knows what should be there") {
    const RuleDefinition read = rule(
        "condition = 'absent(beat[1m]) by (worker)'\nforget_after = '1h'\n"
        "expect = [{ worker = 'a' }, { worker = 'b' }]");
    REQUIRE(read.rule.levels[0].condition.feeds.size() == 1);
    const alerts::Feed& feed = read.rule.levels[0].condition.feeds[0];
    CHECK(feed.known_flushes == 360);
    REQUIRE(feed.expected.size() == 2);
    CHECK(feed.expected[1] == alerts::GroupLabels{{"worker", "b"}});

    CHECK(wrong("forget_after = '1h'") == Lines{"c:3:16: alerts.r.forget_after: must be left out: "
                                                "only `absent(x)` knows what should be there"});
    const auto expecting = [](std::string_view condition, std::string_view expect) {
        return lines_wrong_in("[alerts.r]\ncondition = '" + std::string(condition) +
                              "'\nexpect = " + std::string(expect));
    };
    CHECK(expecting("absent(beat) by (worker)", "[{ host = 'a' }]") ==
          Lines{"c:3:10: alerts.r.expect: must be tables of worker, by which `absent` is grouped, "
                "got host"});
    CHECK(expecting("absent(beat)", "[{ host = 'a' }]") ==
          Lines{"c:3:10: alerts.r.expect: must be left out: `absent(x)` is one group; write "
                "`absent(x) by (…)` for one of each"});
    CHECK(expecting("absent(beat) by (worker)", "['a']") ==
          Lines{"c:3:11: alerts.r.expect: must be a list of tables of texts, such as [{ worker = "
                "\"a\" }], got the text \"a\""});
    CHECK(expecting("absent(beat) by (worker)", "[{ worker = 1 }]") ==
          Lines{"c:3:22: alerts.r.expect: must have texts in its tables, such as { worker = \"a\" "
                "}, got the number 1"});
}

TEST_CASE("what is wrong inside an expression has its own place") {
    CHECK(lines_wrong_in("[alerts.r]\ncondition = 'sume(x) > 2'")
              .at(0)
              .starts_with("c:2:14: alerts.r.condition: "));
    // Behind escapes, over several lines, in a threshold.
    CHECK(
        lines_wrong_in("[alerts.r]\ncondition = \"\"\"\n  sum(\\\"a b\\\") > 1\n  and and x\"\"\"")
            .at(0)
            .starts_with("c:4:7: alerts.r.condition: "));
    CHECK(lines_wrong_in("[alerts.r]\nvalue = 'a / b'\nwarn = '> 80%'\ncrit = '80%'").at(0) ==
          "c:4:9: alerts.r.crit: must begin with a comparison such as `> 80%`, got `80%`");
    CHECK(lines_wrong_in("[alerts.r]\nvalue = 'a > 1'\nwarn = '> 80%'")
              .at(0)
              .starts_with("c:2:12: alerts.r.value: must be a number, got the condition `a > 1`"));
}

TEST_CASE("built-in rules are there, compile, and read metrics that there are") {
    const AlertsConfig config = loaded_from("").alerts;
    CHECK(built_in_names() == Lines{"pitot_sink_failing", "pitot_queue_filling", "pitot_limit_hit",
                                    "pitot_parse_errors", "pitot_kernel_drops", "pitot_late_flush",
                                    "pitot_channel_failing"});
    const std::vector<std::string> own = own_names("pitot");
    for (const RuleDefinition& definition : config.rules) {
        CAPTURE(definition.rule.name);
        CHECK(definition.is_built_in);
        CHECK(definition.where == "built in");
        CHECK_FALSE(definition.summary.empty());
        for (const alerts::Feed& feed : definition.rule.levels[0].condition.feeds) {
            CAPTURE(feed.metric);
            CHECK(std::ranges::binary_search(own, feed.metric));
        }
        CHECK(definition.rule.levels[0].condition.hints.empty());
    }
    CHECK(loaded_from("").warnings.empty());
}

TEST_CASE("built-in rules follow the prefix, and go with the metrics they read") {
    const AlertsConfig other = loaded_from("[self_metrics]\nprefix = 'my-agent.x'").alerts;
    CHECK(rule_of(other, "pitot_sink_failing").rule.levels[0].condition.feeds[0].metric ==
          "my-agent.x.sink.working");
    CHECK(loaded_from("[self_metrics]\nenabled = false").alerts.rules.empty());
    CHECK(loaded_from("[alerts]\nbuilt_in = false").alerts.rules.empty());

    const Loaded without = loaded_from(
        "[self_metrics]\nenabled = false\n[alerts.pitot_limit_hit]\nchannels = ['log']");
    CHECK(without.alerts.rules.empty());
    CHECK(without.warnings ==
          Lines{"c:3:1: alerts.pitot_limit_hit: is a rule about the agent's own metrics, of which "
                "there are none: self_metrics.enabled is false"});
}

TEST_CASE("a built-in rule is overridden in single options, as a whole, or switched off") {
    const AlertsConfig routed =
        loaded_from("[alerts.pitot_sink_failing]\nfor = '30s'\nchannels = ['log']").alerts;
    CHECK(routed.rules.size() == built_in_names().size());
    const RuleDefinition& failing = rule_of(routed, "pitot_sink_failing");
    CHECK(failing.is_built_in);
    CHECK(failing.where.ends_with("/c:1"));
    CHECK(failing.rule.policy.hold_for.nanoseconds == 30 * second_ns);
    CHECK(failing.rule.levels[0].severity == "critical");
    CHECK(failing.channels == Lines{"log"});
    CHECK_FALSE(failing.summary.empty());

    const AlertsConfig own =
        loaded_from("[alerts.pitot_sink_failing]\nvalue = 'x'\nwarn = '> 1'").alerts;
    const RuleDefinition& mine = rule_of(own, "pitot_sink_failing");
    CHECK_FALSE(mine.is_built_in);
    CHECK(mine.rule.policy.hold_for.nanoseconds == 0);
    CHECK(mine.summary.empty());

    const AlertsConfig less = loaded_from("[alerts.pitot_sink_failing]\nenabled = false").alerts;
    CHECK_FALSE(has_rule(less, "pitot_sink_failing"));
    CHECK(less.rules.size() == built_in_names().size() - 1);

    CHECK(lines_wrong_in("[alerts.pitot_sink_failing]\nfor = 'soon'").size() == 1);
}

TEST_CASE("a rule that is switched off is checked, and is none") {
    CHECK_FALSE(
        has_rule(loaded_from("[alerts.r]\nenabled = false\ncondition = 'a > 1'").alerts, "r"));
    CHECK(wrong("enabled = false\nfor = 'soon'").size() == 1);
    CHECK_FALSE(loaded_from("[alerts]\nenabled = false").alerts.enabled);
}

TEST_CASE("channels of [alerts] are those of all rules that name none") {
    const AlertsConfig config =
        loaded_from(
            "[alerts]\nchannels = ['log']\n[alerts.a]\ncondition = 'x > 1'\n"
            "[alerts.b]\ncondition = 'x > 1'\nchannels = []")
            .alerts;
    CHECK(rule_of(config, "a").channels == Lines{"log"});
    CHECK(rule_of(config, "b").channels.empty());
    CHECK(rule_of(config, "pitot_limit_hit").channels == Lines{"log"});
    CHECK(rule_of(config, "pitot_channel_failing").channels == Lines{"log"});
    CHECK(lines_wrong_in("[alerts]\nchannels = ['oncall']") ==
          Lines{"c:2:12: alerts.channels: must name channels that there are, got \"oncall\"; there "
                "are: log"});
    CHECK(lines_wrong_in("[alerts]\nchannels = ['lok']") ==
          Lines{"c:2:12: alerts.channels: must name channels that there are, got \"lok\"; did you "
                "mean \"log\"?"});
}

TEST_CASE("that a channel fails is told to the log, whatever else is told where") {
    const auto channels = [](const std::string& more) {
        const AlertsConfig config =
            loaded_from("[alerts]\nchannels = ['hook']\n" + more +
                        "[channels.hook]\ntype = 'webhook'\nurl = 'http://127.0.0.1:1'\n")
                .alerts;
        CHECK(rule_of(config, "pitot_sink_failing").channels == Lines{"hook"});
        return rule_of(config, "pitot_channel_failing").channels;
    };
    const std::string table = "[alerts.pitot_channel_failing]\n";
    CHECK(channels("") == Lines{"hook", "log"});
    CHECK(channels(table + "for = '1m'\n") == Lines{"hook", "log"});
    // What is asked for by name is meant so.
    CHECK(channels(table + "channels = ['hook']\n") == Lines{"hook"});
}

TEST_CASE("rules refer to rules that there are") {
    CHECK(wrong("inhibited_by = ['q']\n[alerts.quiet]\ncondition = 'a > 1'") ==
          Lines{"c:3:16: alerts.r.inhibited_by: must name rules that there are, got \"q\""});
    CHECK(wrong("inhibited_by = ['qiet']\n[alerts.quiet]\ncondition = 'a > 1'") ==
          Lines{"c:3:16: alerts.r.inhibited_by: must name rules that there are, got \"qiet\"; did "
                "you mean \"quiet\"?"});
    CHECK(wrong("inhibited_by = ['r']") ==
          Lines{"c:3:16: alerts.r.inhibited_by: must name other rules, got this one itself"});
    std::string many;
    for (int i = 0; i < 33; ++i) many += "'log', ";
    CHECK(wrong("channels = [" + many + "]") ==
          Lines{"c:3:12: alerts.r.channels: must be at most 32 names, got 33"});
    // One that has a problem itself is there.
    CHECK(wrong("inhibited_by = ['bad']\n[alerts.bad]\ncondition = '1 > 2'").size() == 1);
}

TEST_CASE("rules that keep each other quiet are refused") {
    const auto rule = [](const std::string& name, const std::string& by) {
        return "[alerts." + name + "]\ncondition = 'a > 1'\ninhibited_by = [" + by + "]\n";
    };
    const std::string before =
        "alerts.a.inhibited_by: must not lead back to this rule, got a circle in which each rule "
        "is kept quiet by the next one, for ever: ";
    CHECK(lines_wrong_in(rule("a", "'b'") + rule("b", "'a'")) ==
          Lines{"c:3:16: " + before + R"("a" by "b" by "a")"});
    CHECK(lines_wrong_in(rule("a", "'d', 'b'") + rule("b", "'c'") + rule("c", "'d', 'a'") +
                         rule("d", "")) ==
          Lines{"c:3:16: " + before + R"("a" by "b" by "c" by "a")"});
    // Who is kept quiet by a circle is no part of it.
    CHECK(lines_wrong_in(rule("outside", "'a'") + rule("a", "'b'") + rule("b", "'a'")) ==
          Lines{"c:6:16: " + before + R"("a" by "b" by "a")"});
    CHECK(lines_wrong_in(rule("a", "'b'") + rule("b", "'a'") + rule("x", "'y'") + rule("y", "'x'"))
              .size() == 2);
    // Two ways to one rule are none, and one that is switched off keeps nobody quiet.
    loaded_from(rule("a", "'b', 'c'") + rule("b", "'d'") + rule("c", "'d'") + rule("d", ""));
    loaded_from(rule("a", "'b'") + rule("b", "'a'") + "enabled = false\n");
}

TEST_CASE("no rule has the name of an option, and no option that of a rule") {
    CHECK(lines_wrong_in("[alerts.enabled]\ncondition = 'a > 1'\n[alerts.max_state]\n") ==
          Lines{"c:1:1: alerts.enabled: must have another name: `enabled` is an option of [alerts]",
                "c:3:1: alerts.max_state: must have another name: `max_state` is an option of "
                "[alerts]"});
    CHECK(lines_wrong_in("[alerts]\nmaxstate = '1MiB'\ncondition = 'a > 1'") ==
          Lines{"c:2:1: alerts.maxstate: unknown option; did you mean `max_state`?",
                "c:3:1: alerts.condition: unknown option; known here: enabled, max_state, "
                "channels, built_in"});
    CHECK(lines_wrong_in("[[alerts]]\nname = 'a'") ==
          Lines{"c:1:1: alerts: must be a table, [alerts], with one for each rule: [alerts.NAME], "
                "got an array"});
    CHECK(lines_wrong_in("[[alert]]\nname = 'a'") ==
          Lines{"c:1:3: alert: unknown option; did you mean `alerts`?"});
}

TEST_CASE("units of metrics are declared, by name or by glob") {
    const AlertsConfig config = loaded_from(
                                    "units = { 'db.seconds' = 's', 'disk.*' = 'KiB' }\n"
                                    "[alerts.r]\ncondition = 'db.seconds > "
                                    "500ms'\n[alerts.q]\ncondition = '\"disk.*\" > 1MiB'")
                                    .alerts;
    const alerts::Program& program = rule_of(config, "r").rule.levels[0].condition;
    CHECK(program.steps[program.steps[program.root].operands[1]].number == 0.5);
    const alerts::Program& glob = rule_of(config, "q").rule.levels[0].condition;
    CHECK(glob.steps[glob.steps[glob.root].operands[1]].number == 1024);
    const auto unit_of = alerts::unit_lookup(config.units);
    CHECK(unit_of("disk.a")->name == "KiB");
    CHECK_FALSE(unit_of("disk"));
    const Lines problems = lines_wrong_in("units = { x = 'sec' }");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("c:1:9: units: must hold units ("));
    CHECK(problems[0].ends_with("), got \"x\" = \"sec\""));
}

TEST_CASE("derived series") {
    const AlertsConfig config =
        loaded_from(
            "[derive.share]\nexpr = 'ratio(a, b[5m]) by (service)'\nmetric = 'shop.share'\n"
            "[derive.plain]\nexpr = 'rate(a)'")
            .alerts;
    REQUIRE(config.derived.size() == 2);
    CHECK(config.derived[0].name == "shop.share");
    CHECK(config.derived[0].expression.feeds.size() == 2);
    CHECK(config.derived[1].name == "plain");

    CHECK(lines_wrong_in("[derive.a]\n[derive.b]\nexpr = 'x > 1'\n[derive.c]\nexpr = 'rate(x)'\n"
                         "metric = 'a b'\n[derive.d]\nexpr = 'rate(x)'\nmetric = 'pitot.lines'\n"
                         "[derive.e]\nexpr = 'rate(x)'\n[derive.f]\nexpr = 'rate(x)'\n"
                         "metric = 'e'\n") ==
          // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): messages are longer than lines
          Lines{"c:1:1: derive.a.expr: must be given, such as \"ratio(errors, requests[5m])\", got "
                "nothing",
                "c:3:11: derive.b.expr: must be a number, got the condition `x > 1`",
                "c:6:10: derive.c.metric: must be the name of a metric, without blanks, ':', '|', "
                "'@', '#' and '*', got the text \"a b\"",
                "c:9:10: derive.d.metric: must be a name of its own, got \"pitot.lines\", which "
                "the agent itself has already",
                "c:14:10: derive.f.metric: must be a name of its own, got \"e\", which another "
                "[derive.NAME] has already"});
}

TEST_CASE("a derived series is not made of itself, alone or in a circle") {
    CHECK(lines_wrong_in("[derive.y]\nexpr = '2 * y'\n") ==
          Lines{"c:2:13: derive.y.expr: must read other metrics than the one it makes, got `y`, "
                "which no client may send once it is derived; `metric` gives the derived one "
                "another name"});
    CHECK(lines_wrong_in("[derive.y]\nexpr = 'z * 2'\nmetric = 'z'\n").size() == 1);
    CHECK(lines_wrong_in("[derive.a]\nexpr = 'b + x'\n[derive.b]\nexpr = 'c'\n"
                         "[derive.c]\nexpr = 'x - a'\n[derive.d]\nexpr = 'a'\n") ==
          Lines{"c:2:9: derive.a.expr: must not read itself, got a circle: `a` reads `b`, which "
                "reads `c`, which reads `a`"});
    // A name with `*` takes in what it makes, if it takes gauges.
    const std::string all = "[derive.all]\nmetric = 'errors.all'\nexpr = ";
    CHECK(lines_wrong_in(all + "'sum(\"errors.*\")'\n").size() == 1);
    const std::vector<std::string> fine{all + "'rate(\"errors.*\")'\n",
                                        all + "'sum(\"errors.*\"{kind=\"x\"})'\n",
                                        "[derive.a]\nexpr = 'b'\n[derive.b]\nexpr = 'x'\n"};
    for (const std::string& text : fine) {
        CAPTURE(text);
        CHECK(loaded_from(text).alerts.derived.size() >= 1);
    }
}

TEST_CASE("what windows may take is checked with the worst case") {
    constexpr std::string_view rules =
        "[alerts]\nmax_state = '1MiB'\n"
        "[alerts.small]\ncondition = 'rate(x) > 1'\n"
        "[alerts.large]\ncondition = 'p95(x[5m]) by (service) > 1s'\nmax_instances = 100\n";
    const Lines problems = lines_wrong_in(rules);
    REQUIRE(problems.size() == 1);
    CHECK(
        problems[0].starts_with("c:2:13: alerts.max_state: must be at least 16MiB, which the "
                                "windows of all rules can take, got 1MiB; `large` ("));
    CHECK(
        problems[0].ends_with("/c:5) alone can take 16MiB: less with a shorter window, or with a "
                              "lower max_instances than "
                              "100"));
    // What the message says would be right is.
    CHECK(lines_wrong_in(rules, {"alerts.max_state=\"16MiB\""}).empty());
    CHECK(lines_wrong_in(rules, {"alerts.large.max_instances=2"}).empty());

    const AlertsConfig config = loaded_from(rules, {"alerts.max_state=\"1GiB\""}).alerts;
    const std::size_t one = state_bytes(rule_of(config, "large").rule);
    CHECK(one == 100 * group_bytes_max(rule_of(config, "large").rule.levels[0].condition.feeds[0]));
    // Rules that read the same share a window.
    AlertsConfig twice = config;
    twice.rules.push_back(rule_of(config, "large"));
    CHECK(state_bytes(twice) == state_bytes(config));
}

TEST_CASE("traps are warned of where they stand") {
    const Loaded loaded = loaded_from(R"([alerts.a]
condition = 'rate(errors) > 0.05'
[alerts.b]
condition = 'p95(query) > 2.0'
[alerts.c]
value = 'p95(query[5m])'
warn = '> 2'
crit = '> 4'
[alerts.d]
condition = 'rate(x{status="failed"}[5m]) by (*) / rate(x[5m]) by (*) > 0.1'
annotations.summary = "failure rate is {{ value }}%"
[alerts.e]
condition = 'load > 5'
clear = 'load < 6'
[alerts.f]
value = 'load'
warn = '> 5'
crit = '> 3'
)");
    CAPTURE(loaded.warnings);
    REQUIRE(loaded.warnings.size() == 8);
    CHECK(loaded.warnings[0].starts_with("c:2:29: alerts.a.condition: `rate()` is per second"));
    CHECK(loaded.warnings[1].starts_with("c:4:27: alerts.b.condition: `query` is in milli"));
    CHECK(loaded.warnings[2].starts_with("c:7:11: alerts.c.warn: `query[5m]` is in milli"));
    CHECK(loaded.warnings[3].starts_with("c:8:11: alerts.c.crit: `query[5m]` is in milli"));
    CHECK(loaded.warnings[4].starts_with("c:10:50: alerts.d.condition: each side has the tag"));
    CHECK(loaded.warnings[5].starts_with("c:11:23: alerts.d.annotations.summary: `{{ value }}%`"));
    CHECK(loaded.warnings[6] ==
          "c:14:9: alerts.e.clear: has no effect: it is true of every value of which `condition` "
          "is not; for hysteresis its limit lies on the other side");
    CHECK(loaded.warnings[7] ==
          "c:18:8: alerts.f.crit: is true before `warn` is, so that there is never a warning");
}

TEST_CASE("what --show prints are the same rules") {
    const ConfigDirectory directory;
    const auto file = directory.write("pitot.toml", R"toml(
units = { "disk.*" = "KiB" }
[alerts]
channels = ["log"]
[alerts.a-b]
condition = 'last("disk.*") by (host) > 1GiB'
[alerts.absent]
condition = "absent(x[1m]) by (host)"
expect = [{ host = "a" }, { host = "b\"" }]
flap = false
labels = { team = "a" }
annotations = { summary = "{{ value }}\n$${x}" }
[alerts.levels]
value = "x"
crit = "> 80%"
[alerts.levels.flap]
within = "1h"
[alerts.pitot_limit_hit]
for = "3 of 5"
[derive.d]
expr = "rate(x)"
)toml");
    const LoadedConfig first = loaded_of(config_arguments(file));
    const auto shown = directory.write("again/pitot.toml", show(first));
    const LoadedConfig second = loaded_of(config_arguments(shown));
    const auto text_of = [](const LoadedConfig& loaded) {
        std::string text;
        for (RuleDefinition definition : loaded.config.alerts.rules) {
            definition.where = "";
            AlertsConfig one;
            one.rules.push_back(definition);
            one.rules.back().is_built_in = false;
            text += explain(one, 10 * second_ns) + definition.summary;
        }
        return text;
    };
    CHECK(text_of(first) == text_of(second));
    CHECK(second.config.alerts.derived.size() == 1);
}
