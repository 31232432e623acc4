// The engine with all that is around it in a running agent: what is told and recalled, what is
// made for the sinks, what others see, and what of it survives a restart.
#include "agent/alerts/alerting.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/limits.h"
#include "tests/support/alert_rules.h"
#include "tests/support/config_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::agent::alerts;
using namespace pitot::tests;

namespace {

constexpr std::int64_t second = 1'000'000'000;

class Listener final : public NoticeTaker {
public:
    void tell(std::span<const Notice> notices, std::int64_t /*now_unix_ns*/) override {
        for (const Notice& notice : notices) {
            said += std::string(to_string(notice.type)) + " " + notice.rule + "; ";
        }
    }
    void recall(std::span<const Notice> firing, std::int64_t /*now_unix_ns*/) override {
        for (const Notice& notice : firing) recalled += notice.rule + "; ";
    }
    bool has_saved() const override { return true; }

    std::string said;
    std::string recalled;
};

// An agent whose flushes the test makes, and which it can end and start anew.
class Rig {
public:
    explicit Rig(AlertsConfig config) : config_(std::move(config)) { start(); }

    void start() {
        listener = {};
        alerting = std::make_unique<Alerting>(
            config_,
            AlertingSettings{.interval_ns = 10 * second,
                             .state_file = directory_.path() / state_file_name},
            listener, clock, log_);
        alerting->start();
    }
    void restart(std::int64_t away_ns) {
        alerting->stop();
        alerting.reset();
        clock.advance_ns(away_ns);
        start();
    }
    // What was told in it.
    std::string flush() {
        clock.advance_ns(10 * second);
        const protocol::Snapshot snapshot = in.end_interval();
        made.assign_range_of(alerting->made(snapshot));
        listener.said.clear();
        alerting->flush(snapshot, 0);
        return listener.said;
    }
    std::string made_text() const {
        std::string text;
        for (const MadeGauge& gauge : made.gauges) {
            text += gauge.name + "{";
            for (const auto& [key, value] : gauge.tags) text.append(key + "=" + value + ",");
            text += "} " + std::to_string(gauge.value).substr(0, 4) + "; ";
        }
        return text;
    }
    const std::filesystem::path& directory() const { return directory_.path(); }

    struct Made {
        std::vector<MadeGauge> gauges;
        void assign_range_of(std::span<const MadeGauge> from) {
            gauges.assign(from.begin(), from.end());
        }
    };

private:
    // Outlive what uses them.
    const ConfigDirectory directory_;
    AlertsConfig config_;
    spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};

public:
    SnapshotMaker in;
    ManualClock clock{1'785'542'400 * second};
    Listener listener;
    std::unique_ptr<Alerting> alerting;
    Made made;
};

}  // namespace

TEST_CASE("told when it fires and when it ends, and counted") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    rig.in.gauge("load", "host:a", 9);
    CHECK(rig.flush() == "firing load; ");
    CHECK(rig.flush() == "");
    CHECK(rig.alerting->counts().rules[0].counts.firing == 1);
    CHECK(rig.alerting->counts().rules[0].state() == 2);
    rig.in.gauge("load", "host:a", 1);
    CHECK(rig.flush() == "resolved load; ");
    const AlertCounts counts = rig.alerting->counts();
    CHECK(counts.rules[0].state() == 0);
    CHECK(counts.rules[0].notices == 2);
    CHECK(counts.evaluations == 3);
}

TEST_CASE("ALERTS is what the flush before came to") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    rig.in.gauge("load", "host:a", 9);
    rig.flush();
    CHECK(rig.made_text() == "");
    rig.flush();
    CHECK(rig.made_text() ==
          "ALERTS{alertname=load,alertstate=firing,host=a,severity=critical,} 1.00; ");
    rig.in.gauge("load", "host:a", 1);
    rig.flush();
    rig.flush();
    CHECK(rig.made_text() == "");
}

