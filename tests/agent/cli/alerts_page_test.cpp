// The pages of `pitot alerts`: what fires, why, what a rule does not find, and what is no
// document of ours.
#include "agent/cli/alerts_page.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace pitot::agent;

namespace {

constexpr double now_s = 1'785'542'410;  // 2026-08-01T00:00:10Z

constexpr std::string_view rules_text = R"json({"status":"success","data":{"groups":[
{"name":"pitot.toml","rules":[
 {"name":"slow","type":"alerting","state":"firing","alerts":[
   {"labels":{},"annotations":{"summary":"pay is slow"},"state":"firing",
    "activeAt":"2026-07-31T23:57:00.000Z","value":"3e+02",
    "pitot":{"rule":"slow","labels":{"service":"pay"},"severity":"critical","state":"firing",
      "since":"2026-07-31T23:57:00.000Z","reason":"condition","value":312,"peak":800,
      "unit":"ms","told":true,"stale":false,"flapping":false,"inhibited":true,
      "suppressed":false}},
   {"labels":{},"annotations":{},"state":"pending","activeAt":"2026-08-01T00:00:00.000Z",
    "value":"1e+00","pitot":{"rule":"slow","labels":{},"severity":"critical",
      "state":"pending","reason":"condition","value":1,"peak":0,"unit":"ms"}}],
  "pitot":{"firing":1,"pending":1,"suppressed":7,"unmatched":[
    {"text":"requests[5m]","metric":"requests","nearest":["request","http.requests"]},
    {"text":"x","metric":"x","nearest":[]},
    {"text":"h","metric":"h","reason":"`h` is a gauge without a unit","nearest":[]}]}},
 {"name":"errors.share","type":"recording"}]},
{"name":"built in","rules":[{"name":"pitot_late","type":"alerting","alerts":[],
  "pitot":{"built_in":true,"unmatched":[{"metric":"y","nearest":[]}]}}]}],
"pitot":{"unlisted":3}}})json";

constexpr std::string_view explained_text = R"json({"status":"success","data":{
"rule":{"name":"slow","where":"pitot.toml:7","levels":[
   {"severity":"critical","condition":"ratio(errors, requests[5m]) > 5%",
    "clear":"ratio(errors, requests[5m]) < 2%"}],
  "for_s":120,"channels":["oncall","log"],"instances":4,"pending":1,"firing":0,"unmatched":[]},
"leaves":["errors","requests[5m]"],"flushes":9,"evaluated":"2026-08-01T00:00:00.000Z",
"evaluation_s":0.00008,"hint":"is it in percent already?","instances":[{"labels":{"service":"pay"},
 "alert":{"state":"pending","activeAt":"2026-07-31T23:59:30.000Z",
   "pitot":{"since":"2026-07-31T23:59:30.000Z","told":false,"inhibited":false,"peak":0,
     "reason":"condition"}},
 "evaluations":[{"time":"2026-08-01T00:00:00.000Z","there":true,
   "value":{"is":"exact","number":0.0712},"levels":[{"raised":"true","cleared":"false"}],
   "state":"pending","level":0,"leaves":[{"value":{"is":"at least","number":31},"series":2},
     {"value":{"is":"exact","number":435},"series":6}]}]}]}})json";

}  // namespace

TEST_CASE("what fires first, then what is pending, then what reads nothing") {
    const auto page = render_alerts(rules_text, now_s, false);
    REQUIRE(page);
    CHECK(page->firing == 1);
    CHECK(page->text ==
          "1 firing, 1 pending, of 2 rule(s)\n"
          "FIRING      critical  slow{service=\"pay\"}  312 ms, peak 800 ms, for 3 m 10 s"
          "  (inhibited)\n"
          "            pay is slow\n"
          "PENDING     critical  slow  1 ms, for 10 s\n"
          "and 3 more, not listed\n"
          "slow: `requests` matches no series; closest names are `request`, `http.requests`\n"
          "slow: `x` matches no series; no name of a metric is near it\n"
          "slow: `h` matches no series: `h` is a gauge without a unit\n");
    CHECK(render_alerts(rules_text, now_s, true)->text.contains("\x1b[31mFIRING\x1b[0m"));
}

TEST_CASE("an explanation shows each part of the condition") {
    const auto page = render_explanation(explained_text, now_s, false);
    REQUIRE(page);
    CHECK(
        page->text.starts_with("slow  (pitot.toml:7)   0 firing, 1 pending; series of 4 "
                               "instance(s) are there\n"
                               "  notifies: oncall, log\n"));
    CHECK(page->text.contains("\n  hint: is it in percent already?\n"));
    CHECK(page->text.contains("slow{service=\"pay\"}  PENDING for 40 s of 2 m"));
    CHECK(
        page->text.contains("  critical: ratio(errors, requests[5m]) > 5%  = 0.0712  TRUE\n"
                            "    clear: ratio(errors, requests[5m]) < 2%  FALSE\n"
                            "    errors        at least 31  from 2 series\n"
                            "    requests[5m]  435  from 6 series\n"
                            "  told: no   inhibited: no   peak: 0\n"));
}

TEST_CASE("a history is a line for each evaluation") {
    const auto page = render_history(explained_text, false);
    REQUIRE(page);
    CHECK(page->text ==
          "slow{service=\"pay\"}\n"
          "  time      value           condition  state       read (series)\n"
          "  00:00:00  0.0712          true       pending     at least 31 (2)  435 (6)\n");
}

TEST_CASE("where evaluations are not kept, that is what is said") {
    std::string text(explained_text);
    const std::string_view instances = R"("instances":[{)";
    text.insert(text.find(instances) + instances.size(), R"("kept":false,)");
    text.insert(text.find(instances), R"("histories_per_rule":16,)");
    const std::string said =
        "  its evaluations are not kept, this is the last one: of groups that are fine at most 16 "
        "of this rule are, and fewer while much fires\n";
    CHECK(render_explanation(text, now_s, false)->text.contains(said));
    CHECK(render_history(text, false)->text.ends_with(said));
    CHECK_FALSE(render_history(explained_text, false)->text.contains("not kept"));
}

TEST_CASE("what is no document of ours") {
    for (const std::string_view text :
         {"", "{}", "[]", "nonsense", R"({"status":"error","error":"x"})",
          R"({"status":"success","data":{}})", R"({"status":"success","data":[1]})"}) {
        CAPTURE(text);
        CHECK_FALSE(render_alerts(text, now_s, false));
        CHECK_FALSE(render_explanation(text, now_s, false));
        CHECK_FALSE(render_history(text, false));
    }
    CHECK(refusal_of(R"({"status":"error","error":"there is no rule"})") == "there is no rule");
    CHECK(refusal_of("nonsense") == "");
}
