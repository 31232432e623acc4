// Tests of rules: what a test file may say and what is wrong with one, what comes of a test,
// what is told of it, and with which exit code. tests/data/alerts has test files that hold.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "agent/alerts/trial/comparison.h"
#include "agent/alerts/trial/expectation_reader.h"
#include "agent/alerts/trial/series_shorthand.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/test_command.h"
#include "tests/support/config_rig.h"

using namespace pitot::agent;
using namespace pitot::agent::alerts;
using namespace pitot::tests;

namespace {

constexpr std::string_view rules = R"toml(
[alerts.errors]
condition = 'ratio(errors, requests[5m], min = 50) by (service) > 5%'
clear = 'ratio(errors, requests[5m], min = 50) by (service) < 2%'
for = "1m"
channels = ["hook"]
labels = { team = "web" }
[alerts.errors.annotations]
summary = "{{ labels.service }}: {{ value | percent }} errors (peak {{ peak | percent }})"

[alerts.queue]
value = 'queue'
warn = "> 10"
crit = "> 20"

[alerts.slow]
condition = 'p95(load) > 1s'

[channels.hook]
type = "webhook"
url = "${HOOK_URL:-http://127.0.0.1:9/}"
)toml";

struct Told {
    int exit_code = 0;
    std::string out;
    std::string err;
};

// `pitot test` of one test file, which names the rules above.
class Rig {
public:
    Rig() { directory_.write("rules.toml", rules); }

    Told run(std::string_view tests, bool coverage = false, bool verbose = false) const {
        TestArguments arguments{.files = {write(tests)}};
        arguments.coverage = coverage;
        arguments.verbose = verbose;
        return run(arguments);
    }
    Told run(const TestArguments& arguments) const {
        std::ostringstream out;
        std::ostringstream err;
        Told told;
        Environment environment;
        environment.variable = [](const std::string&) { return std::nullopt; };
        told.exit_code = test_rules(arguments, environment, {out, err, false});
        told.out = without_folder(out.str());
        told.err = without_folder(err.str());
        return told;
    }
    std::filesystem::path write(std::string_view tests) const {
        return directory_.write("test.toml", "rules = [\"rules.toml\"]\n" + std::string(tests));
    }
    const ConfigDirectory& directory() const { return directory_; }

private:
    std::string without_folder(std::string text) const {
        const std::string folder = directory_.path().native() + "/";
        for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
            text.erase(at, folder.size());
        }
        return text;
    }

    ConfigDirectory directory_;
};

// One test: lines of `input` and of `expect`.
std::string one_test(std::string_view input, std::string_view expect) {
    std::ostringstream text;
    text << "[[test]]\nname = \"t\"\ninput = [\n"
         << input << "\n]\nexpect = [\n"
         << expect << "\n]\n";
    return text.str();
}

constexpr std::string_view failing_pay =
    R"({ to = "10m", lines = ["requests:100|c|#service:pay", "errors:10|c|#service:pay"] })";

}  // namespace