TEST_CASE("ALERTS keeps instances apart, whatever clients call their tags") {
    Rig rig(alerts_of({rule_definition("load", "last(load) by (*) > 5")}));
    rig.in.gauge("load", "severity:a", 9);
    rig.in.gauge("load", "severity:b\x1b", 9);
    rig.in.gauge("load", "alertname:c", 9);
    rig.flush();
    rig.flush();
    const std::string text = rig.made_text();
    const std::string own = "ALERTS{alertname=load,alertstate=firing,severity=critical,";
    CHECK(text.contains(own + "tag_severity=a,}"));
    CHECK(text.contains(own + "tag_severity=b\\x1b,}"));
    CHECK(text.contains(own + "tag_alertname=c,}"));
}

TEST_CASE("it is known how the share that a rule shows is read") {
    AlertsConfig config = alerts_of(
        {rule_definition("a", "disk > 80%"), rule_definition("b", "ratio(disk, all) > 80%")});
    const Rig undeclared(config);
    CHECK((*undeclared.alerting->view()->rules)[0].undeclared_share.contains("80% is 0.8"));
    CHECK((*undeclared.alerting->view()->rules)[1].undeclared_share.empty());
    config.units = {{"disk", *find_metric_unit("percent")}};
    const Rig declared(config);
    CHECK((*declared.alerting->view()->rules)[0].undeclared_share.empty());
}

TEST_CASE("a derived series is made of the interval that it is sent with, while it has a value") {
    AlertsConfig config = alerts_of({});
    config.derived.push_back({.name = "errors.share",
                              .expression = compiled_expression(
                                  "ratio(errors, requests) by (service)", Result::number)});
    Rig rig(std::move(config));
    rig.in.count("errors", "service:pay", 1);
    rig.in.count("requests", "service:pay", 4);
    rig.flush();
    CHECK(rig.made_text() == "errors.share{service=pay,} 0.25; ");
    // Nothing was asked: there is no share of it.
    rig.flush();
    CHECK(rig.made_text() == "");
    rig.in.count("requests", "service:pay", 4);
    rig.flush();
    CHECK(rig.made_text() == "errors.share{service=pay,} 0.00; ");
}

TEST_CASE("derived series beyond their bound are left out, and counted") {
    AlertsConfig config = alerts_of({});
    config.derived.push_back(
        {.name = "twice", .expression = compiled_expression("load * 2", Result::number)});
    Rig rig(std::move(config));
    for (std::size_t i = 0; i < DerivedSet::gauges_max + 5; ++i) {
        rig.in.gauge("load", "host:" + std::to_string(i), 1);
    }
    rig.flush();
    CHECK(rig.made.gauges.size() == DerivedSet::gauges_max);
    CHECK(rig.alerting->counts().derived_refused == 5);
}

TEST_CASE("over a restart: recalled, not told again, and told once to be over") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    rig.in.gauge("load", "host:a", 9);
    CHECK(rig.flush() == "firing load; ");
    rig.restart(30 * second);
    CHECK(rig.listener.recalled == "load; ");
    CHECK(rig.flush() == "");
    CHECK(rig.alerting->view()->alerts.at(0).is_told);
    rig.restart(30 * second);
    rig.in.gauge("load", "host:a", 1);
    CHECK(rig.flush() == "resolved load; ");
    rig.restart(30 * second);
    CHECK(rig.listener.recalled == "");
    CHECK(rig.flush() == "");
}

TEST_CASE("a state that is damaged is set aside, and told of for an hour") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    rig.alerting->stop();
    std::ofstream(rig.directory() / state_file_name) << "pitot-alerts, but not really";
    rig.start();
    rig.flush();
    const std::string problem = rig.alerting->view()->restore_problem;
    CHECK(problem.contains("alerts.state"));
    CHECK(problem.contains("alerts begin anew"));
    CHECK(std::filesystem::exists(rig.directory() / "alerts.state.bad"));
    rig.clock.advance_ns(3'600 * second);
    rig.flush();
    CHECK(rig.alerting->view()->restore_problem == "");
}

