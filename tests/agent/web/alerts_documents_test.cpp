// The documents about alerts: the members that Prometheus has, with the types that it has, and
// beside them ours; texts from clients shown escaped; explanations and what is not found.
#include "agent/web/alerts_documents.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::agent::alerts;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t now_unix_ns = 1'785'542'410'250'000'000;  // 2026-08-01T00:00:10.25Z

InstanceFinder in(const EvaluationHistory& history) {
    return [&history](std::size_t rule, const GroupLabels& labels, std::size_t most) {
        return history.find(rule, labels, most);
    };
}

AlertsView sample() {
    RuleFacts slow{.name = "slow",
                   .levels = {{"warning", "p95(t) > 1s", ""}, {"critical", "p95(t) > 2s", ""}},
                   .leaves = {"p95(t)"},
                   .summary = "{{ labels.service }} is slow",
                   .labels = {{"team", "web"}},
                   .channels = {"oncall"},
                   .where = "/etc/pitot/pitot.toml:7"};
    slow.policy.hold_for.nanoseconds = 60 * second;
    slow.unit = milliseconds;
    RuleFacts own{.name = "pitot_late",
                  .levels = {{"warning", "late > 1", ""}},
                  .leaves = {"late"},
                  .is_built_in = true,
                  .where = "built in"};
    AlertsView view;
    view.rules = std::make_shared<const std::vector<RuleFacts>>(
        std::vector<RuleFacts>{std::move(slow), std::move(own)});
    view.derived = std::make_shared<const std::vector<DerivedFacts>>(
        std::vector<DerivedFacts>{{"errors.share", "errors / requests"}});
    view.flushes = 3;
    view.evaluated_wall_ns = now_unix_ns;
    view.took_ns = 2'500'000;
    view.interval_ns = 10 * second;
    view.standings.resize(2);
    view.standings[0].counts = {.pending = 1, .firing = 1};
    view.standings[0].instances = 5;
    view.standings[1].unmatched.push_back({.leaf = 0, .metric = "late", .nearest = {"latest"}});
    view.alerts.push_back({.rule = 0,
                           .labels = {{"service", "pay\x1b[31m\""}},
                           .phase = Phase::recovering,
                           .level = 2,
                           .is_told = true,
                           .summary = "pay is slow",
                           .value = 2'500,
                           .peak = 9'000,
                           .since_wall_ns = now_unix_ns - 5 * second,
                           .active_wall_ns = now_unix_ns - 60 * second});
    view.alerts.push_back({.rule = 0,
                           .labels = {{"service", "web"}},
                           .phase = Phase::pending,
                           .value = 1'500,
                           .since_wall_ns = now_unix_ns - 5 * second,
                           .active_wall_ns = now_unix_ns - 5 * second});
    return view;
}

boost::json::value parsed(const std::string& text) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(text, error);
    REQUIRE_MESSAGE(!error, text);
    return value;
}

std::string at(const boost::json::value& document, std::string_view pointer) {
    boost::json::error_code error;
    const auto* const found = document.find_pointer({pointer.data(), pointer.size()}, error);
    return found == nullptr ? "nothing" : boost::json::serialize(*found);
}

}  // namespace

