// `pitot check`: what it prints where, and its exit code.
#include "agent/cli/check.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

struct Checked {
    int exit_code;
    std::string out;
    std::string err;
};

Checked checked(const CheckArguments& arguments, bool is_terminal = false) {
    std::ostringstream out;
    std::ostringstream err;
    const SinkTrial trial{{"console", "sample"}, read_section};
    const int exit_code = check(arguments, trial, config_environment(), {out, err, is_terminal});
    return {exit_code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("right configurations are told by what is in them") {
    const Checked none = checked({});
    CHECK(none.exit_code == exit_success);
    CHECK(none.out == "the built-in configuration: ok: 4 listeners, 1 sink\n");
    CHECK(none.err.empty());

    const ConfigDirectory directory;
    const auto file =
        directory.write("a.toml",
                        "[listeners.a]\ntype = \"udp\"\naddress = \"127.0.0.1:0\"\n"
                        "[sinks.a]\ntype = \"console\"\n[sinks.b]\ntype = \"console\"\n");
    const Checked some = checked({.config_file = file, .sets = {"interval=1s"}});
    CHECK(some.exit_code == exit_success);
    CHECK(some.out == file.native() + ": ok: 1 listener, 2 sinks\n");
    CHECK(some.err.empty());
}

TEST_CASE("wrong ones by all that is wrong, in the agent's part and in the sinks'") {
    const Checked wrong = checked({.sets = {"interval=1", "sinks.a={type=\"sample\", queue=0}"}});
    CHECK(wrong.exit_code == exit_configuration);
    CHECK(wrong.out.empty());
    CHECK(wrong.err ==
          "--set 1: interval: must have a unit, such as \"1s\" or \"1ms\", got the number 1\n"
          "--set 2: sinks.a.url: must be given, as a text, got nothing\n"
          "--set 2: sinks.a.queue: must be a whole number between 1 and 1000, got the number 0\n"
          "3 problems found.\n");
    CHECK(checked({.sets = {"interval=1"}}, true).err.contains("      | interval=1\n"));

    const Checked unreadable = checked({.config_file = "/nowhere/pitot.toml"});
    CHECK(unreadable.exit_code == exit_configuration);
    CHECK(unreadable.err ==
          "/nowhere/pitot.toml: must be readable, got \"No such file or directory\"\n"
          "1 problem found.\n");
}

TEST_CASE("a warning is no problem") {
    const Checked warned = checked({.sets = {"limits={series=1, series_per_metric=2}"}});
    CHECK(warned.exit_code == exit_success);
    CHECK(warned.out.ends_with("ok: 4 listeners, 1 sink\n"));
    CHECK(warned.err ==
          "warning: --set 1: limits.series_per_metric: is above `series` (1), which comes "
          "first\n");
}

TEST_CASE("with --strict a warning fails, and a problem more so") {
    const std::vector<std::string> unwise{"limits={series=1, series_per_metric=2}"};
    CHECK(checked({.sets = unwise, .strict = true}).exit_code == exit_warnings);
    CHECK(checked({.sets = {}, .strict = true}).exit_code == exit_success);
    CHECK(checked({.sets = {"interval=1"}, .strict = true}).exit_code == exit_configuration);
}

TEST_CASE("rules are counted, warned of, and explained") {
    const ConfigDirectory directory;
    const auto file = directory.write("pitot.toml",
                                      "[alerts.a]\ncondition = 'rate(errors) > 0.05'\n"
                                      "[alerts.b]\ncondition = 'x > 1'\n"
                                      "[alerts.c]\nenabled = false\ncondition = 'x > 1'\n"
                                      "[derive.d]\nexpr = 'rate(errors)'\n");
    const Checked plain = checked({.config_file = file});
    CHECK(plain.exit_code == exit_success);
    CHECK(plain.out ==
          file.native() + ": ok: 4 listeners, 1 sink, 2 alert rules, 1 derived series\n");
    CHECK(plain.err.starts_with("warning: " + file.native() +
                                ":2:29: alerts.a.condition: `rate()` is per second"));
    CHECK(checked({.config_file = file, .strict = true}).exit_code == exit_warnings);

    const Checked explained = checked({.config_file = file, .explain = true});
    CHECK(explained.out.starts_with(plain.out + "\na (" + file.native() + ":1)\n"));
    CHECK(explained.out.contains("\nderived series d\n"));
    CHECK(explained.out.contains("\npitot_sink_failing (built in)\n"));
    CHECK(explained.out.contains("\nAll windows together: "));
    CHECK(checked({.config_file = file, .sets = {"interval=1"}, .explain = true}).out.empty());
}

TEST_CASE("rules are held against the series of lines") {
    const ConfigDirectory directory;
    const auto file = directory.write(
        "pitot.toml",
        "[alerts.slow]\ncondition = 'p95(checkout.time{env=\"prod\"}[5m]) by (service) > 2s'\n"
        "[alerts.typo]\ncondition = 'rate(erors[1m]) > 5/s'\n");
    const auto lines = directory.write("lines",
                                       "checkout.time:320|ms|#env:prod,service:pay\r\n\n"
                                       "checkout.time:20|ms|#env:prod,service:cart\n"
                                       "checkout.time:20|ms|#env:test,service:cart\n"
                                       "nonsense\nerrors:1|c");
    const Checked checks = checked({.config_file = file, .explain = true, .lines_file = lines});
    CHECK(checks.exit_code == exit_success);
    CHECK(checks.err.contains("lines: 1 line(s) are refused"));
    CHECK(checks.out.contains("  matches     checkout.time{env=\"prod\"}: 2 series in 2 groups\n"));
    CHECK(checks.out.contains("checkout.time{env=\"prod\", service=\"cart\"}\n"));
    // What the agent tells of itself is not in the lines, and its own rules are right.
    CHECK_FALSE(checks.out.contains("pitot.flushes: no series"));
    CHECK(checks.out.contains("erors: no series; the closest name is `errors`\n"));

    const Checked unreadable =
        checked({.config_file = file, .explain = true, .lines_file = directory.path() / "none"});
    CHECK(unreadable.exit_code == exit_failure);
    CHECK(unreadable.err.contains("pitot check: --lines: "));
    CHECK(unreadable.err.contains("must be readable, got"));
    CHECK(unreadable.out.contains("\nslow ("));
    CHECK_FALSE(unreadable.out.contains("  matches "));
}

TEST_CASE("an agent that is not there, or cannot be asked, is told of") {
    const Checked nobody =
        checked({.sets = {"http.address=\"127.0.0.1:1\""}, .explain = true, .live = true});
    CHECK(nobody.exit_code == exit_failure);
    CHECK(nobody.err.contains("cannot ask http://127.0.0.1:1"));
    CHECK(nobody.out.contains("\nAll windows together: "));
    CHECK(checked({.sets = {"http.address=\"\""}, .explain = true, .live = true}).exit_code ==
          exit_failure);
    CHECK(checked({.explain = true, .live = true, .url = "nowhere"}).exit_code == exit_usage);
}

TEST_CASE("--show prints a configuration that can be checked again") {
    const ConfigDirectory directory;
    directory.write("conf.d/x.toml", "interval = \"3s\"\n");
    const auto file = directory.write("pitot.toml", "");
    const Checked plain = checked({.config_file = file});
    CHECK(plain.out == file.native() + " and 1 included file: ok: 4 listeners, 1 sink\n");

    const Checked shown = checked({.config_file = file, .show = true});
    CHECK(shown.exit_code == exit_success);
    CHECK(shown.out.starts_with("# " + plain.out + "\n"));
    CHECK(shown.out.contains("\ninterval = \"3s\"  # conf.d/x.toml:1\n"));
    const auto again = directory.write("again/pitot.toml", shown.out);
    CHECK(checked({.config_file = again, .strict = true}).exit_code == exit_success);

    // Nothing is shown of what is not right.
    const Checked wrong = checked({.config_file = file, .sets = {"interval=1"}, .show = true});
    CHECK(wrong.exit_code == exit_configuration);
    CHECK(wrong.out.empty());
}

TEST_CASE("a credential that only the service has is taken as given, and told of") {
    const ConfigDirectory directory;
    const auto file = directory.write("pitot.toml",
                                      "[sinks.a]\ntype = \"sample\"\n"
                                      "url = \"${CREDENTIALS_DIRECTORY}/key\"\n"
                                      "password = { credential = \"push\" }\n"
                                      "[sinks.b]\ntype = \"sample\"\nurl = \"u\"\n"
                                      "password = { file = \"${CREDENTIALS_DIRECTORY}/b\" }\n"
                                      "[http]\naddress = \"*:9125\"\n"
                                      "token = { credential = \"http\" }\n");
    const auto told_at = [&](std::string_view place) {
        return "warning: " + file.native() + ":" + std::string(place) +
               ": is not checked here: only the service manager passes credentials; "
               "CREDENTIALS_DIRECTORY=/run/credentials/pitot.service shows them to root\n";
    };
    const Checked plain = checked({.config_file = file});
    CHECK(plain.exit_code == exit_success);
    CHECK(plain.err == told_at("3:7: sinks.a.url") + told_at("4:12: sinks.a.password") +
                           told_at("8:21: sinks.b.password.file") + told_at("11:9: http.token"));
    const Checked shown = checked({.config_file = file, .show = true});
    CHECK(shown.exit_code == exit_success);
    CHECK(shown.out.contains("password = { credential = \"push\" }"));

    // What is wrong whoever reads it is wrong here too; and the agent itself goes without nothing.
    CHECK(checked({.sets = {"http.token={credential=\"../x\"}"}}).exit_code == exit_configuration);
    CHECK(checked({.sets = {"sinks.a={type=\"sample\", url=\"${OTHER}\"}"}}).exit_code ==
          exit_success);
    CHECK(problems_of(config_arguments(file)).size() == 5);
}

TEST_CASE("without a file, the one of the package is said not to be read") {
    const ConfigDirectory directory;
    Environment environment = config_environment();
    environment.packaged_config_file = directory.write("pitot.toml", "");
    const SinkTrial trial{{"console", "sample"}, read_section};
    std::ostringstream out;
    std::ostringstream err;
    CHECK(check({}, trial, environment, {out, err, false}) == exit_success);
    const std::string file = environment.packaged_config_file.native();
    CHECK(out.str() == "the built-in configuration: ok: 4 listeners, 1 sink; " + file +
                           " was not read: pitot check " + file + "\n");
}

TEST_CASE("an include that finds nothing in a directory that is there is told of") {
    const ConfigDirectory directory;
    directory.write("conf.d/readme", "");
    const auto file = directory.write("pitot.toml", "include = [\"conf.d/*.tml\", \"x/*.toml\"]\n");
    const Checked one = checked({.config_file = file});
    CHECK(one.exit_code == exit_success);
    CHECK(one.err == "warning: " + file.native() +
                         ":1:11: include: has \"conf.d/*.tml\", which no file is like\n");
    // The default may find nothing.
    CHECK(checked({.config_file = directory.write("conf.d/pitot.toml", "")}).err == "");
}