TEST_CASE("a rule that reads nothing is told of, with names that are near") {
    Rig rig(alerts_of({rule_definition("ratio", "ratio(errors, requests[5m]) > 5%")}));
    rig.in.count("errors", "", 1);
    rig.in.count("request", "", 1);
    rig.in.count("http.requests", "", 1);
    rig.in.count("temperature", "", 1);
    rig.flush();
    const auto view = rig.alerting->view();
    REQUIRE(view->standings[0].unmatched.size() == 1);
    const UnmatchedLeaf& leaf = view->standings[0].unmatched[0];
    CHECK(leaf.metric == "requests");
    CHECK(leaf.nearest == std::vector<std::string>{"request", "http.requests"});
    rig.in.count("requests", "", 1);
    rig.flush();
    CHECK(rig.alerting->view()->standings[0].unmatched.empty());
}

TEST_CASE("an instance that is fine has a history too, with what each place read") {
    Rig rig(alerts_of({rule_definition("ratio", "ratio(errors, requests[30s]) > 50%")}));
    for (int i = 0; i < 4; ++i) {
        rig.in.count("errors", "host:a", 1);
        rig.in.count("requests", "host:a", 10);
        rig.in.count("requests", "host:b", 10);
        rig.flush();
    }
    const auto found = rig.alerting->history().find(0, {}, 10);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].evaluations.size() == 4);
    const EvaluationRecord& last = found[0].evaluations.back();
    CHECK(last.phase == Phase::ok);
    CHECK(last.levels[0].raised == Truth::no);
    CHECK(last.value == Value::exact(0.05));
    REQUIRE(last.leaves.size() == 2);
    CHECK(last.leaves[0].value == Value::exact(3));
    CHECK(last.leaves[0].series == 1);
    CHECK(last.leaves[1].value == Value::exact(60));
    CHECK(last.leaves[1].series == 2);
    CHECK((*rig.alerting->view()->rules)[0].leaves ==
          std::vector<std::string>{"errors", "requests[30s]"});
}

TEST_CASE("a history has what all levels and clear conditions read, up to its bound") {
    RuleDefinition definition = rule_definition("load", "load > 5");
    definition.rule.levels[0].clear = compiled_expression("load < 2 and calm > 0");
    definition.rule.levels.push_back(
        {"critical", compiled_expression("load > 2 * max(normal[1m]) by (host)"), std::nullopt});
    Rig rig(alerts_of({std::move(definition)}));
    rig.in.gauge("load", "host:a", 4);
    rig.in.gauge("calm", "host:a", 7);
    rig.in.gauge("normal", "host:a", 3);
    rig.flush();
    using Leaves = std::vector<std::string>;
    CHECK((*rig.alerting->view()->rules)[0].leaves ==
          Leaves{"load", "max(normal[1m]) by (host)", "calm"});
    CHECK(rig.alerting->view()->standings[0].unmatched.empty());
    const auto found = rig.alerting->history().find(0, {}, 10);
    REQUIRE(found.size() == 1);
    const EvaluationRecord& last = found[0].evaluations.back();
    REQUIRE(last.leaves.size() == 3);
    CHECK(last.leaves[0].value == Value::exact(4));
    CHECK(last.leaves[1].series == 1);
    CHECK(last.leaves[2].value == Value::exact(7));

    Rig twice(alerts_of({rule_definition("r",
                                         "errors > 9 and errors < 99 and "
                                         "ratio(errors, requests[1m]) > 5%")}));
    CHECK((*twice.alerting->view()->rules)[0].leaves == Leaves{"errors", "errors", "requests[1m]"});

    std::string many = "a0 > 1";
    for (int i = 1; i < 12; ++i) many += " and a" + std::to_string(i) + " > 1";
    Rig wide(alerts_of({rule_definition("many", many)}));
    for (int i = 0; i < 12; ++i) wide.in.gauge("a" + std::to_string(i), "", 2);
    wide.flush();
    CHECK((*wide.alerting->view()->rules)[0].leaves.size() == 12);
    CHECK(wide.alerting->history().find(0, {}, 1).at(0).evaluations.at(0).leaves.size() ==
          EvaluationHistory::leaves_max);
}