TEST_CASE("alerts in the shape of Prometheus") {
    const auto document = parsed(alerts_document(sample()));
    CHECK(at(document, "/status") == R"("success")");
    CHECK(at(document, "/data/alerts/0/state") == R"("firing")");
    CHECK(at(document, "/data/alerts/0/value") == R"("2.5e+03")");
    CHECK(at(document, "/data/alerts/0/activeAt") == R"("2026-07-31T23:59:10.250Z")");
    CHECK(at(document, "/data/alerts/0/labels/alertname") == R"("slow")");
    CHECK(at(document, "/data/alerts/0/labels/severity") == R"("critical")");
    CHECK(at(document, "/data/alerts/0/labels/team") == R"("web")");
    CHECK(at(document, "/data/alerts/0/labels/service") == R"("pay\\x1b[31m\"")");
    CHECK(at(document, "/data/alerts/0/annotations/summary") == R"("pay is slow")");
    CHECK(at(document, "/data/alerts/0/pitot/state") == R"("recovering")");
    CHECK(at(document, "/data/alerts/0/pitot/unit") == R"("ms")");
    CHECK(at(document, "/data/alerts/1/state") == R"("pending")");
    CHECK(at(document, "/data/alerts/1/labels/severity") == R"("warning")");
    CHECK(at(document, "/data/alerts/2") == "nothing");
}

TEST_CASE("a client's tag does not take the place of a label of ours") {
    AlertsView view = sample();
    view.alerts[1].labels = {{"alertstate", "x"}, {"severity", "y"}};
    const auto document = parsed(alerts_document(view));
    const std::string labels = "/data/alerts/1/labels";
    CHECK(at(document, labels) ==
          R"({"alertname":"slow","severity":"warning","tag_alertstate":"x",)"
          R"("tag_severity":"y","team":"web"})");
}

TEST_CASE("a share of 1 that is beyond it is asked about") {
    AlertsView view = sample();
    std::vector<RuleFacts> rules = *view.rules;
    rules[0].undeclared_share = "`disk` has no unit";
    view.rules = std::make_shared<const std::vector<RuleFacts>>(std::move(rules));
    const auto hint_at = [&](double value) {
        EvaluationHistory history(2);
        history.admit(0, "", {}, false);
        EvaluationRecord record{.wall_ns = now_unix_ns, .is_there = true};
        record.value = Value::exact(value);
        history.record(0, "", false, std::move(record));
        return at(parsed(explain_document(view, in(history), {{"alert", "slow"}}, false).text),
                  "/data/hint");
    };
    CHECK(hint_at(85) == R"("is it in percent already? `disk` has no unit")");
    CHECK(hint_at(0.85) == "nothing");
}

TEST_CASE("rules in the shape of Prometheus") {
    const auto document = parsed(rules_document(sample(), {}));
    CHECK(at(document, "/status") == R"("success")");
    CHECK(at(document, "/data/groups/0/name") == R"("/etc/pitot/pitot.toml")");
    CHECK(at(document, "/data/groups/0/file") == R"("/etc/pitot/pitot.toml")");
    CHECK(at(document, "/data/groups/0/interval") == "10");
    CHECK(at(document, "/data/groups/0/evaluationTime") == "2.5E-3");
    const std::string rule = "/data/groups/0/rules/0";
    CHECK(at(document, rule + "/name") == R"("slow")");
    CHECK(at(document, rule + "/type") == R"("alerting")");
    CHECK(at(document, rule + "/health") == R"("ok")");
    CHECK(at(document, rule + "/state") == R"("firing")");
    CHECK(at(document, rule + "/query") == R"("p95(t) > 1s")");
    CHECK(at(document, rule + "/duration") == "60");
    CHECK(at(document, rule + "/labels/severity") == R"("warning")");
    CHECK(at(document, rule + "/annotations/summary") == R"("{{ labels.service }} is slow")");
    CHECK(at(document, rule + "/alerts/1/labels/service") == R"("web")");
    CHECK(at(document, rule + "/pitot/instances") == "5");
    CHECK(at(document, rule + "/pitot/levels/1/severity") == R"("critical")");
    CHECK(at(document, "/data/groups/1/name") == R"("built in")");
    CHECK(at(document, "/data/groups/1/rules/0/state") == R"("inactive")");
    CHECK(at(document, "/data/groups/1/rules/0/pitot/unmatched/0/nearest/0") == R"("latest")");
    CHECK(at(document, "/data/groups/2/rules/0/type") == R"("recording")");
    CHECK(at(document, "/data/groups/2/rules/0/query") == R"("errors / requests")");
}

TEST_CASE("what is asked for by type, name and group") {
    const AlertsView view = sample();
    const auto groups = [&](const Query& query) {
        const auto document = parsed(rules_document(view, query));
        std::string names;
        for (const auto& group : document.at_pointer("/data/groups").as_array()) {
            names += std::string(group.at("name").as_string()) + ":";
            for (const auto& rule : group.at("rules").as_array()) {
                names += std::string(rule.at("name").as_string()) + ",";
            }
        }
        return names;
    };
    CHECK(groups({{"type", "record"}}) == "derived:errors.share,");
    CHECK(groups({{"type", "alert"}}) == "/etc/pitot/pitot.toml:slow,built in:pitot_late,");
    CHECK(groups({{"rule_group[]", "built in"}}) == "built in:pitot_late,");
    CHECK(groups({{"rule_name[]", "slow"}, {"type", "alert"}}) ==
          "/etc/pitot/pitot.toml:slow,built in:");
    const auto without = parsed(rules_document(view, {{"exclude_alerts", "true"}}));
    CHECK(at(without, "/data/groups/0/rules/0/alerts") == "[]");
}

TEST_CASE("an explanation has the last evaluation, a history all of them") {
    const AlertsView view = sample();
    EvaluationHistory history(2);
    const GroupLabels labels{{"service", "web"}};
    REQUIRE(history.admit(0, key_of(labels), labels, false));
    for (int i = 0; i < 3; ++i) {
        EvaluationRecord record{.wall_ns = now_unix_ns + i * (10 * second)};
        record.value = i == 0 ? Value::filling() : Value::exact(1'500);
        record.levels[0].raised = i == 0 ? Truth::filling : Truth::yes;
        record.phase = Phase::pending;
        record.leaves.push_back({.value = Value::at_least(4), .series = 2});
        history.record(0, key_of(labels), false, std::move(record));
    }
    const AlertsAnswer explained =
        explain_document(view, in(history), {{"alert", "slow"}, {"label", "service=web"}}, false);
    CHECK(explained.status == 200);
    const auto document = parsed(explained.text);
    CHECK(at(document, "/data/rule/name") == R"("slow")");
    CHECK(at(document, "/data/leaves/0") == R"x("p95(t)")x");
    const std::string instance = "/data/instances/0";
    CHECK(at(document, instance + "/labels/service") == R"("web")");
    CHECK(at(document, instance + "/alert/state") == R"("pending")");
    CHECK(at(document, instance + "/evaluations/1") == "nothing");
    const std::string last = instance + "/evaluations/0";
    CHECK(at(document, last + "/time") == R"("2026-08-01T00:00:30.250Z")");
    CHECK(at(document, last + "/levels/0/raised") == R"("true")");
    CHECK(at(document, last + "/value/is") == R"("exact")");
    CHECK(at(document, last + "/leaves/0/value/is") == R"("at least")");
    CHECK(at(document, last + "/leaves/0/series") == "2");

    const auto all = parsed(explain_document(view, in(history), {{"alert", "slow"}}, true).text);
    CHECK(at(all, instance + "/evaluations/0/value/is") == R"("filling")");
    CHECK(at(all, instance + "/evaluations/0/value/number") == "nothing");
    CHECK(at(all, instance + "/evaluations/2/state") == R"("pending")");
    const auto none = parsed(
        explain_document(view, in(history), {{"alert", "slow"}, {"label", "service=x"}}, true)
            .text);
    CHECK(at(none, "/data/instances") == "[]");
    CHECK(at(document, instance + "/kept") == "true");
}

TEST_CASE("an explanation says of which groups the evaluations are not kept") {
    AlertsView view = sample();
    view.histories_per_rule = 16;
    const InstanceFinder find = [](std::size_t, const GroupLabels& labels, std::size_t) {
        InstanceHistory last{.labels = labels, .evaluations = {}, .is_kept = false};
        last.evaluations.push_back(
            EvaluationRecord{.wall_ns = now_unix_ns, .value = Value::exact(7)});
        return std::vector{last};
    };
    for (const bool with_history : {false, true}) {
        const auto document = parsed(
            explain_document(view, find, {{"alert", "slow"}, {"label", "service=x"}}, with_history)
                .text);
        CHECK(at(document, "/data/histories_per_rule") == "16");
        CHECK(at(document, "/data/instances/0/kept") == "false");
        CHECK(at(document, "/data/instances/0/labels/service") == R"("x")");
        CHECK(at(document, "/data/instances/0/evaluations/0/value/number") == "7");
    }
}

TEST_CASE("what is not there, and what is no label") {
    const AlertsView view = sample();
    const EvaluationHistory history(2);
    const AlertsAnswer unknown = explain_document(view, in(history), {{"alert", "slw"}}, false);
    CHECK(unknown.status == 404);
    CHECK(at(parsed(unknown.text), "/status") == R"("error")");
    CHECK(at(parsed(unknown.text), "/error") ==
          R"("there is no rule \"slw\"; did you mean `slow`?")");
    const AlertsAnswer wrong =
        explain_document(view, in(history), {{"alert", "slow"}, {"label", "service"}}, false);
    CHECK(wrong.status == 400);
}