TEST_CASE("a series in one text") {
    struct Case {
        std::string text;
        std::vector<std::string> lines;
    };
    const std::vector<Case> cases{
        {"a 1x3", {"a:1|c", "a:1|c", "a:1|c"}},
        {"a 5 _ 0x1", {"a:5|c", "", "a:0|c"}},
        {"a 0+5x3 10-2.5x2", {"a:0|c", "a:5|c", "a:10|c", "a:10|c", "a:7.5|c"}},
        {"a|g|#b:c -1 _x2", {"a:-1|g|#b:c", "", ""}},
        {"  a|#b:c   1.50 ", {"a:1.50|c|#b:c"}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        const auto lines = read_series(each.text);
        REQUIRE(lines.has_value());
        CHECK(*lines == each.lines);
    }
    for (const std::string text : {"", "a", "a 1x", "a x3", "a 1y3", "a 1x0", "a 1x-1", "a _+1x2",
                                   "a 1+x2", "a 1+1", "a 1x99999999", "a 1x99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(read_series(text).has_value());
    }
}

TEST_CASE("a number that is expected") {
    struct Case {
        std::string text;
        double number;
        double tolerance;
        std::string unit;
    };
    const std::vector<Case> cases{
        {"0.1", 0.1, 0, ""},
        {"0.1 +- 0.001", 0.1, 0.001, ""},
        {"10%", 10, 0, "%"},
        {"250ms ± 5ms", 250, 5, "ms"},
        {"2s+-100ms", 2, 0.1, "s"},
        {"250 ms", 250, 0, "ms"},
        {"-3", -3, 0, ""},
        {"1 +- 5ms", 1, 5, "ms"},
        {"250ms +- 5", 250, 5, "ms"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        const auto read = read_expected_number(each.text);
        REQUIRE(read.has_value());
        CHECK_FALSE(read->is_none);
        CHECK(read->number == each.number);
        CHECK(read->tolerance == doctest::Approx(each.tolerance));
        CHECK(read->unit.name == each.unit);
    }
    CHECK(read_expected_number("none")->is_none);
    for (const std::string text : {"", "+-", "1 +-", "+- 1", "1 +- -1", "1x", "inf", "nan", "1 2",
                                   "no data", "1 +- 1 +- 1"}) {
        CAPTURE(text);
        CHECK_FALSE(read_expected_number(text).has_value());
    }
}

TEST_CASE("times are written as people write them") {
    constexpr std::int64_t second_ns = 1'000'000'000;
    CHECK(time_text(0) == "0s");
    CHECK(time_text(90 * second_ns) == "1m30s");
    CHECK(time_text(3'600 * second_ns) == "1h");
    CHECK(time_text(90'061 * second_ns + second_ns / 2) == "25h1m1s500ms");
}

TEST_CASE("a test that holds") {
    const Rig rig;
    const Told told = rig.run(one_test(std::string(failing_pay) + R"(,
          { from = "10m", to = "20m", lines = ["requests:100|c|#service:pay"] },)",
                                       R"toml(
          { at = "1m", alert = "errors", labels = { service = "pay" }, state = "pending" },
          { at = "1m", alert = "errors", value = "10% +- 0.1%" },
          { at = "1m10s", alert = "errors", state = "firing", severity = "warning" },
          { at = "1m10s", alert = "errors", reason = "condition", peak = 0.1 },
          { at = "1m14s", alert = "errors", state = "firing", instances = 1, suppressed = 0 },
          { at = "1m10s", alert = "errors", labels = { team = "web" }, state = ["firing", "ok"] },
          { at = "1m10s", alert = "errors", summary = "pay: 10% errors (peak 10%)" },
          { at = "1m10s", alert = "errors", labels = { service = "mail" }, state = "ok" },
          { at = "20m", alert = "errors", labels = { service = "mail" }, notified = [] },
          { at = "20m", alert = "errors", notified = { hook = ["firing", "resolved"] } },
          { at = "20m", alert = "errors", notified = ["firing warning", "resolved warning"] },
          { at = "*", alert = "queue", state = "ok", instances = 0, value = "none" },)toml"));
    CHECK(told.err == "");
    CHECK(told.out == "1 test in 1 file: all passed.\n");
    CHECK(told.exit_code == exit_success);
}

TEST_CASE("a failure is a table of what was expected and what came, and why") {
    const Rig rig;
    const Told told =
        rig.run(one_test(failing_pay, R"(  { at = "1m", alert = "errors", state = "firing", )"
                                      R"(value = 0.1, summary = "down" },)"));
    CHECK(told.exit_code == exit_failure);
    CHECK(told.out ==
          R"(FAILED  test.toml: t
  test.toml:8:3: at 1m: errors
             expected  got
    state    firing    pending                 <--
    value    0.1       0.1
    summary  "down"    nothing was told of it  <--

    errors{service=pay} is pending: held for 50s, needs 1m
      warning: ratio(errors, requests[5m], min = 50) by (service) > 5% is true
        ratio(errors, requests[5m], min = 50) by (service) = 0.1
      clear: ratio(errors, requests[5m], min = 50) by (service) < 2% is false
        ratio(errors, requests[5m], min = 50) by (service) = 0.1

1 test in 1 file: 0 passed, 1 failed.
)");
}

TEST_CASE("a failure says how far a rule is from what it needs") {
    const Rig rig;
    rig.directory().write("more.toml",
                          "[alerts.often]\ncondition = 'level > 5'\nfor = '3 of 5'\n"
                          "[alerts.few]\ncondition = 'ratio(bad, all[1m], min = 50) > 5%'\n");
    const auto said = [&](const std::string& lines, const std::string& expect) {
        const auto file = rig.directory().write(
            "more_test.toml", "rules = [\"more.toml\"]\n" +
                                  one_test("{ to = \"1m\", lines = [" + lines + "] }", expect));
        return rig.run(TestArguments{.files = {file}}).out;
    };
    CHECK(said("\"level:9|g\"", R"({ at = "10s", alert = "often", state = "firing" })")
              .contains("often is pending: true in 1 of 5 evaluations, needs 3\n"));
    const std::string few =
        said(R"("bad:1|c", "all:2|c")", R"({ at = "1m", alert = "few", state = "firing" })");
    CHECK(few.contains("ratio(bad, all[1m], min = 50) = "));
    CHECK(few.contains("all[1m] = 12; fewer than min = 50)\n"));
}

TEST_CASE("whatever can be expected can fail") {
    const Rig rig;
    const std::vector<std::string> wrong{
        R"(at = "5m", state = "ok")",
        R"(at = "*", state = "ok")",
        R"(at = "5m", state = ["ok", "pending"])",
        R"(at = "5m", labels = { service = "mail" }, state = "firing")",
        R"(at = "5m", labels = { team = "db" }, state = "firing")",
        R"(at = "5m", value = 0.11)",
        R"(at = "5m", value = "0.11 +- 0.009")",
        R"(at = "5m", value = "none")",
        R"(at = "5m", value = "100ms")",
        R"(at = "5m", labels = { service = "mail" }, value = 0)",
        R"(at = "5m", peak = "11%")",
        R"(at = "1m", peak = "10%")",
        R"(at = "1m", severity = "warning")",
        R"(at = "5m", reason = "no_data")",
        R"(at = "5m", summary = "pay: 10% errors")",
        R"(at = "5m", description = "x")",
        R"(at = "5m", instances = 2)",
        R"(at = "5m", suppressed = 1)",
        R"(at = "5m", stale = true)",
        R"(at = "5m", flapping = true)",
        R"(at = "5m", inhibited = true)",
        R"(at = "5m", notified = [])",
        R"(at = "5m", notified = ["firing", "resolved"])",
        R"(at = "1m", notified = ["firing"])",
        R"(at = "*", notified = [])",
        R"(at = "5m", notified = ["resolved"])",
        R"(at = "5m", notified = { hook = ["firing", "firing"] })",
    };
    for (const std::string& expectation : wrong) {
        CAPTURE(expectation);
        const Told told =
            rig.run(one_test(failing_pay, "{ alert = \"errors\", " + expectation + " }"));
        CHECK(told.err == "");
        CHECK(told.exit_code == exit_failure);
        CHECK(told.out.contains("<--"));
    }
}

TEST_CASE("derived series are made in a test as they are in the agent") {
    const Rig rig;
    rig.directory().write("derived.toml", R"toml(
[derive.error_share]
expr = 'ratio(errors, requests) by (service)'
[derive.of_derived]
expr = 'max(error_share) by (service) * 100'
[alerts.share]
condition = 'max(error_share) by (service) > 50%'
[alerts.percents]
condition = 'max(of_derived) by (service) > 70'
)toml");
    const std::filesystem::path file = rig.directory().write("test.toml", R"toml(
rules = ["derived.toml"]
[[test]]
name = "t"
input = [{ to = "1m", lines = ["requests:10|c|#service:pay"] },
         { to = "30s", lines = ["errors:6|c|#service:pay"] },
         { from = "30s", to = "1m", lines = ["errors:8|c|#service:pay"] }]
expect = [{ at = "30s", alert = "share", state = "firing", labels = { service = "pay" } },
          { at = "30s", alert = "share", value = 0.6 },
          { at = "30s", alert = "percents", state = "ok" },
          { at = "1m", alert = "percents", state = "firing", value = 80 }]
[[test]]
name = "a line stands in for it"
input = [{ to = "30s", lines = ["error_share:0.9|g|#service:mail"] }]
expect = [{ at = "30s", alert = "share", labels = { service = "mail" }, value = 0.9 }]
)toml");
    const Told told = rig.run(TestArguments{.files = {file}});
    CHECK_MESSAGE(told.exit_code == exit_success, told.out << told.err);
}

TEST_CASE("a selector that matches nothing is told, with what it may have meant") {
    const Rig rig;
    const Told told = rig.run(one_test(R"({ to = "2m", lines = ["request:100|c", "error:9|c"] })",
                                       R"({ at = "2m", alert = "errors", state = "firing" })"));
    CHECK(told.out.contains("`errors` matches no series; did you mean `error`?"));
    CHECK(told.out.contains("`requests` matches no series; did you mean `request`?"));
}

TEST_CASE("flushes have the lines from the flush before on") {
    const Rig rig;
    const Told told = rig.run(one_test(
        R"({ at = "9999ms", lines = ["queue:11|g"] }, { at = "10s", lines = ["queue:21|g"] },
           { at = "20s", lines = ["queue:5|g", "queue:6|g"] },
           { at = "25s", lines = ["queue:30|g\nqueue:7|g"] })",
        R"({ at = "10s", alert = "queue", severity = "warn", value = 11 },
           { at = "19s", alert = "queue", severity = "warn", value = 11 },
           { at = "20s", alert = "queue", severity = "crit", value = 21 },
           { at = "30s", alert = "queue", state = "ok", value = 7 })"));
    CHECK(told.out == "1 test in 1 file: all passed.\n");
}

TEST_CASE("each test begins anew, and the dialect is the file's") {
    const Rig rig;
    const std::string test = one_test(R"({ at = "0s", lines = ["queue:+11|g"] })",
                                      R"({ at = "10s", alert = "queue", value = 11 })");
    std::string twice = test + test;
    twice.replace(twice.rfind("\"t\""), 3, "\"u\"");
    CHECK(rig.run(twice).out == "2 tests in 1 file: all passed.\n");
    const std::string moved = one_test(R"({ to = "20s", lines = ["queue:+11|g"] })",
                                       R"({ at = "20s", alert = "queue", value = 22 })");
    CHECK(rig.run(moved).exit_code == exit_failure);
    CHECK(rig.run("dialect = \"statsd\"\n" + moved).exit_code == exit_success);
}

TEST_CASE("all that is wrong with a file is told at once, with its place") {
    const Rig rig;
    const std::filesystem::path data = PITOT_SOURCE_DIR "/tests/data/alerts";
    std::filesystem::copy_file(data / "wrong_rules.toml",
                               rig.directory().path() / "wrong_rules.toml");
    const std::filesystem::path file =
        rig.directory().write("wrong_test.toml", content_of(data / "wrong_test.toml"));
    const Told told = rig.run(TestArguments{.files = {file}});
    CHECK(told.exit_code == exit_configuration);
    CHECK(told.out == "");
    CHECK(told.err == content_of(data / "wrong_test.expected"));
}

TEST_CASE("files that are none") {
    const Rig rig;
    const auto err_of = [&](const std::string& text) {
        const TestArguments arguments{.files = {rig.directory().write("x.toml", text)}};
        const Told told = rig.run(arguments);
        CHECK(told.exit_code == exit_configuration);
        return told.err;
    };
    CHECK(err_of("rules = [").contains("x.toml:1:"));
    CHECK(err_of(std::string("a\0b", 3)).contains("must be a TOML text, got a binary file"));
    CHECK(err_of("").contains("rules: must name files of rules"));
    CHECK(err_of("rules = [\"none.toml\"]\n").contains("none.toml: must be readable"));
    const Told absent = rig.run(TestArguments{.files = {rig.directory().path() / "absent.toml"}});
    CHECK(absent.exit_code == exit_configuration);
    CHECK(absent.err.contains("absent.toml: must be readable"));
}

TEST_CASE("what is wrong with the rules is told beside the rest, once") {
    const Rig rig;
    rig.directory().write("rules.toml", "[alerts.a]\ncondition = 'p9x(b) > 1'\n");
    const std::filesystem::path test = rig.write("[[test]]\nname = \"t\"\nexpct = []\n");
    const Told told = rig.run(TestArguments{.files = {test, test}});
    CHECK(told.exit_code == exit_configuration);
    CHECK(told.err.contains("rules.toml:2:14: alerts.a.condition: "));
    CHECK(told.err.find("alerts.a.condition") == told.err.rfind("alerts.a.condition"));
    CHECK(told.err.contains("did you mean `expect`?"));
}

TEST_CASE("a text that cannot be rendered is told when the rules are loaded") {
    const Rig rig;
    rig.directory().write("rules.toml",
                          "[alerts.a]\ncondition = 'sum(b) by (service) > 1'\n"
                          "annotations.summary = \"{{ labels.service }}: {{ labels.servce }}\"\n"
                          "annotations.description = \"{{ vlaue }}\"\n");
    const Told told = rig.run(
        "[[test]]\nname = \"t\"\n"
        "expect = [{ at = \"*\", alert = \"a\", state = \"ok\" }]\n");
    CHECK(told.exit_code == exit_configuration);
    CHECK(told.err.contains("rules.toml:3:"));
    CHECK(told.err.contains("alerts.a.annotations.summary: must "));
    CHECK(told.err.contains("`service`"));
    CHECK(told.err.contains("alerts.a.annotations.description: must "));
    CHECK(told.err.contains("`value`"));
}

TEST_CASE("a rule is covered by a test in which it fires and one in which it does not") {
    const Rig rig;
    const std::string input = R"({ series = "queue|g 11" })";
    const Told some = rig.run(one_test(input, R"({ at = "10s", alert = "queue", severity = "warn" },
                           { at = "*", alert = "slow", state = "ok" })"),
                              true);
    CHECK(some.exit_code == exit_failure);
    CHECK(some.out == R"(1 test in 1 file: all passed.
0 of 3 rules are covered: expected to fire, and not to.
  errors: no test expects it to fire, and none expects it not to
  queue: no test expects it not to fire
  slow: no test expects it to fire
)");
}

TEST_CASE("results for programs are JUnit's XML") {
    const Rig rig;
    const std::string text =
        one_test(failing_pay, R"({ at = "*", alert = "queue", state = "ok" })") +
        "[[test]]\nname = '<a> & \"b\"'\n"
        "expect = [{ at = \"10s\", alert = \"queue\", state = \"firing\" }]\n";
    TestArguments arguments{.files = {rig.write(text)}};
    arguments.junit_file = rig.directory().path() / "junit.xml";
    CHECK(rig.run(arguments).exit_code == exit_failure);
    const std::string xml = content_of(*arguments.junit_file);
    CHECK(xml.contains("test.toml\" tests=\"2\" failures=\"1\" errors=\"0\">"));
    CHECK(xml.contains("name=\"t\"/>"));
    CHECK(xml.contains("name=\"&lt;a&gt; &amp; &quot;b&quot;\">\n      <failure message=\""));
    CHECK(xml.contains("&lt;--"));
    CHECK(xml.ends_with("</testsuites>\n"));

    arguments.junit_file = rig.directory().path() / "none" / "junit.xml";
    const Told told = rig.run(arguments);
    CHECK(told.exit_code == exit_failure);
    CHECK(told.err.contains("--junit: must be a file that can be written"));
}

TEST_CASE("verbosely, every test and what was told when") {
    const Rig rig;
    const Told told = rig.run(
        one_test(failing_pay, R"({ at = "5m", alert = "errors", state = "firing" })"), false, true);
    CHECK(told.out == R"(ok      test.toml: t
       1m10s  errors{service=pay} firing warning: pay: 10% errors (peak 10%)
1 test in 1 file: all passed.
)");
}