TEST_CASE("a threshold or clear condition that reads nothing is told of") {
    RuleDefinition definition = rule_definition("load", "load > 5");
    definition.rule.levels[0].clear = compiled_expression("load < 2 and load.normol > 0");
    Rig rig(alerts_of({std::move(definition)}));
    rig.in.gauge("load", "host:a", 4);
    rig.in.gauge("load.normal", "host:a", 7);
    rig.flush();
    const auto& unmatched = rig.alerting->view()->standings[0].unmatched;
    REQUIRE(unmatched.size() == 1);
    CHECK(unmatched[0].leaf == 1);
    CHECK(unmatched[0].metric == "load.normol");
    CHECK(unmatched[0].nearest.at(0) == "load.normal");
}

TEST_CASE("the list is bounded, and the gravest come first") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    for (int i = 0; i < 1'500; ++i) {
        rig.in.gauge("load", "host:" + std::to_string(i), 6 + i);
    }
    rig.flush();
    const auto view = rig.alerting->view();
    CHECK(view->alerts.size() == AlertsView::listed_max);
    CHECK(view->unlisted == 500);
    CHECK(view->standings[0].counts.firing == 1'500);
    CHECK(view->standings[0].instances == 1'500);
    CHECK(std::ranges::all_of(
        view->alerts, [](const AlertFacts& alert) { return alert.phase == Phase::firing; }));
    CHECK(rig.alerting->history().find(0, {}, 10'000).size() == EvaluationHistory::instances_max);
}

TEST_CASE("what was told and is grave is in the list, whatever else there is") {
    const auto rule = [](const std::string& name, const std::string& condition,
                         std::string severity) {
        RuleDefinition definition = rule_definition(name, condition);
        definition.rule.levels[0].severity = std::move(severity);
        return definition;
    };
    AlertsConfig config =
        alerts_of({rule("load", "load > 5", "warning"), rule("down", "down > 0", "critical"),
                   rule("soon", "soon > 0", "critical")});
    config.rules[2].rule.policy.hold_for.nanoseconds = 60 * second;
    Rig rig(std::move(config));
    for (int i = 0; i < 1'500; ++i) rig.in.gauge("load", "host:" + std::to_string(i), 6);
    rig.in.gauge("down", "host:x", 1);
    rig.in.gauge("soon", "host:x", 1);
    rig.flush();
    const auto view = rig.alerting->view();
    REQUIRE(view->alerts.size() == AlertsView::listed_max);
    CHECK(view->unlisted == 502);
    CHECK(view->alerts[0].rule == 1);
    CHECK(view->alerts[1].rule == 0);
    CHECK(std::ranges::count_if(view->alerts, &AlertFacts::is_told) == 51);
    // Of those that nobody was told of.
    CHECK(view->alerts[51].rule == 2);
    rig.flush();
    CHECK(rig.made_text().contains("ALERTS{alertname=down,"));
}

TEST_CASE("what is beyond what is tracked is counted as not listed") {
    Rig rig(alerts_of({rule_definition("load", "load > 5")}));
    const std::size_t beyond = 7;
    for (std::size_t i = 0; i < limits::tracked_instances_max + beyond; ++i) {
        rig.in.gauge("load", "host:" + std::to_string(i), 6);
    }
    rig.flush();
    CHECK(rig.alerting->view()->unlisted ==
          limits::tracked_instances_max + beyond - AlertsView::listed_max);
}

TEST_CASE("what fires, what is pending and what is not tracked count as not listed, together") {
    RuleDefinition soon = rule_definition("soon", "soon > 5");
    soon.rule.policy.hold_for.nanoseconds = 60 * second;
    Rig rig(alerts_of({rule_definition("load", "load > 5"), std::move(soon)}));
    const std::size_t beyond = 3;
    const std::size_t pending = 20;
    for (std::size_t i = 0; i < limits::tracked_instances_max + beyond; ++i) {
        rig.in.gauge("load", "host:" + std::to_string(i), 6);
    }
    for (std::size_t i = 0; i < pending; ++i) {
        rig.in.gauge("soon", "host:" + std::to_string(i), 6);
    }
    rig.flush();
    const auto view = rig.alerting->view();
    const auto& load = view->standings[0].counts;
    CHECK(view->standings[1].counts.pending == pending);
    CHECK(load.untracked == beyond);
    CHECK(view->unlisted == load.firing + pending + beyond - AlertsView::listed_max);
}

TEST_CASE("any group can be asked about, with a history or without") {
    Rig rig(alerts_of({rule_definition("load", "load > 38")}));
    for (int i = 0; i < 3; ++i) {
        for (int host = 0; host < 40; ++host) {
            rig.in.gauge("load", "host:" + std::to_string(host), host);
        }
        rig.flush();
    }
    CHECK(rig.alerting->view()->histories_per_rule ==
          EvaluationHistory::idle_instances_per_rule_max);
    std::size_t kept = 0;
    for (int host = 0; host < 40; ++host) {
        CAPTURE(host);
        const auto found = rig.alerting->instances(0, {{"host", std::to_string(host)}}, 5);
        REQUIRE(found.size() == 1);
        kept += found[0].is_kept ? 1U : 0U;
        CHECK(found[0].evaluations.size() == (found[0].is_kept ? 3U : 1U));
        const EvaluationRecord& last = found[0].evaluations.back();
        CHECK(last.value == Value::exact(host));
        CHECK(last.levels[0].raised == (host > 38 ? Truth::yes : Truth::no));
        CHECK(last.wall_ns == rig.clock.wall_ns());
        REQUIRE(last.leaves.size() == 1);
        CHECK(last.leaves[0].series == 1);
    }
    CHECK(kept == EvaluationHistory::idle_instances_per_rule_max + 1);
    CHECK(rig.alerting->instances(0, {}, 10'000).size() == 40);
    CHECK(rig.alerting->instances(0, {}, 25).size() == 25);
    CHECK(rig.alerting->instances(0, {{"host", "none"}}, 5).empty());
}

TEST_CASE("a group without series was neither true nor false, but what was counted of it") {
    Rig rig(alerts_of({rule_definition("slow", "p95(lat[10s]) by (host) > 5"),
                       rule_definition("errors", "increase(lat[10s]) by (host) > 5")}));
    rig.in.values(protocol::Kind::timer, "lat", "host:a", {9});
    rig.flush();
    rig.in.forget(protocol::Kind::timer, "lat", "host:a");
    for (int i = 0; i < 3; ++i) rig.flush();
    const auto slow = rig.alerting->instances(0, {}, 5);
    REQUIRE(slow.size() == 1);
    CHECK_FALSE(slow[0].evaluations.back().is_there);
    CHECK(slow[0].evaluations.back().levels[0].raised == Truth::no_data);
    CHECK(slow[0].evaluations.back().levels[0].cleared == Truth::no_data);
    const auto errors = rig.alerting->instances(1, {}, 5);
    REQUIRE(errors.size() == 1);
    CHECK_FALSE(errors[0].evaluations.back().is_there);
    CHECK(errors[0].evaluations.back().levels[0].raised == Truth::no);
}

TEST_CASE("names that no client may use") {
    AlertsConfig config = alerts_of({});
    config.derived.push_back(
        {.name = "a.share", .expression = compiled_expression("x", Result::number)});
    CHECK(Alerting::names(config) == std::vector<std::string>{"ALERTS", "a.share"});
    config.enabled = false;
    CHECK(Alerting::names(config).empty());
}
